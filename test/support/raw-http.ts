/** HTTP requests as bytes, for those that no HTTP client would send. */

import { connect, type Socket } from "node:net";
import { waitFor } from "./wait.ts";

export class RawHttp implements Disposable {
  /** Resolves when the server has closed its side, to how long it was open, in milliseconds. */
  readonly closed: Promise<number>;
  readonly #socket: Socket;
  #received = "";
  #isClosed = false;

  /** Connects and sends `text`. */
  constructor(port: number, text = "", host = "127.0.0.1") {
    const openedAtMs = performance.now();
    // The server is to close on its own, whether or not we close our side.
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
    });
    this.#socket.on("error", () => {}); // 'close' follows
    this.closed = new Promise((resolve) => {
      const close = (): void => {
        this.#isClosed = true;
        resolve(performance.now() - openedAtMs);
      };
      this.#socket.on("end", close);
      this.#socket.on("close", close);
    });
    this.write(text);
  }

  /** Everything received, one character for each byte. */
  get received(): string {
    return this.#received;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(text: string | Uint8Array): void {
    if (this.#isClosed) return;
    if (typeof text === "string") this.#socket.write(text, "latin1");
    else this.#socket.write(text);
  }

  /** Bytes that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  stopReading(): void {
    this.#socket.pause();
  }

  goOnReading(): void {
    this.#socket.resume();
  }

  /** The status of the first answer; 0 when the connection was closed without one. */
  async status(): Promise<number> {
    await waitFor("a status line", () => this.#isClosed || this.#received.includes("\r\n"), 15_000);
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.#received)?.[1] ?? 0);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A request of HTTP/1.1 without a body. */
export function requestText(method: string, target: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The headers of a WebSocket handshake, RFC 6455 §4.1. */
export const webSocketHeaders: Readonly<Record<string, string>> = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

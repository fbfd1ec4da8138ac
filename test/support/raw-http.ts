/** HTTP requests as bytes, for those that no HTTP client would send. */

import { connect, type Socket } from "node:net";
import { waitFor } from "./wait.ts";

export class RawHttp implements Disposable {
  /** Resolves when the socket is closed, to how long it was open, in milliseconds. */
  readonly closed: Promise<number>;
  readonly #socket: Socket;
  #received = "";
  #isClosed = false;

  /** Connects and sends `text`. */
  constructor(port: number, text = "", host = "127.0.0.1") {
    const openedAtMs = performance.now();
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
    });
    this.#socket.on("error", () => {}); // 'close' follows
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#isClosed = true;
        resolve(performance.now() - openedAtMs);
      });
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

  /** Says that nothing more comes, and goes on reading. */
  end(): void {
    this.#socket.end();
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

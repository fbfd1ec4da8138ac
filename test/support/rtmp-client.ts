/** A raw RTMP client over a real socket, for what no ordinary peer does: exact times, odd time stamps, thousands of sessions. */

import { createHmac, randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { CodedError } from "../../src/bytes/coded-error.ts";
import type { RtmpCapabilities } from "../../src/protocols/rtmp/capabilities.ts";
import type { RtmpClientEvent } from "../../src/protocols/rtmp/client-events.ts";
import { RtmpClientSession } from "../../src/protocols/rtmp/client-session.ts";
import type { RtmpCrypto } from "../../src/protocols/rtmp/handshake-digest.ts";
import type { RtmpMediaMessage } from "../../src/protocols/rtmp/server-events.ts";
import { parseRtmpUrl } from "../../src/protocols/rtmp/url.ts";

export interface RtmpTestClientOptions {
  readonly role: "publish" | "play";
  readonly capabilities?: RtmpCapabilities;
}

export interface TimedMessage {
  readonly type: "audio" | "video" | "data";
  readonly timestamp: number;
  readonly payload: Uint8Array;
  /** `performance.now()` when it was complete. */
  readonly atMs: number;
}

export class RtmpTestClient implements AsyncDisposable {
  readonly messages: TimedMessage[] = [];
  /** Codes of all onStatus, in order. */
  readonly statuses: string[] = [];
  readonly descriptions: string[] = [];
  readonly askedAtMs: number = performance.now();
  /** Resolves when media may flow; rejects with the refusal. */
  readonly ready: Promise<void>;
  /** Resolves when the socket is closed, to the error that the session ended with. */
  readonly closed: Promise<CodedError | undefined>;
  readonly #session: RtmpClientSession;
  readonly #socket: Socket;
  readonly #ready = Promise.withResolvers<void>();
  #error: CodedError | undefined;

  constructor(url: string, options: RtmpTestClientOptions) {
    const { host, port, isTls } = parseRtmpUrl(url);
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // a test that does not ask is not told
    this.#session = new RtmpClientSession({ crypto, url, chunkSize: 60_000, ...options }, performance.now());
    this.#socket = isTls ? connectTls({ host, port, rejectUnauthorized: false }) : connectTcp({ host, port });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Uint8Array) => {
      this.#session.handle(bytes, performance.now());
      this.#drain();
    });
    this.#socket.on("error", () => {}); // 'close' follows
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#ready.reject(this.#error ?? new Error("the connection was closed"));
        resolve(this.#error);
      });
    });
    this.#drain();
  }

  /** A message of audio (8), video (9) or data (18). */
  send(typeId: number, timestamp: number, payload: Uint8Array): void {
    this.#session.sendMedia(typeId, timestamp, payload);
    this.#drain();
  }

  /** Takes nothing more from the server, and does not notice its end either. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Ends the stream in order. */
  close(): Promise<CodedError | undefined> {
    this.#session.close();
    this.#drain();
    return this.closed;
  }

  /** Lets the connection drop, as a lost network would. */
  destroy(): Promise<CodedError | undefined> {
    this.#socket.destroy();
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  #drain(): void {
    let isClosed = false;
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent()) {
      this.#handle(event);
      isClosed ||= event.type === "closed";
    }
    const output = this.#session.pollOutput();
    if (output !== undefined) this.#socket.write(output);
    if (isClosed) this.#socket.end();
  }

  #handle(event: RtmpClientEvent): void {
    switch (event.type) {
      case "ready":
        this.#ready.resolve();
        return;
      case "status":
        this.statuses.push(event.code);
        this.descriptions.push(event.description);
        return;
      case "closed":
        this.#error = event.error;
        return;
      case "reconnectRequest":
        this.statuses.push("reconnectRequest");
        return;
      default:
        this.#keep(event);
    }
  }

  #keep({ type, timestamp, payload }: RtmpMediaMessage): void {
    this.messages.push({ type, timestamp, payload: payload.slice(), atMs: performance.now() });
  }
}

const crypto: RtmpCrypto = {
  hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
  randomBytes: (length) => randomBytes(length),
};

/** A raw HTTP-FLV or WebSocket-FLV player: the tags as they came, with the time each came at. */

import { get, type IncomingHttpHeaders } from "node:http";
import { WebSocket } from "ws";
import { FlvReader, type FlvTag } from "../../src/formats/flv/flv-reader.ts";
import type { FlvHeader } from "../../src/formats/flv/tag.ts";

export interface TimedTag extends FlvTag {
  /** `performance.now()` when its last byte was here. */
  readonly atMs: number;
}

export class FlvClient implements Disposable {
  readonly tags: TimedTag[] = [];
  /** All bytes of the body, for a file. */
  readonly pieces: Uint8Array[] = [];
  readonly askedAtMs: number = performance.now();
  /** Resolves to true when the body ended in order, to false when the connection broke. */
  readonly ended: Promise<boolean>;
  status = 0;
  headers: IncomingHttpHeaders = {};
  readonly #reader = new FlvReader();
  readonly #close: () => void;

  static http(url: string): FlvClient {
    return new FlvClient((client, end) => {
      const request = get(url, { agent: false }, (response) => {
        client.status = response.statusCode ?? 0;
        client.headers = response.headers;
        response.on("data", (bytes: Uint8Array) => client.#take(bytes));
        response.on("close", () => end(response.complete));
        response.on("error", () => end(false));
      });
      request.on("error", () => end(false));
      return () => request.destroy();
    });
  }

  static webSocket(url: string): FlvClient {
    return new FlvClient((client, end) => {
      const socket = new WebSocket(url.replace(/^http/, "ws"), { perMessageDeflate: false });
      socket.on("open", () => {
        client.status = 101;
      });
      socket.on("message", (bytes: Buffer) => client.#take(bytes));
      socket.on("close", (code) => end(code === 1000));
      socket.on("error", () => end(false));
      return () => socket.terminate();
    });
  }

  private constructor(open: (client: FlvClient, end: (isInOrder: boolean) => void) => () => void) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.ended = promise;
    this.#close = open(this, resolve);
  }

  get header(): FlvHeader | undefined {
    return this.#reader.header;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #take(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    if (this.status !== 200 && this.status !== 101) return; // an error's text
    this.#reader.handle(bytes);
    const atMs = performance.now();
    for (let tag = this.#reader.poll(); tag !== undefined; tag = this.#reader.poll()) this.tags.push({ ...tag, atMs });
  }
}

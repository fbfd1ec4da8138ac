/** What stands between a publisher's connection and the stream: being accepted, and frames as the protocol has them. */

import type { CodedError } from "../../bytes/coded-error.ts";

export interface PublisherProtocol {
  openSession(url: string, nowMs: number): PublisherSession;
  /** For a group of publishers: what is counted on the wire is counted for all of them, so they send the same bytes. */
  openFrames(): PublishedFrames;
}

export interface PublisherSession {
  /** The server's bytes. */
  handle(bytes: Uint8Array, nowMs: number): void;
  /** About once a second: sessions that need signs of life. */
  handleTime(nowMs: number): void;
  poll(): PublisherEvent | undefined;
  /** All bytes to send, in memory of their own. */
  pollOutput(): Uint8Array | undefined;
  /** Ends it in order. */
  close(): void;
}

export type PublisherEvent =
  /** `address` tells {@link PublishedFrames} what the server calls this stream on its connection; the same for nearly all. */
  { readonly type: "accepted"; readonly address: number } | { readonly type: "closed"; readonly error?: CodedError };

export interface PublishedFrames {
  /** What a publisher sends before its first frame. */
  start(address: number, timeMs: number): readonly Uint8Array[];
  /** The picture of this number, which stands at `index` in its GOP and is sent now. */
  picture(address: number, number: number, index: number, sentAtMs: number): Uint8Array;
  sound(address: number, number: number): Uint8Array;
}

/** What goes into the server session, and what comes out of it. */

import type { CodedError } from "../../bytes/coded-error.ts";
import type { RtmpCapabilities } from "./capabilities.ts";
import type { RtmpCrypto } from "./handshake-digest.ts";
import type { Connect } from "./message/connect.ts";
import type { RtmpMessage } from "./message/message-type.ts";
import type { ReplyMemo } from "./reply-memo.ts";

export interface RtmpServerOptions {
  readonly crypto: RtmpCrypto;
  /** Of what we send, 1 to 2^31 - 1; 60,000 by default in the server. */
  readonly chunkSize: number;
  /** After this long without a byte from the peer a ping request is sent; 0: never. */
  readonly pingIntervalMs: number;
  /** How long to wait for anything at all after that. */
  readonly pingTimeoutMs: number;
  readonly handshakeTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
  /** What enhanced clients are told; all that this program knows by default. */
  readonly capabilities?: RtmpCapabilities;
  /** Of the sessions that have these options in common. */
  readonly replies?: ReplyMemo;
}

/** A message of media, as it came; its payload is lent for as long as the bytes that the session was given last. `payload` of "data" is AMF0 (perhaps with `@setDataFrame` in front). */
export type RtmpMediaMessage = RtmpMessage & { readonly type: "audio" | "video" | "data" };

export type RtmpServerEvent =
  | ({ readonly type: "connect" } & Connect)
  | {
      readonly type: "publish";
      readonly messageStreamId: number;
      readonly app: string;
      readonly name: string;
      /** The query of the name, then the one of the app, joined by "&". */
      readonly query: string;
      readonly kind: "live";
    }
  | {
      readonly type: "play";
      readonly messageStreamId: number;
      readonly app: string;
      readonly name: string;
      readonly query: string;
      readonly start: number;
      readonly reset: boolean;
    }
  | { readonly type: "pause"; readonly messageStreamId: number; readonly isPaused: boolean }
  /** A player switches audio or video off or on (§7.2.2.4, §7.2.2.5). */
  | {
      readonly type: "receive";
      readonly messageStreamId: number;
      readonly media: "audio" | "video";
      readonly isWanted: boolean;
    }
  | { readonly type: "bufferLength"; readonly messageStreamId: number; readonly bufferLengthMs: number }
  | RtmpMediaMessage
  /** The publisher (player) is done with the stream; also sent for each stream in use before "closed". */
  | { readonly type: "unpublish" | "stop"; readonly messageStreamId: number }
  /** The last event. The driver sends what pollOutput still has and closes the socket. */
  | { readonly type: "closed"; readonly error?: CodedError };

export interface AcceptPlayOptions {
  /** What the player sees in NetStream.Play.Start. */
  readonly description?: string;
}

/** What goes into the client session, and what comes out of it. */

import type { CodedError } from "../../bytes/coded-error.ts";
import type { RtmpCapabilities } from "./capabilities.ts";
import type { DigestScheme, RtmpCrypto } from "./handshake-digest.ts";
import type { RtmpMediaMessage } from "./server-events.ts";
import type { RtmpUrl } from "./url.ts";

export interface RtmpClientOptions {
  readonly crypto: RtmpCrypto;
  /** An address, or its parts. */
  readonly url: string | Pick<RtmpUrl, "app" | "name" | "query" | "tcUrl">;
  readonly role: "publish" | "play";
  /** Of what we send; 128 (nothing is announced) when undefined. */
  readonly chunkSize?: number;
  /** A handshake with digests of this layout; simple when undefined. */
  readonly digestScheme?: DigestScheme;
  /** What to announce; RTMP 1.0 only when undefined. `ownCapabilities` is everything this program knows. */
  readonly capabilities?: RtmpCapabilities;
  readonly flashVersion?: string;
  readonly bufferLengthMs?: number;
  readonly handshakeTimeoutMs?: number;
  /** From the end of the handshake to "ready". */
  readonly commandTimeoutMs?: number;
}

export type RtmpClientEvent =
  /** The publish is accepted, or the play has started. */
  | { readonly type: "ready"; readonly messageStreamId: number }
  /** Players only. */
  | RtmpMediaMessage
  /** Every onStatus of the server. What the end of a stream (Play.Stop, Play.UnpublishNotify) means is the driver's to say. */
  | { readonly type: "status"; readonly code: string; readonly level: string; readonly description: string }
  /** The server asks to connect again, to `tcUrl` (perhaps relative) or to the same address. */
  | { readonly type: "reconnectRequest"; readonly tcUrl: string | undefined; readonly description: string }
  /** The last event. The driver sends what pollOutput still has and closes the socket. */
  | { readonly type: "closed"; readonly error?: CodedError };

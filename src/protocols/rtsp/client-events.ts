/** What goes into the client session, and what comes out of it. */

import type { CodedError } from "../../bytes/coded-error.ts";
import type { RtspCrypto } from "./digest.ts";
import type { NumberPair } from "./message/transport.ts";
import type { RtspUrl } from "./url.ts";

export interface RtspClientOptions {
  readonly crypto: RtspCrypto;
  /** An address, or its parts. Credentials in it are used when the server asks, and never sent as a part of it. */
  readonly url: string | RtspUrl;
  /** What is to be pulled or pushed over. "auto": UDP, and TCP when the server or the network does not let it through. */
  readonly transport: "tcp" | "udp" | "auto";
  /** To push: what is announced. Undefined: to pull. */
  readonly publish?: { readonly sdp: string; readonly tracks: readonly RtspClientTrack[] };
  /** Without TLS, Basic shows the password to everybody on the way; but some cameras know nothing else. True by default. */
  readonly allowsBasic?: boolean;
  /** Redirections that led to this address: after `maxRedirects` the next one is an error. */
  readonly redirectCount?: number;
  readonly userAgent?: string;
  readonly responseTimeoutMs?: number;
}

/** A track to set up. */
export interface RtspClientTrack {
  /** `a=control` of its media section; undefined when there is none. */
  readonly control: string | undefined;
  /** Where the driver listens for it; undefined: over TCP only. */
  readonly clientPorts?: NumberPair | undefined;
}

/** How a track comes or goes, as the server has agreed to. */
export interface ReadyTrack {
  readonly transport:
    | { readonly kind: "tcp"; readonly channels: NumberPair }
    | {
        readonly kind: "udp";
        readonly clientPorts: NumberPair;
        /** Undefined: the server did not say. */
        readonly serverPorts: NumberPair | undefined;
        /** Undefined: the address of the connection. */
        readonly source: string | undefined;
      };
  readonly ssrc: number | undefined;
  /** From RTP-Info. */
  readonly sequenceNumber: number | undefined;
  readonly rtpTime: number | undefined;
}

export type RtspClientEvent =
  /** To be answered by {@link RtspClientSession.setUp}. */
  | { readonly type: "description"; readonly sdp: string }
  /** The play or record has begun; comes again after a fall back to TCP. In the order of the tracks that were set up. */
  | { readonly type: "ready"; readonly tracks: readonly ReadyTrack[] }
  /** A packet over TCP; never before "ready". `data` may be a view of the input: it is lent as that is. */
  | {
      readonly type: "media";
      readonly trackIndex: number;
      readonly kind: "rtp" | "rtcp";
      readonly data: Uint8Array;
    }
  /** The stream is elsewhere: "closed" follows. Whoever goes there takes credentials along only to the same host. */
  | { readonly type: "redirect"; readonly url: string; readonly redirectCount: number }
  /** The last event. The driver sends what pollOutput still has and closes the socket. */
  | { readonly type: "closed"; readonly error?: CodedError };

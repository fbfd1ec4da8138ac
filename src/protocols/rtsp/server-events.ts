/** What goes into the server session, and what comes out of it. */

import type { CodedError } from "../../bytes/coded-error.ts";
import type { RtspCrypto } from "./digest.ts";
import type { NumberPair } from "./message/transport.ts";
import type { RtspCredentials } from "./server-credentials.ts";

export interface RtspServerOptions {
  readonly crypto: RtspCrypto;
  /** Basic is offered, and taken, over TLS only. */
  readonly isTls: boolean;
  /** What SETUP may choose from. */
  readonly transports: { readonly tcp: boolean; readonly udp: boolean; readonly multicast: boolean };
  /** What a person sees who is asked for a password; "Millrace" by default. */
  readonly realm?: string;
  readonly sessionTimeoutMs?: number;
  readonly udpSessionTimeoutMs?: number;
  readonly messageTimeoutMs?: number;
}

/** What a peer asks for, before it may have it. */
export interface RtspRequestedTarget {
  /** Without slashes at its ends; as it is written, percent signs included. */
  readonly path: string;
  readonly query: string;
  /** Undefined: none came, or they were Basic without TLS. */
  readonly credentials: RtspCredentials | undefined;
  readonly userAgent: string | undefined;
}

/** What a SETUP comes down to. Of UDP only the ports are the peer's choice: packets go to the address of its connection. */
export type RequestedTransport =
  | { readonly kind: "tcp"; readonly channels: NumberPair }
  | { readonly kind: "udp"; readonly clientPorts: NumberPair }
  | { readonly kind: "multicast" };

/** What the driver adds to it. */
export interface SetupAnswer {
  /** TCP: other channels than those that were asked for. */
  readonly channels?: NumberPair;
  /** UDP: where we send from and receive. */
  readonly serverPorts?: NumberPair;
  readonly multicast?: { readonly address: string; readonly ports: NumberPair; readonly ttl: number };
  /** Of the packets that we send. */
  readonly ssrc?: number;
}

/** For RTP-Info: the first packet that the player gets. */
export interface FirstPacket {
  readonly trackIndex: number;
  readonly sequenceNumber: number;
  readonly rtpTime: number;
}

/**
 * Events with a `requestId` wait: the driver answers each by the accept of its name or by reject, and until then later requests
 * of the connection wait as well.
 */
export type RtspServerEvent =
  /** A player wants the description; or, when `isSetup`, wants to set up a track without having asked for one. */
  | ({ readonly type: "describe"; readonly requestId: number; readonly isSetup: boolean } & RtspRequestedTarget)
  /** A publisher describes what it is going to send. */
  | ({ readonly type: "announce"; readonly requestId: number; readonly sdp: string } & RtspRequestedTarget)
  | {
      readonly type: "setup";
      readonly requestId: number;
      readonly role: "play" | "record";
      readonly trackIndex: number;
      readonly transport: RequestedTransport;
    }
  | { readonly type: "play" | "record"; readonly requestId: number }
  /** A player or publisher pauses; "play" or "record" goes on. */
  | { readonly type: "pause" }
  /** A packet of an accepted publisher, or RTCP of a player. `data` may be a view of the input: it is lent as that is. */
  | {
      readonly type: "media";
      readonly trackIndex: number;
      readonly kind: "rtp" | "rtcp";
      readonly data: Uint8Array;
    }
  /** The session is over (TEARDOWN, or before "closed"): what was set up, played or recorded ends. */
  | { readonly type: "teardown" }
  /** The last event. The driver sends what pollOutput still has and closes the socket. */
  | { readonly type: "closed"; readonly error?: CodedError };

/** What the controller's thread and the shards say to each other of connections that the server begins. All of it can be cloned. */

import type { Failure } from "./supervisor.ts";

/** Fetch a stream, once. */
export interface PullOrder {
  readonly kind: "pull";
  readonly tryId: number;
  /** Its key. */
  readonly stream: string;
  /** With credentials. */
  readonly url: string;
  readonly fingerprint: string;
  /** `udp` goes over to TCP by itself when that does not get through. */
  readonly transport: "tcp" | "udp";
  readonly redirectCount: number;
  /** The address that sent us here; undefined when the configuration did. */
  readonly sentBy: string | undefined;
}

/** Send a stream on, once. */
export interface PushOrder {
  readonly kind: "push";
  readonly tryId: number;
  readonly stream: string;
  readonly url: string;
  /** `udp` goes over to TCP by itself when the server wants no UDP. */
  readonly transport: "tcp" | "udp";
}

export type OutboundOrder = PullOrder | PushOrder;

/** What became of a try. */
export type OutboundEvent =
  /** Media comes, or goes. */
  | { readonly type: "running"; readonly tryId: number }
  /** The last one. `hasFallenBack`: UDP did not get through. */
  | { readonly type: "failed"; readonly tryId: number; readonly failure: Failure; readonly hasFallenBack: boolean }
  /** The last one as well. */
  | {
      readonly type: "redirected";
      readonly tryId: number;
      readonly url: string;
      readonly redirectCount: number;
      readonly sentBy: string;
    };

/** What the controller's thread asks of a shard. */
export type OutboundShardCalls = {
  readonly openOutbound: (order: OutboundOrder) => void;
  readonly closeOutbound: (what: { readonly tryId: number; readonly reason: string }) => void;
};

/** What a shard tells the controller's thread. */
export type OutboundServerCalls = {
  readonly outbound: (event: OutboundEvent) => void;
};

/** For `/stats`: what a shard knows of a try that is under way. */
export interface OutboundReport {
  readonly tryId: number;
  readonly address: string;
  readonly transport: "tcp" | "udp";
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly lostPackets: number;
}

/** The names of these as protocols: who publishes and plays under them is the server itself. */
export const pullProtocol = "rtsp-pull";
export const pushProtocol = "rtsp-forward";

/** What the threads of the server ask of each other, beyond what carries streams. */

import type { MessagePort } from "node:worker_threads";
import type { ControllerCalls, PeerCalls, ShardCalls } from "../../runtime/shards/calls.ts";
import type { FlvRequest } from "../http/flv-plays.ts";
import type { RepeatedError } from "../log/repeated-errors.ts";
import type { OutboundServerCalls, OutboundShardCalls } from "../outbound/calls.ts";
import type { TunnelCalls } from "../rtsp/tunnels.ts";
import type { MediaPorts, ShardPosition } from "./ports.ts";
import type { ShardReport } from "./report.ts";

/** What the controller's thread asks of a shard. */
export type MediaShardCalls = ShardCalls &
  OutboundShardCalls & {
    /** Another shard can be reached this way. */
    readonly connect: (peer: PeerConnection) => void;
    /** What rings this shard: a descriptor, or nothing but messages. */
    readonly doorbellFd: (nothing: undefined) => number | undefined;
    readonly listen: (where: ListenWhere) => Promise<MediaPorts>;
    readonly report: (nothing: undefined) => ShardReport;
    readonly openFlv: (request: FlvRequest) => Promise<number>;
    readonly startFlv: (play: { readonly id: number; readonly fd: number; readonly head: Uint8Array }) => void;
    readonly cancelFlv: (id: number) => void;
    /** Tells everybody, and gives them the configured time. */
    readonly stop: (reason: string) => Promise<void>;
    /** Lets go of everything. Nobody rings any more. */
    readonly close: (nothing: undefined) => Promise<void>;
  };

/** What shards ask of each other. */
export type MediaPeerCalls = PeerCalls & TunnelCalls;

export interface ListenWhere {
  readonly ports: MediaPorts;
  /** Whether other shards listen there, too. */
  readonly isShared: boolean;
  readonly position: ShardPosition;
}

export interface PeerConnection {
  readonly index: number;
  readonly port: MessagePort;
  readonly side: 0 | 1;
  readonly queue: SharedArrayBuffer;
  readonly doorbellFd: number | undefined;
  /** The doorbells to the peer, and from it. */
  readonly outward: SharedArrayBuffer;
  readonly inward: SharedArrayBuffer;
}

/** What a shard asks of the controller's thread. */
export type ServerCalls = ControllerCalls &
  OutboundServerCalls & {
    /** Errors of one code, put together: the other shards have theirs. */
    readonly problem: (errors: RepeatedError) => void;
    /** A finished line. */
    readonly log: (line: string) => void;
  };

/** What the threads of one server ask of each other to carry streams. All of it can be cloned. */

import type { FormatRequest, StreamView } from "../../kernel/egress.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { EngineEvent } from "../../kernel/services.ts";

/** What a shard asks of the controller. */
export type ControllerCalls = {
  /** Decides about a publisher, and gives it the stream. `startMs`: where a timeline goes on that began on another shard. */
  readonly publish: (wanted: ShardRequest) => Promise<{ readonly startMs: number | undefined }>;
  /** The publisher that was given a stream did not take it. */
  readonly unclaim: (what: { readonly shard: number; readonly key: string }) => void;
  /** Decides about a player, and says where the stream is. */
  readonly play: (wanted: ShardRequest) => Promise<{ readonly owner: number }>;
  /** What happened on a shard; the registry follows it. */
  readonly changed: (what: { readonly shard: number; readonly event: EngineEvent }) => void;
};

export interface ShardRequest {
  readonly shard: number;
  readonly request: PeerRequest;
}

/** What the controller asks of a shard. */
export type ShardCalls = {
  /** Gives up an idle stream, because its publisher came back through another shard. Undefined: there is none. */
  readonly release: (key: string) => ReleasedStream | undefined;
  /** The stream is on this shard now: players of it go on there. */
  readonly moved: (where: { readonly key: string; readonly owner: number }) => void;
  /** The stream that was to move is gone. */
  readonly gone: (what: { readonly key: string; readonly reason: string }) => void;
};

export interface ReleasedStream {
  /** Where its timeline ends, and how long ago that was. */
  readonly endMs: number;
  readonly idleMs: number;
}

/** What shards ask of each other. */
export type PeerCalls = {
  readonly openLog: (wanted: { readonly key: string; readonly format: FormatRequest }) => ForeignLog;
  readonly closeLog: (slot: number) => void;
  readonly describe: (key: string) => StreamView;
  readonly logGrown: (change: { readonly slot: number; readonly memory: MemoryHandle }) => void;
  readonly streamChanged: (change: { readonly slot: number; readonly stream: StreamView }) => void;
  readonly logEnded: (end: { readonly slot: number; readonly reason: string }) => void;
  /** Where there is no descriptor to ring with. */
  readonly ring: (nothing: undefined) => void;
};

export interface ForeignLog {
  readonly slot: number;
  readonly memory: MemoryHandle;
  readonly stream: StreamView;
}

/** An egress log's memory on its way to another thread. */
export interface MemoryHandle {
  readonly shared: SharedArrayBuffer;
  readonly capacity: number;
  readonly entryCapacity: number;
}

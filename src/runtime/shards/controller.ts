/**
 * The registry of the whole server: who may publish and play, and which shard a stream is on.
 *
 * A stream lives on its publisher's shard. When a publisher comes back through another one while the stream waits for it, the
 * stream moves: its shard gives it up, the timeline goes on where the publisher is now, and players follow.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { continuedTimelineMs, limitReached } from "../../kernel/engine.ts";
import { ERR_STREAM_BUSY, ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import { Gate, type PeerRequest } from "../../kernel/gate.ts";
import type { EngineLimits } from "../../kernel/limits.ts";
import type { AccessRequest, AuditSink, Authenticator, Clock, EngineEvent, EventBus } from "../../kernel/services.ts";
import type { StreamName } from "../../kernel/stream-name.ts";
import type { ControllerCalls, ShardCalls, ShardRequest } from "./calls.ts";
import type { Link } from "./link.ts";

export interface ControllerOptions {
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly auditSink: AuditSink;
  /** Hears everything that happens on any shard. */
  readonly eventBus: EventBus;
  readonly limits: Pick<EngineLimits, "maxPublishers" | "maxStreams" | "maxApplications">;
}

/** Counts that only grow. */
export interface ControllerCounters {
  readonly deniedCount: number;
  readonly refusedCount: number;
  /** Streams that went over to another shard with their publisher. */
  readonly movedStreamCount: number;
  /** Throws of injected services that were caught. */
  readonly serviceFailureCount: number;
}

interface Entry {
  readonly name: StreamName;
  readonly owner: number;
  /** `claimed`: a publisher was given it, and has not begun. */
  state: "claimed" | "publishing" | "idle";
  readonly publisherAddress: string;
  /** Its shard has it, from a publisher before. */
  isThere: boolean;
  /** It was on another shard before. */
  isMoving: boolean;
}

export class Controller {
  readonly #gate: Gate;
  readonly #options: ControllerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #shards = new Map<number, Link<ShardCalls>>();
  #movedStreamCount = 0;
  #eventFailureCount = 0;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#gate = new Gate(options);
  }

  get isClosed(): boolean {
    return this.#gate.isClosed;
  }

  get counters(): ControllerCounters {
    const { deniedCount, refusedCount, serviceFailureCount } = this.#gate.counters;
    return {
      deniedCount,
      refusedCount,
      movedStreamCount: this.#movedStreamCount,
      serviceFailureCount: serviceFailureCount + this.#eventFailureCount,
    };
  }

  get streamCount(): number {
    return this.#entries.size;
  }

  get publisherCount(): number {
    let count = 0;
    for (const { state } of this.#entries.values()) if (state !== "idle") count++;
    return count;
  }

  /** Who publishes this stream now; undefined when nobody does. */
  publisherAddress(key: string): string | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || entry.state === "idle" ? undefined : entry.publisherAddress;
  }

  addShard(index: number, link: Link<ShardCalls>): void {
    this.#shards.set(index, link);
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#gate.close();
  }

  /** What shards ask. */
  get calls(): ControllerCalls {
    return {
      publish: (wanted) => this.#publish(wanted),
      unclaim: ({ shard, key }) => this.#unclaim(shard, key),
      play: ({ request }) => this.#play(request),
      changed: ({ shard, event }) => this.#changed(shard, event),
    };
  }

  async #publish({ shard, request }: ShardRequest): Promise<{ readonly startMs: number | undefined }> {
    const access = await this.#gate.admit("publish", request);
    // At once, before anything is waited for: the next one to come finds it taken.
    const from = this.#gate.decide(access, () => this.#claim(access, shard));
    if (from === shard) return { startMs: undefined };
    this.#movedStreamCount++;
    const released = await this.#shards.get(from)?.call("release", access.stream.key);
    return { startMs: released === undefined ? undefined : continuedTimelineMs(released.endMs, released.idleMs) };
  }

  /** Gives the stream to `shard`; returns the shard that had it. */
  #claim({ stream, address }: AccessRequest, shard: number): number {
    const known = this.#entries.get(stream.key);
    this.#checkPublisher(stream, known);
    const from = known?.owner ?? shard;
    this.#entries.set(stream.key, {
      name: stream,
      owner: shard,
      state: "claimed",
      publisherAddress: address,
      isThere: known !== undefined && from === shard,
      isMoving: from !== shard,
    });
    return from;
  }

  #checkPublisher({ key, app }: StreamName, known: Entry | undefined): void {
    const { maxPublishers, maxStreams, maxApplications } = this.#options.limits;
    if (known !== undefined && known.state !== "idle") {
      // Who it is stands in our log; the second one has no business to know.
      throw new CodedError(ERR_STREAM_BUSY, `${key} is already being published`);
    }
    if (this.publisherCount >= maxPublishers) {
      throw limitReached("publishers", maxPublishers, "streaming.max_publishers");
    }
    if (known !== undefined) return;
    if (this.#entries.size >= maxStreams) throw limitReached("streams", maxStreams, "streaming.max_streams");
    const apps = new Set(Array.from(this.#entries.values(), (entry) => entry.name.app));
    if (!apps.has(app) && apps.size >= maxApplications) {
      throw limitReached("applications", maxApplications, "streaming.max_applications");
    }
  }

  #unclaim(shard: number, key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.owner !== shard || entry.state !== "claimed") return;
    if (entry.isThere) entry.state = "idle";
    else this.#forget(key, "its new publisher could not begin");
  }

  #forget(key: string, reason: string): void {
    this.#entries.delete(key);
    for (const shard of this.#shards.values()) shard.tell("gone", { key, reason });
  }

  async #play(request: PeerRequest): Promise<{ readonly owner: number }> {
    const access = await this.#gate.admit("play", request);
    return this.#gate.decide(access, () => {
      const entry = this.#entries.get(access.stream.key);
      if (entry !== undefined) return { owner: entry.owner };
      throw new CodedError(ERR_STREAM_NOT_FOUND, `nobody is publishing ${access.stream.key}`);
    });
  }

  #changed(shard: number, event: EngineEvent): void {
    const entry = this.#entries.get(event.stream);
    if (entry !== undefined && entry.owner === shard) this.#follow(entry, event);
    try {
      this.#options.eventBus.emit(event);
    } catch {
      this.#eventFailureCount++;
    }
  }

  #follow(entry: Entry, event: EngineEvent): void {
    switch (event.type) {
      case "publish":
        entry.state = "publishing";
        if (entry.isMoving) {
          entry.isMoving = false;
          for (const link of this.#shards.values()) link.tell("moved", { key: event.stream, owner: entry.owner });
        }
        return;
      case "unpublish":
        if (entry.state === "publishing") entry.state = "idle";
        return;
      case "stream.ended":
        // Claimed meanwhile: the new publisher begins the stream anew.
        if (entry.state === "claimed") entry.isThere = false;
        else this.#entries.delete(event.stream);
        return;
      default:
        return;
    }
  }
}

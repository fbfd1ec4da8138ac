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
import { ERR_SHARD_BUSY } from "../errors.ts";
import type { ControllerCalls, ReleasedStream, ShardCalls, ShardRequest } from "./calls.ts";
import type { Link } from "./link.ts";

export interface ControllerOptions {
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly auditSink: AuditSink;
  /** Hears everything that happens on any shard. */
  readonly eventBus: EventBus;
  readonly limits: Pick<EngineLimits, "maxPublishers" | "maxStreams" | "maxApplications">;
  readonly supply?: StreamSupply;
}

/** Streams that the server fetches by itself, always or when somebody wants to play them. */
export interface StreamSupply {
  /** Why this publisher can't have the stream, whatever it may do otherwise; undefined when it can. */
  refusal(access: AccessRequest): string | undefined;
  /**
   * Somebody who may play wants this stream. Resolves when it is there, or when it was waited for long enough; undefined when
   * there is nothing to wait for.
   */
  summon(stream: StreamName, protocol: string): Promise<void> | undefined;
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
  /** It was on another shard before: who asks where it is waits until it is there. */
  readonly move: PromiseWithResolvers<void> | undefined;
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
    if (from === undefined) return { startMs: undefined };
    const released = await this.#release(access.stream.key, from);
    return { startMs: released === undefined ? undefined : continuedTimelineMs(released.endMs, released.idleMs) };
  }

  /** Gives the stream to `shard`; returns what it was on another shard. */
  #claim(access: AccessRequest, shard: number): Entry | undefined {
    const { stream, address } = access;
    const refusal = this.#options.supply?.refusal(access);
    if (refusal !== undefined) throw new CodedError(ERR_STREAM_BUSY, refusal);
    const known = this.#entries.get(stream.key);
    this.#checkPublisher(stream, known);
    const from = known === undefined || known.owner === shard ? undefined : known;
    this.#entries.set(stream.key, {
      name: stream,
      owner: shard,
      state: "claimed",
      publisherAddress: address,
      isThere: known !== undefined && from === undefined,
      move: from === undefined ? undefined : Promise.withResolvers<void>(),
    });
    return from;
  }

  async #release(key: string, from: Entry): Promise<ReleasedStream | undefined> {
    try {
      // However long it takes: given up half-way, the stream would be on both shards, or on none.
      const options = { timeoutMs: Number.POSITIVE_INFINITY };
      const released = await this.#shards.get(from.owner)?.call("release", key, options);
      this.#movedStreamCount++;
      return released;
    } catch (error) {
      this.#entries.get(key)?.move?.resolve();
      const isAsked = !(error instanceof CodedError && error.code === ERR_SHARD_BUSY);
      // Not even asked for, it is where it was; else nobody knows what became of it.
      if (isAsked) this.#forget(key, "its shard could not let go of it");
      else this.#entries.set(key, from);
      throw error;
    }
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
    this.#entries.get(key)?.move?.resolve();
    this.#entries.delete(key);
    for (const shard of this.#shards.values()) shard.tell("gone", { key, reason });
  }

  async #play(request: PeerRequest): Promise<{ readonly owner: number }> {
    const access = await this.#gate.admit("play", request);
    await this.#options.supply?.summon(access.stream, access.protocol);
    await this.#settled(access.stream.key);
    return this.#gate.decide(access, () => {
      const entry = this.#entries.get(access.stream.key);
      if (entry !== undefined) return { owner: entry.owner };
      throw new CodedError(ERR_STREAM_NOT_FOUND, `nobody is publishing ${access.stream.key}`);
    });
  }

  /** While a stream moves it is nowhere; its players are asked for a moment's patience. */
  async #settled(key: string): Promise<void> {
    for (;;) {
      const entry = this.#entries.get(key);
      if (entry?.state !== "claimed" || entry.move === undefined) return;
      await entry.move.promise;
    }
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
        if (entry.state !== "claimed") return;
        entry.state = "publishing";
        if (entry.move === undefined) return;
        for (const link of this.#shards.values()) link.tell("moved", { key: event.stream, owner: entry.owner });
        entry.move.resolve(); // behind what was told
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

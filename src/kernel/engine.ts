/**
 * The registry of streams, and the one door through which publishers and subscribers come in: names are checked, access is
 * decided and limits are kept here, for every protocol alike.
 *
 * An engine has no global state, no timers and no clock of its own: time comes from the injected clock, and whoever owns the
 * engine calls {@link Engine.tick} about twice a second.
 */

import { CodedError } from "../bytes/coded-error.ts";
import type { WireFormat } from "./egress.ts";
import type { EgressLog } from "./egress-log.ts";
import { ERR_LIMIT_REACHED, ERR_STREAM_BUSY, ERR_STREAM_NOT_FOUND } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { FramePieces } from "./frame-pieces.ts";
import { Gate, type PeerRequest } from "./gate.ts";
import { defaultLimits, type EngineLimits } from "./limits.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { Publication } from "./publication.ts";
import {
  type AccessRequest,
  type Clock,
  type EgressProtocol,
  type EngineEvent,
  type EngineServices,
  type HealthReport,
  type IngestProtocol,
  LocalEventBus,
  permitAll,
  silentAuditSink,
  silentObserver,
} from "./services.ts";
import { Stream, type StreamOwner } from "./stream.ts";
import type { StreamName } from "./stream-name.ts";
import type { SubscribeOptions, Subscription } from "./subscription.ts";

export interface EngineOptions extends Partial<Omit<EngineServices, "clock">> {
  readonly clock: Clock;
  readonly limits?: Partial<EngineLimits>;
  /** Shared with other engines; one of its own, of `limits.memoryBytes`, when left out. */
  readonly memory?: MemoryBudget;
  /** How long a stream without publisher stays, so that the publisher may come back. */
  readonly idleTimeoutMs?: number;
  /** How long a publisher may send no frame. */
  readonly publisherTimeoutMs?: number;
}

/** A subscriber of a wire format. */
export interface LogSubscription {
  readonly stream: Stream;
  readonly log: EgressLog;
  close(reason: string): void;
  lagged(skippedBytes: number): void;
  evicted(): void;
}

export interface EngineCounters {
  readonly publishCount: number;
  readonly subscribeCount: number;
  readonly deniedCount: number;
  readonly refusedCount: number;
  readonly lagCount: number;
  readonly evictedCount: number;
  readonly reapedStreamCount: number;
  /** Throws of injected services and callbacks that were caught. */
  readonly serviceFailureCount: number;
}

export class Engine {
  readonly limits: EngineLimits;
  readonly memory: MemoryBudget;
  readonly services: EngineServices;
  readonly #idleTimeoutMs: number;
  readonly #publisherTimeoutMs: number;
  readonly #streams = new Map<string, StreamEntry>();
  readonly #pieces = new FramePieces();
  readonly #protocols: IngestProtocol[] = [];
  readonly #owner: StreamOwner;
  readonly #gate: Gate;
  #closing: Promise<void> = Promise.resolve();
  #counters: { -readonly [Key in Exclude<keyof EngineCounters, "deniedCount" | "refusedCount">]: number } = {
    publishCount: 0,
    subscribeCount: 0,
    lagCount: 0,
    evictedCount: 0,
    reapedStreamCount: 0,
    serviceFailureCount: 0,
  };

  constructor(options: EngineOptions) {
    this.limits = { ...defaultLimits, ...options.limits };
    this.memory = options.memory ?? new MemoryBudget(this.limits.memoryBytes);
    this.services = {
      clock: options.clock,
      authenticator: options.authenticator ?? permitAll,
      observer: options.observer ?? silentObserver,
      auditSink: options.auditSink ?? silentAuditSink,
      eventBus: options.eventBus ?? new LocalEventBus(),
      healthChecks: options.healthChecks ?? [],
    };
    this.#gate = new Gate(this.services);
    this.#idleTimeoutMs = options.idleTimeoutMs ?? defaultIdleTimeoutMs;
    this.#publisherTimeoutMs = options.publisherTimeoutMs ?? defaultPublisherTimeoutMs;
    const wantsFrames = this.services.observer.frame !== undefined;
    this.#owner = {
      subscriptionClosed: (stream, reason) => this.#unsubscribed(stream, "in-process", "", reason),
      subscriberLagged: (stream, skipped) => this.#lagged(stream, "in-process", skipped),
      subscriberEvicted: (stream) => this.#evicted(stream, "in-process", ""),
      ...(wantsFrames ? { frame: (stream, frame) => this.#observeFrame(stream, frame) } : {}),
    };
  }

  get isClosed(): boolean {
    return this.#gate.isClosed;
  }

  get counters(): EngineCounters {
    const { deniedCount, refusedCount, serviceFailureCount } = this.#gate.counters;
    const own = this.#counters;
    return { ...own, deniedCount, refusedCount, serviceFailureCount: own.serviceFailureCount + serviceFailureCount };
  }

  get streams(): readonly Stream[] {
    return Array.from(this.#streams.values(), (entry) => entry.stream);
  }

  get publisherCount(): number {
    let count = 0;
    for (const entry of this.#streams.values()) if (entry.publication !== undefined) count++;
    return count;
  }

  /** The stream of this canonical name, if there is one. */
  getStream(key: string): Stream | undefined {
    return this.#streams.get(key)?.stream;
  }

  /**
   * Starts to publish. The name is checked, the authenticator asked, the limits kept; only then does the stream exist.
   *
   * @param onEnd - called when the engine ends the publication: timeout or shutdown
   * @throws `ERR_STREAM_NAME`, `ERR_NOT_AUTHORIZED`, `ERR_STREAM_BUSY`, `ERR_LIMIT_REACHED`, `ERR_ENGINE_CLOSED`
   */
  async publish(request: PeerRequest, onEnd: (reason: string) => void = () => {}): Promise<Publication> {
    const access = await this.#gate.admit("publish", request);
    return this.#gate.decide(access, () => this.#openPublication(access, onEnd));
  }

  /**
   * {@link publish} for one whose access has been decided elsewhere, at once.
   *
   * @param startMs - where its frames begin, when the stream's timeline began on another engine
   */
  openPublication(
    stream: StreamName,
    { protocol, address = "", query = "" }: PeerRequest,
    onEnd: (reason: string) => void,
    startMs?: number,
  ): Publication {
    this.#gate.checkOpen();
    return this.#openPublication({ action: "publish", stream, protocol, address, query }, onEnd, startMs);
  }

  /**
   * Lets go of an idle stream that goes on with another engine. Whoever still holds a log of it is told that it has ended.
   *
   * @returns where its timeline ends and for how long it has been idle; undefined when there is no such stream, or it is published
   */
  releaseStream(key: string): { readonly endMs: number; readonly idleMs: number } | undefined {
    const entry = this.#streams.get(key);
    if (entry === undefined || entry.publication !== undefined) return undefined;
    this.#streams.delete(key);
    entry.stream.end("it goes on elsewhere");
    return { endMs: entry.stream.newestFrameMs, idleMs: this.services.clock.monotonicMs() - entry.idleSinceMs };
  }

  /** Subscribes to frames, in the process. @throws as {@link publish}, and `ERR_STREAM_NOT_FOUND` */
  async subscribe(request: PeerRequest, options: SubscribeOptions = {}): Promise<Subscription> {
    const access = await this.#gate.admit("play", request);
    return this.#gate.decide(access, () => {
      const stream = this.#find(access.stream);
      const subscription = stream.subscribe(options);
      this.#subscribed(stream, access);
      return subscription;
    });
  }

  /**
   * Subscribes to a wire format. `chooseFormat` may look at the stream's tracks, and may throw to refuse.
   *
   * @param onEnd - called once when the stream ends: send what is left, then close
   * @throws as {@link subscribe}, and `ERR_MEMORY_LIMIT`
   */
  async subscribeLog(
    request: PeerRequest,
    chooseFormat: (stream: Stream) => WireFormat,
    onEnd: (reason: string) => void,
  ): Promise<LogSubscription> {
    const access = await this.#gate.admit("play", request);
    return this.#gate.decide(access, () => {
      const stream = this.#find(access.stream);
      const lease = stream.leaseLog(chooseFormat(stream), onEnd);
      this.#subscribed(stream, access);
      let isOpen = true;
      return {
        stream,
        log: lease.log,
        close: (reason) => {
          if (!isOpen) return;
          isOpen = false;
          lease.release();
          this.#unsubscribed(stream, access.protocol, access.address, reason);
        },
        lagged: (skippedBytes) => this.#lagged(stream, access.protocol, skippedBytes),
        evicted: () => this.#evicted(stream, access.protocol, access.address),
      };
    });
  }

  /** The stream, for one who may play it and does not yet. @throws as {@link subscribe} */
  async find(request: PeerRequest): Promise<Stream> {
    const access = await this.#gate.admit("play", request);
    return this.#find(access.stream);
  }

  /** Registers a protocol; {@link start} starts it. */
  register(protocol: IngestProtocol | EgressProtocol): void {
    this.#protocols.push(protocol);
  }

  async start(): Promise<void> {
    for (const protocol of this.#protocols) await protocol.start();
  }

  /** Measures, ends publishers that have fallen silent, and reaps idle streams. */
  tick(): void {
    const nowMs = this.services.clock.monotonicMs();
    for (const entry of this.#streams.values()) {
      entry.stream.tick(nowMs);
      const { publication } = entry;
      if (publication !== undefined) {
        if (publication.quietMs(nowMs) > this.#publisherTimeoutMs) {
          publication.evict(`it sent nothing for ${this.#publisherTimeoutMs / 1000} s`);
        }
      } else if (nowMs - entry.idleSinceMs >= this.#idleTimeoutMs) {
        this.#counters.reapedStreamCount++;
        this.#endStream(entry, `no publisher for ${this.#idleTimeoutMs / 1000} s`);
      }
    }
  }

  /** Asks every health check; a check that throws is unhealthy. */
  async health(): Promise<ReadonlyMap<string, HealthReport>> {
    const reports = new Map<string, HealthReport>();
    for (const check of this.services.healthChecks) {
      try {
        reports.set(check.name, await check.check());
      } catch (error) {
        reports.set(check.name, { isHealthy: false, detail: error instanceof Error ? error.message : "it failed" });
      }
    }
    return reports;
  }

  /** Takes nobody in any more, tells every publisher and subscriber, and stops the protocols. Called again, it waits for the same. */
  shutdown(reason = "the server is shutting down"): Promise<void> {
    if (!this.#gate.isClosed) {
      this.#gate.close();
      this.#closing = this.#shutDown(reason);
    }
    return this.#closing;
  }

  async #shutDown(reason: string): Promise<void> {
    for (const entry of this.#streams.values()) entry.publication?.evict(reason);
    for (const entry of [...this.#streams.values()]) this.#endStream(entry, reason);
    // All at once: each has the configured time to say goodbye, and those times must not add up.
    const stopping = this.#protocols.map(async (protocol) => {
      try {
        await protocol.stop();
      } catch {
        this.#counters.serviceFailureCount++;
      }
    });
    await Promise.all(stopping);
  }

  #openPublication(access: AccessRequest, onEnd: (reason: string) => void, startMs?: number): Publication {
    const nowMs = this.services.clock.monotonicMs();
    const known = this.#streams.get(access.stream.key);
    if (known?.publication !== undefined) {
      throw new CodedError(
        ERR_STREAM_BUSY,
        // Who it is stands in our log; the second one has no business to know.
        `${access.stream.key} is already being published`,
      );
    }
    if (this.publisherCount >= this.limits.maxPublishers) {
      throw limitReached("publishers", this.limits.maxPublishers, "streaming.max_publishers");
    }
    const entry = known ?? this.#openStream(access.stream, nowMs);
    const continuesMs =
      known === undefined ? undefined : continuedTimelineMs(entry.stream.newestFrameMs, nowMs - entry.idleSinceMs);
    const publication = new Publication(
      entry.stream,
      {
        protocol: access.protocol,
        address: access.address,
        startMs: continuesMs ?? startMs ?? 0,
        onEnd: (reason) => this.#tellPublisher(onEnd, reason),
        ended: (ended, reason) => this.#publicationEnded(entry, ended, reason),
      },
      nowMs,
    );
    entry.publication = publication;
    entry.stream.setPublishing(true);
    entry.stream.updateMetadata({
      publisherAddress: access.address,
      ingestProtocol: access.protocol,
      startedAtMs: this.services.clock.wallMs(),
    });
    this.#counters.publishCount++;
    this.#observe((observer) => observer.published?.(entry.stream));
    this.#emitPeer("publish", entry.stream, access.protocol, access.address);
    return publication;
  }

  #openStream(name: StreamName, nowMs: number): StreamEntry {
    if (this.#streams.size >= this.limits.maxStreams) {
      throw limitReached("streams", this.limits.maxStreams, "streaming.max_streams");
    }
    const apps = new Set(Array.from(this.#streams.values(), (entry) => entry.stream.name.app));
    if (!apps.has(name.app) && apps.size >= this.limits.maxApplications) {
      throw limitReached("applications", this.limits.maxApplications, "streaming.max_applications");
    }
    const stream = new Stream(name, this.limits, this.memory, this.#owner, nowMs, this.#pieces);
    const entry: StreamEntry = { stream, publication: undefined, idleSinceMs: nowMs };
    this.#streams.set(name.key, entry);
    this.#observe((observer) => observer.streamStarted?.(stream));
    this.#emit({ type: "stream.started", atMs: this.services.clock.wallMs(), stream: name.key });
    return entry;
  }

  #tellPublisher(onEnd: (reason: string) => void, reason: string): void {
    try {
      onEnd(reason);
    } catch {
      this.#counters.serviceFailureCount++;
    }
  }

  #publicationEnded(entry: StreamEntry, publication: Publication, reason: string): void {
    entry.publication = undefined;
    entry.idleSinceMs = this.services.clock.monotonicMs();
    entry.stream.setPublishing(false);
    this.#observe((observer) => observer.unpublished?.(entry.stream, reason));
    this.#emitPeer("unpublish", entry.stream, publication.protocol, publication.address, reason);
  }

  #endStream(entry: StreamEntry, reason: string): void {
    this.#streams.delete(entry.stream.name.key);
    entry.stream.end(reason);
    this.#observe((observer) => observer.streamEnded?.(entry.stream, reason));
    this.#emit({ type: "stream.ended", atMs: this.services.clock.wallMs(), stream: entry.stream.name.key, reason });
  }

  #find(name: StreamName): Stream {
    const stream = this.#streams.get(name.key)?.stream;
    if (stream === undefined) throw new CodedError(ERR_STREAM_NOT_FOUND, `nobody is publishing ${name.key}`);
    return stream;
  }

  #subscribed(stream: Stream, access: AccessRequest): void {
    this.#counters.subscribeCount++;
    this.#observe((observer) => observer.subscribed?.(stream, access.protocol, access.address));
    this.#emitPeer("subscribe", stream, access.protocol, access.address);
  }

  #unsubscribed(stream: Stream, protocol: string, address: string, reason: string): void {
    this.#observe((observer) => observer.unsubscribed?.(stream, protocol, address, reason));
    this.#emitPeer("unsubscribe", stream, protocol, address, reason);
  }

  #lagged(stream: Stream, protocol: string, skipped: number): void {
    this.#counters.lagCount++;
    this.#observe((observer) => observer.lagged?.(stream, protocol, skipped));
  }

  #evicted(stream: Stream, protocol: string, address: string): void {
    this.#counters.evictedCount++;
    this.#observe((observer) => observer.evicted?.(stream, protocol, address));
    this.#emitPeer("evict", stream, protocol, address);
  }

  #observeFrame(stream: Stream, frame: Frame): void {
    if (this.services.observer.frame === undefined) return;
    this.#observe((observer) => observer.frame?.(stream, frame));
  }

  #observe(tell: (observer: EngineServices["observer"]) => void): void {
    try {
      tell(this.services.observer);
    } catch {
      this.#counters.serviceFailureCount++;
    }
  }

  #emitPeer(
    type: "publish" | "unpublish" | "subscribe" | "unsubscribe" | "evict",
    stream: Stream,
    protocol: string,
    address: string,
    reason?: string,
  ): void {
    const atMs = this.services.clock.wallMs();
    this.#emit({ type, atMs, stream: stream.name.key, protocol, address, ...(reason === undefined ? {} : { reason }) });
  }

  #emit(event: EngineEvent): void {
    try {
      this.services.eventBus.emit(event);
    } catch {
      this.#counters.serviceFailureCount++;
    }
  }
}

interface StreamEntry {
  readonly stream: Stream;
  publication: Publication | undefined;
  idleSinceMs: number;
}

/** Where a publisher's frames begin that takes over a timeline: later by the silence, so that players' clocks stay right. */
export function continuedTimelineMs(endMs: number, silenceMs: number): number {
  return Math.round(endMs + Math.max(1, silenceMs));
}

export function limitReached(what: string, limit: number, option: string): CodedError {
  return new CodedError(ERR_LIMIT_REACHED, `there are ${limit} ${what} already, the most that ${option} allows`);
}

const defaultIdleTimeoutMs = 15_000; // an encoder that lost its network is back within ten seconds
const defaultPublisherTimeoutMs = 10_000; // a still camera sends key frames at least every few seconds

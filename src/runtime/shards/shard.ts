/**
 * One thread's share of the server: the streams that were published here, and the players that are carried here, whichever
 * thread their stream is on.
 *
 * The controller decides (who may, and on which shard a stream is); a shard carries. A stream and wire format that is played
 * here is a feed: one hold on an egress log, and any number of players. The log may be this shard's own, or another's, whose
 * memory is read in place.
 */

import { assert } from "../../bytes/assert.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { FormatFamily, FormatRequest, StreamView } from "../../kernel/egress.ts";
import type { EgressLog } from "../../kernel/egress-log.ts";
import type { Engine } from "../../kernel/engine.ts";
import { ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import { type LogMemory, openLogMemory } from "../../kernel/log-memory.ts";
import type { Publication } from "../../kernel/publication.ts";
import type { EngineEvent } from "../../kernel/services.ts";
import type { Stream } from "../../kernel/stream.ts";
import { parseStreamName, type StreamName } from "../../kernel/stream-name.ts";
import { ERR_SHARD_BUSY, ERR_SHARD_GONE } from "../errors.ts";
import type { ControllerCalls, ForeignLog, MemoryHandle, PeerCalls, ReleasedStream, ShardCalls } from "./calls.ts";
import { Doorbell } from "./doorbell.ts";
import { Feed, type Player } from "./feed.ts";
import { maxForeignLogs, playTimeoutMs } from "./limits.ts";
import type { Link, LinkCounters } from "./link.ts";
import { FeedSubscription, type PlayerSubscription, type SubscriptionOwner } from "./subscription.ts";

/** What sessions are given: the streams of the whole server, through one door. */
export interface StreamAccess {
  /**
   * @param onEnd - called when the server ends the publication: timeout or shutdown
   * @throws `ERR_STREAM_NAME`, `ERR_NOT_AUTHORIZED`, `ERR_STREAM_BUSY`, `ERR_LIMIT_REACHED`, `ERR_ENGINE_CLOSED`
   */
  publish(request: PeerRequest, onEnd: (reason: string) => void): Promise<Publication>;
  /** @throws as {@link publish}, `ERR_STREAM_NOT_FOUND`, `ERR_MEMORY_LIMIT`, and what the format's family throws */
  subscribe(request: PeerRequest, format: FormatRequest, player: Player): Promise<PlayerSubscription>;
  /** The stream, for one who may play it and does not yet. @throws as {@link subscribe} */
  find(request: PeerRequest): Promise<StreamView>;
}

/** Counts of this shard's players; they only grow. */
export interface ShardCounters {
  subscribeCount: number;
  refusedCount: number;
  lagCount: number;
  evictedCount: number;
}

export interface ShardOptions {
  readonly index: number;
  /** Of this shard alone: access, audit and the limits of the whole server are the controller's. */
  readonly engine: Engine;
  readonly families: ReadonlyMap<string, FormatFamily>;
  readonly onEvent: (event: EngineEvent) => void;
  readonly onFailure: (error: unknown) => void;
}

export class Shard implements StreamAccess, SubscriptionOwner {
  readonly index: number;
  readonly engine: Engine;
  readonly counters: ShardCounters = { subscribeCount: 0, refusedCount: 0, lagCount: 0, evictedCount: 0 };
  readonly #options: ShardOptions;
  readonly #controller: Link<ControllerCalls>;
  readonly #feeds = new Map<string, Map<string, Feed>>();
  readonly #peers = new Map<number, Peer>();
  readonly #onEvent: (event: EngineEvent) => void;

  constructor(options: ShardOptions, controller: Link<ControllerCalls>) {
    this.index = options.index;
    this.engine = options.engine;
    this.#options = options;
    this.#onEvent = options.onEvent;
    this.#controller = controller;
  }

  /** Players by stream. */
  get playerCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, feeds] of this.#feeds) {
      let count = 0;
      for (const feed of feeds.values()) count += feed.players.size;
      if (count > 0) counts.set(key, count);
    }
    return counts;
  }

  /** Of the ways to the controller and to all other shards. */
  get linkCounters(): LinkCounters {
    let { sentCount, fullCount } = this.#controller.counters;
    for (const { link } of this.#peers.values()) {
      sentCount += link.counters.sentCount;
      fullCount += link.counters.fullCount;
    }
    return { sentCount, fullCount };
  }

  async publish(request: PeerRequest, onEnd: (reason: string) => void): Promise<Publication> {
    const name = parseStreamName(request.name);
    const undo = (): void => this.#controller.tell("unclaim", { shard: this.index, key: name.key });
    const { startMs } = await this.#controller.call("publish", { shard: this.index, request }, { undo });
    try {
      return this.engine.openPublication(name, request, onEnd, startMs);
    } catch (error) {
      undo();
      throw error;
    }
  }

  async subscribe(request: PeerRequest, format: FormatRequest, player: Player): Promise<PlayerSubscription> {
    const name = parseStreamName(request.name);
    const family = this.#familyOf(format);
    const subscription = new FeedSubscription(this, player, request);
    const feed = await this.#join(name, request, format, subscription);
    try {
      const { leftOut } = family.choose(feed.stream.tracks, format);
      if (leftOut.length > 0) subscription.leftOut = leftOut;
      this.counters.subscribeCount++;
      this.#emit("subscribe", subscription);
      return subscription;
    } catch (error) {
      this.counters.refusedCount++;
      this.#leave(subscription);
      throw error;
    }
  }

  async find(request: PeerRequest): Promise<StreamView> {
    const { key } = parseStreamName(request.name);
    const owner = await this.#locate(request);
    if (owner === this.index) return this.#streamOf(key);
    return this.#peer(owner).link.call("describe", key);
  }

  /** The way to another shard, and both doorbells. */
  connect(
    index: number,
    link: Link<PeerCalls>,
    outward: SharedArrayBuffer,
    inward: SharedArrayBuffer,
    wake: () => void,
  ): void {
    this.#peers.set(index, {
      index,
      link,
      bell: new Doorbell(outward, wake),
      inward: new Doorbell(inward, () => {}),
      feeds: [],
      exports: [],
      freeSlots: [],
    });
  }

  /** What other shards ask of this one. */
  peerCalls(from: number): PeerCalls {
    const peer = (): Peer => this.#peer(from);
    return {
      openLog: ({ key, format }) => this.#export(peer(), key, format),
      closeLog: (slot) => this.#unexport(peer(), slot),
      describe: (key) => viewOf(this.#streamOf(key)),
      logGrown: ({ slot, memory }) => peer().feeds[slot]?.log.grow(openMemory(memory)),
      streamChanged: ({ slot, stream }) => {
        const feed = peer().feeds[slot];
        if (feed !== undefined) feed.stream = stream;
      },
      logEnded: ({ slot, reason }) => {
        const feed = peer().feeds[slot];
        if (feed !== undefined) this.#sourceEnded(feed, reason);
      },
      ring: () => this.rung(),
    };
  }

  /** What the controller asks of this one. */
  get calls(): ShardCalls {
    return {
      release: (key) => this.#release(key),
      moved: ({ key, owner }) => {
        for (const feed of this.#feeds.get(key)?.values() ?? []) this.#move(feed, owner);
      },
      gone: ({ key, reason }) => {
        // Of another shard: it let go of the stream, and its logs are nobody's any more.
        for (const feed of [...(this.#feeds.get(key)?.values() ?? [])])
          if (feed.isDetached || feed.owner !== this.index) this.#endFeed(feed, reason);
      },
    };
  }

  /** Somebody rang: logs of other shards have grown. */
  rung(): void {
    for (const peer of this.#peers.values()) peer.inward.take((slot) => peer.feeds[slot]?.log.ring());
  }

  /** No way leads out any more, and nobody is rung. Feeds of other shards end. */
  close(): void {
    for (const { link, exports } of this.#peers.values()) {
      link.close();
      for (const exported of exports) exported?.close();
    }
    this.#peers.clear();
    for (const feeds of [...this.#feeds.values()]) {
      for (const feed of [...feeds.values()])
        if (feed.owner !== this.index) this.#endFeed(feed, "the server is shutting down");
    }
  }

  // Players.

  async #locate(request: PeerRequest): Promise<number> {
    const options = { timeoutMs: playTimeoutMs };
    return (await this.#controller.call("play", { shard: this.index, request }, options)).owner;
  }

  /** A place in the feed, which is open when this resolves. */
  async #join(
    name: StreamName,
    request: PeerRequest,
    format: FormatRequest,
    subscription: FeedSubscription,
  ): Promise<Feed> {
    for (let attempt = 1; ; attempt++) {
      const owner = await this.#locate(request);
      const feed = this.#feedOf(name, format, owner);
      subscription.feed = feed;
      feed.players.add(subscription);
      try {
        feed.opening ??= this.#attach(feed, owner);
        await opened(feed);
        if (!feed.isEnded) return feed;
        throw notFound(name.key);
      } catch (error) {
        this.#leave(subscription);
        // It moved to another shard in this very moment.
        const isElsewhere = error instanceof CodedError && error.code === ERR_STREAM_NOT_FOUND && owner !== this.index;
        if (!isElsewhere || attempt === 2) throw error;
      }
    }
  }

  #feedOf(name: StreamName, format: FormatRequest, owner: number): Feed {
    const formatKey = `${format.family} ${format.key}`;
    const known = this.#feeds.get(name.key)?.get(formatKey);
    if (known !== undefined) {
      if (known.owner === owner) return known;
      // A stream that moves is told of before: this is another one, and word of the end of the first is still on its way.
      this.#endFeed(known, "the stream ended");
    }
    const feed = new Feed(name, format, formatKey, owner);
    const feeds = this.#feeds.get(name.key);
    if (feeds === undefined) this.#feeds.set(name.key, new Map([[formatKey, feed]]));
    else feeds.set(formatKey, feed);
    return feed;
  }

  // For the subscriptions.

  unsubscribed(subscription: FeedSubscription, reason: string): void {
    if (this.#leave(subscription)) this.#emit("unsubscribe", subscription, reason);
  }

  lagged(): void {
    this.counters.lagCount++;
  }

  evicted(subscription: FeedSubscription): void {
    this.counters.evictedCount++;
    this.#emit("evict", subscription);
  }

  #leave(subscription: FeedSubscription): boolean {
    const { feed } = subscription;
    if (feed?.players.delete(subscription) !== true) return false;
    if (feed.players.size === 0) this.#closeFeed(feed);
    return true;
  }

  // Feeds.

  async #attach(feed: Feed, owner: number): Promise<void> {
    const attempt = ++feed.attempt;
    feed.owner = owner;
    if (owner === this.index) {
      this.#attachOwn(feed);
      return;
    }
    const peer = this.#peer(owner);
    const wanted = { key: feed.name.key, format: feed.format };
    const undo = ({ slot }: ForeignLog): void => peer.link.tell("closeLog", slot);
    const given = await peer.link.call("openLog", wanted, { undo });
    // Meanwhile all players have left, or the stream is elsewhere.
    if (feed.isEnded || feed.attempt !== attempt) {
      undo(given);
      return;
    }
    const { slot, memory, stream } = given;
    peer.feeds[slot] = feed;
    feed.release = () => {
      delete peer.feeds[slot];
      peer.link.tell("closeLog", slot);
    };
    feed.stream = stream;
    feed.isDetached = false;
    feed.log.attachForeign(openMemory(memory));
  }

  #attachOwn(feed: Feed): void {
    const stream = this.#streamOf(feed.name.key);
    const { log, release } = this.#lease(stream, feed.format, (reason) => this.#sourceEnded(feed, reason));
    feed.stream = stream;
    feed.release = release;
    feed.isDetached = false;
    feed.log.attachOwn(log);
  }

  #lease(
    stream: Stream,
    format: FormatRequest,
    onEnd: (reason: string) => void,
  ): { readonly log: EgressLog; readonly release: () => void } {
    return stream.leaseLog(this.#familyOf(format).choose(stream.tracks, format).format, onEnd);
  }

  #familyOf({ family }: FormatRequest): FormatFamily {
    const found = this.#options.families.get(family);
    assert(found !== undefined, `nobody registered the wire formats of ${family}`);
    return found;
  }

  #move(feed: Feed, owner: number): void {
    if (feed.owner === owner && !feed.isDetached) return;
    feed.detach();
    const opening = this.#attach(feed, owner);
    feed.opening = opening;
    opening.catch((error: unknown) => {
      if (!(error instanceof CodedError)) this.#options.onFailure(error);
      // Moved again meanwhile: the next attempt counts.
      if (feed.opening === opening) this.#endFeed(feed, "the stream could not be found again");
    });
  }

  #sourceEnded(feed: Feed, reason: string): void {
    if (!feed.isDetached) this.#endFeed(feed, reason);
  }

  /** Players are told, and leave by themselves when they have sent what is left. */
  #endFeed(feed: Feed, reason: string): void {
    this.#closeFeed(feed);
    for (const player of feed.players) {
      try {
        player.handleStreamEnd(reason);
      } catch (error) {
        this.#options.onFailure(error);
      }
    }
  }

  #closeFeed(feed: Feed): void {
    if (feed.isEnded) return;
    feed.isEnded = true;
    const feeds = this.#feeds.get(feed.name.key);
    if (feeds?.get(feed.formatKey) === feed) {
      feeds.delete(feed.formatKey);
      if (feeds.size === 0) this.#feeds.delete(feed.name.key);
    }
    feed.release();
    feed.log.close();
  }

  // What other shards play of this one's streams.

  #export(peer: Peer, key: string, format: FormatRequest): ForeignLog {
    if (peer.freeSlots.length === 0 && peer.exports.length >= maxForeignLogs) {
      throw new CodedError(ERR_SHARD_BUSY, `one thread plays ${maxForeignLogs} streams of another already`);
    }
    const stream = this.#streamOf(key);
    // The slot is taken last: what can't be leased takes none.
    const { log, release } = this.#lease(stream, format, (reason) => peer.link.tell("logEnded", { slot, reason }));
    const slot = peer.freeSlots.pop() ?? peer.exports.length;
    let sentMemory: LogMemory = log.memory;
    let sentVersion = stream.trackVersion;
    const removeDoorbell = log.addDoorbell(() => {
      if (log.memory !== sentMemory) {
        sentMemory = log.memory;
        peer.link.tell("logGrown", { slot, memory: handleOf(log.memory) });
      }
      if (stream.trackVersion !== sentVersion) {
        sentVersion = stream.trackVersion;
        peer.link.tell("streamChanged", { slot, stream: viewOf(stream) });
      }
      peer.bell.ring(slot);
    });
    peer.exports[slot] = {
      key,
      close: () => {
        removeDoorbell();
        release();
      },
    };
    return { slot, memory: handleOf(log.memory), stream: viewOf(stream) };
  }

  #unexport(peer: Peer, slot: number): void {
    const exported = peer.exports[slot];
    if (exported === undefined) return;
    peer.exports[slot] = undefined;
    peer.freeSlots.push(slot);
    exported.close();
  }

  #release(key: string): ReleasedStream | undefined {
    const stream = this.engine.getStream(key);
    if (stream === undefined || stream.state !== "idle") return undefined;
    // Before it ends, so that the end reaches nobody: the players go on elsewhere.
    for (const feed of this.#feeds.get(key)?.values() ?? []) feed.detach();
    for (const { exports } of this.#peers.values()) {
      // The slot stays until the other side lets go of it.
      for (const exported of exports) if (exported?.key === key) exported.close();
    }
    return this.engine.releaseStream(key);
  }

  #streamOf(key: string): Stream {
    const stream = this.engine.getStream(key);
    if (stream === undefined) throw notFound(key);
    return stream;
  }

  #peer(index: number): Peer {
    const peer = this.#peers.get(index);
    if (peer === undefined) throw new CodedError(ERR_SHARD_GONE, "the thread that has this stream has ended");
    return peer;
  }

  #emit(type: "subscribe" | "unsubscribe" | "evict", subscription: FeedSubscription, reason?: string): void {
    const { protocol, address } = subscription;
    const stream = subscription.stream.name.key;
    const atMs = this.engine.services.clock.wallMs();
    this.#onEvent({ type, atMs, stream, protocol, address, ...(reason === undefined ? {} : { reason }) });
  }
}

/** Another shard, as this one sees it. */
interface Peer {
  readonly index: number;
  readonly link: Link<PeerCalls>;
  /** That one's, rung from here. */
  readonly bell: Doorbell;
  /** This one's, rung from there. */
  readonly inward: Doorbell;
  /** By slot: what is played here of its streams. */
  readonly feeds: (Feed | undefined)[];
  /** By slot: what it plays of this shard's. */
  readonly exports: ({ readonly key: string; readonly close: () => void } | undefined)[];
  readonly freeSlots: number[];
}

/** Waits until the feed has its log, wherever the stream goes meanwhile. */
async function opened(feed: Feed): Promise<void> {
  for (let opening: Promise<void> | undefined; opening !== feed.opening; ) {
    opening = feed.opening;
    try {
      await opening;
    } catch (error) {
      if (opening === feed.opening) throw error;
    }
  }
}

function handleOf({ shared, capacity, entryCapacity }: LogMemory): MemoryHandle {
  return { shared, capacity, entryCapacity };
}

function openMemory({ shared, capacity, entryCapacity }: MemoryHandle): LogMemory {
  return openLogMemory(shared, capacity, entryCapacity);
}

/** What can be sent of a stream. */
function viewOf({ name, tracks, mediaMs }: StreamView): StreamView {
  return { name, mediaMs, tracks: tracks.map(({ kind, number, format }) => ({ kind, number, format })) };
}

function notFound(key: string): CodedError {
  return new CodedError(ERR_STREAM_NOT_FOUND, `nobody is publishing ${key}`);
}

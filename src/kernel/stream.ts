/**
 * One live programme: its tracks, the window of its newest frames, and an egress log for every wire format somebody plays.
 *
 * A frame's way through here: the window keeps a reference, each packetizer appends it once to its log, doorbells ring, and
 * whoever awaits the next frame wakes up. Nothing here is done per subscriber.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { rescaleTicks } from "../bytes/time.ts";
import type { Packet, Packetizer, WireFormat } from "./egress.ts";
import { EgressLog } from "./egress-log.ts";
import { ERR_ENGINE_CLOSED, ERR_LIMIT_REACHED, ERR_LOG_BROKEN } from "./errors.ts";
import type { Frame, Track, TrackFormat, TrackKind } from "./frame.ts";
import type { FramePieces } from "./frame-pieces.ts";
import { FrameWindow } from "./frame-window.ts";
import {
  type EngineLimits,
  guardFraction,
  initialRingBytes,
  maxMetadataFields,
  maxMetadataText,
  ringGops,
  windowSlackBytes,
  windowSlackFrames,
} from "./limits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { emptyMetadata, type StreamMetadata, type StreamState } from "./metadata.ts";
import { QosMeter, type QosRates, type QosTotals } from "./qos.ts";
import { RandomAccessRule } from "./random-access.ts";
import type { StreamName } from "./stream-name.ts";
import { type SubscribeOptions, Subscription, type SubscriptionSource } from "./subscription.ts";

/** A subscriber's hold on one egress log. The log lives until the last lease is released. */
export interface LogLease {
  readonly log: EgressLog;
  release(): void;
}

/** Counters of a stream that only grow. */
export interface StreamCounters {
  /** Frames that a packetizer could not put into its log. */
  readonly unpacketizedFrameCount: number;
  /** Egress logs that were given up because of a mistake of ours. */
  readonly brokenLogCount: number;
  /** Throws of subscribers who were told of the end. */
  readonly failedListenerCount: number;
}

/** What a stream tells the engine that owns it. */
export interface StreamOwner {
  subscriptionClosed(stream: Stream, reason: string): void;
  subscriberLagged(stream: Stream, skippedFrameCount: number): void;
  subscriberEvicted(stream: Stream): void;
  /** Left out by one that does not want to know. */
  frame?(stream: Stream, frame: Frame): void;
}

export class Stream implements SubscriptionSource {
  readonly name: StreamName;
  readonly window: FrameWindow;
  readonly #limits: EngineLimits;
  readonly #budget: MemoryBudget;
  readonly #owner: StreamOwner;
  readonly #tracks = new Map<string, MutableTrack>();
  /** Tracks of the publisher before that this one has not brought (yet). */
  #formerTracks = new Set<MutableTrack>();
  readonly #egress = new Map<string, Egress>();
  readonly #subscriptions = new Set<Subscription>();
  #randomAccess = new RandomAccessRule();
  readonly #qos: QosMeter;
  readonly #recorders = { recording: 0, transcoding: 0 };
  #metadata: StreamMetadata = emptyMetadata;
  #state: "idle" | "publishing" | "ended" = "idle";
  #waiters: PromiseWithResolvers<void> | undefined;
  #logSubscriberCount = 0;
  #lastFrameEndMs = 0;
  /** Of this publisher. */
  #firstFrameMs: number | undefined;
  #unpacketizedFrameCount = 0;
  #brokenLogCount = 0;
  #failedListenerCount = 0;
  #trackVersion = 0;

  /** Made by the engine. */
  constructor(
    name: StreamName,
    limits: EngineLimits,
    budget: MemoryBudget,
    owner: StreamOwner,
    nowMs: number,
    pieces?: FramePieces,
  ) {
    this.name = name;
    this.#limits = limits;
    this.#budget = budget;
    this.#owner = owner;
    this.#qos = new QosMeter(nowMs);
    this.window = new FrameWindow(
      {
        maxBytes: limits.maxWindowBytes,
        maxFrames: limits.maxWindowFrames,
        slackBytes: windowSlackBytes,
        slackFrames: windowSlackFrames,
      },
      budget,
      pieces,
    );
  }

  /** The one word an operator wants; recording and transcoding are said only of a stream that is being published. */
  get state(): StreamState {
    if (this.#state !== "publishing") return this.#state;
    if (this.#recorders.recording > 0) return "recording";
    return this.#recorders.transcoding > 0 ? "transcoding" : "publishing";
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  get tracks(): readonly Track[] {
    return [...this.#tracks.values()].filter((track) => !this.#formerTracks.has(track));
  }

  /** Another number whenever {@link tracks} has changed. */
  get trackVersion(): number {
    return this.#trackVersion;
  }

  get metadata(): StreamMetadata {
    return this.#metadata;
  }

  get qos(): { readonly rates: QosRates; readonly totals: QosTotals } {
    return { rates: this.#qos.rates, totals: this.#qos.totals };
  }

  get subscriberCount(): number {
    return this.#subscriptions.size + this.#logSubscriberCount;
  }

  /** Those that take frames, not a log. */
  get inProcessSubscriberCount(): number {
    return this.#subscriptions.size;
  }

  get counters(): StreamCounters {
    return {
      unpacketizedFrameCount: this.#unpacketizedFrameCount,
      brokenLogCount: this.#brokenLogCount,
      failedListenerCount: this.#failedListenerCount,
    };
  }

  /** Bytes of the window and of all egress logs. */
  get memoryBytes(): number {
    let bytes = this.window.byteLength;
    for (const egress of this.#egress.values()) bytes += egress.log.byteLength;
    return bytes;
  }

  /** Keys of the wire formats somebody plays now. */
  get wireFormats(): readonly string[] {
    return [...this.#egress].filter(([, { endListeners }]) => endListeners.size > 0).map(([key]) => key);
  }

  /** Decoding time of the newest frame on the stream's timeline, in milliseconds. */
  get newestFrameMs(): number {
    return this.#lastFrameEndMs;
  }

  get mediaMs(): number {
    return this.#firstFrameMs === undefined ? 0 : Math.max(0, this.#lastFrameEndMs - this.#firstFrameMs);
  }

  /** What a subscriber needs who begins now: the decoder configurations, then the current GOP. */
  replay(): { readonly formats: ReadonlyMap<Track, TrackFormat>; readonly frames: readonly Frame[] } {
    const frames: Frame[] = [];
    const formats = new Map<Track, TrackFormat>();
    const { window } = this;
    const start = window.newestRandomAccess;
    for (let at = start; start >= 0 && at < window.nextSequence; at++) {
      const frame = window.get(at) as Frame;
      frames.push(frame);
      if (!formats.has(frame.track)) formats.set(frame.track, frame.format);
    }
    for (const track of this.tracks) if (!formats.has(track)) formats.set(track, track.format);
    return { formats, frames };
  }

  /** A subscriber in the process. Access is decided before, by the engine. */
  subscribe(options: SubscribeOptions = {}): Subscription {
    const subscription = new Subscription(this, options);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /**
   * A lease on the log of `format`. The first one makes the log, from the current GOP on; a log without leases waits for the next
   * one for a second, because players that come and go would leave a ring behind each time.
   *
   * @param onEnd - called once when the stream ends or the log is given up: send what is left, then close
   * @throws `ERR_MEMORY_LIMIT`, `ERR_ENGINE_CLOSED` when the stream has ended, `ERR_LOG_BROKEN`, and what the format throws
   */
  leaseLog(format: WireFormat, onEnd: (reason: string) => void): LogLease {
    if (this.isEnded) throw new CodedError(ERR_ENGINE_CLOSED, `the stream ${this.name.key} has ended`);
    const egress = this.#egress.get(format.key) ?? this.#openEgress(format);
    // A listener of its own for each lease: two may have been given the same function.
    const listener = (reason: string): void => onEnd(reason);
    egress.endListeners.add(listener);
    egress.isForgotten = false;
    this.#logSubscriberCount++;
    let isReleased = false;
    return {
      log: egress.log,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#logSubscriberCount--;
        egress.endListeners.delete(listener);
      },
    };
  }

  /** Marks the stream as being recorded or transcoded until the returned function is called. */
  markBusy(what: "recording" | "transcoding"): () => void {
    this.#recorders[what]++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#recorders[what]--;
    };
  }

  // What follows is for the engine, the stream's publication and its subscriptions.

  /** Resolves after the next frame, or at the end: one promise for all that wait. */
  nextFrame(): Promise<void> {
    this.#waiters ??= Promise.withResolvers<void>();
    return this.#waiters.promise;
  }

  closed(subscription: Subscription, reason: string): void {
    if (!this.#subscriptions.delete(subscription)) return;
    // The last one behind a stream that has ended takes the window with it.
    if (this.isEnded && this.#subscriptions.size === 0) this.window.clear();
    this.#wake();
    this.#owner.subscriptionClosed(this, reason);
  }

  lagged(skippedFrameCount: number): void {
    this.#owner.subscriberLagged(this, skippedFrameCount);
  }

  evicted(): void {
    this.#owner.subscriberEvicted(this);
  }

  setPublishing(isPublishing: boolean): void {
    if (this.#state === "ended") return;
    this.#state = isPublishing ? "publishing" : "idle";
    if (!isPublishing) return;
    // The next publisher may have no video, where the one before had; its own tracks come with its frames.
    this.#randomAccess = new RandomAccessRule();
    this.#formerTracks = new Set(this.#tracks.values());
    this.#firstFrameMs = undefined;
    this.#trackVersion++;
  }

  updateMetadata(changes: Partial<StreamMetadata>): void {
    const fields = changes.fields === undefined ? this.#metadata.fields : boundedFields(changes.fields);
    this.#metadata = { ...this.#metadata, ...changes, fields };
    for (const [key, egress] of this.#egress) {
      try {
        egress.packetizer.handleMetadata(this.#metadata);
      } catch (error) {
        this.#packetizerFailed(key, egress, error);
      }
    }
  }

  /** The track of this kind and number, with this format from now on. Also how a publisher that came back finds its tracks. */
  setTrack(kind: TrackKind, number: number, format: TrackFormat): Track {
    this.#trackVersion++;
    const key = `${kind}/${number}`;
    const known = this.#tracks.get(key);
    if (known !== undefined) {
      this.#formerTracks.delete(known);
      known.setFormat(format);
      return known;
    }
    if (this.#tracks.size >= this.#limits.maxTracksPerStream) {
      throw new CodedError(
        ERR_LIMIT_REACHED,
        `a stream may have ${this.#limits.maxTracksPerStream} tracks, and ${this.name.key} has them all`,
      );
    }
    const track = new MutableTrack(kind, number, format);
    this.#tracks.set(key, track);
    return track;
  }

  /** Takes in one frame, whose bytes are lent. Decoding times that go back within a track are held at the last one. */
  append(
    track: Track,
    ptsTicks: number,
    dtsTicks: number,
    isKey: boolean,
    data: Uint8Array,
    cameAsPackets = false,
  ): void {
    const state = track as MutableTrack;
    let dts = dtsTicks;
    let pts = ptsTicks;
    if (dts < state.lastDtsTicks) {
      dts = state.lastDtsTicks;
      if (pts < dts) pts = dts;
      this.#qos.addHeldTimestamp();
    }
    state.lastDtsTicks = dts;
    const frame: Frame = { type: "frame", track, format: track.format, ptsTicks: pts, dtsTicks: dts, isKey, data };
    const isRandomAccess = this.#randomAccess.isRandomAccess(frame);
    const frameMs = rescaleTicks(dts, track.format.timescale, 1000);
    this.#firstFrameMs ??= frameMs;
    this.#lastFrameEndMs = Math.max(this.#lastFrameEndMs, frameMs);
    this.window.push(frame, isRandomAccess);
    this.#qos.add(frame);
    for (const [key, egress] of this.#egress) this.#append(key, egress, frame, isRandomAccess, cameAsPackets);
    this.#owner.frame?.(this, this.window.get(this.window.nextSequence - 1) as Frame);
    this.#wake();
  }

  /** Takes in a packet of a frame that is not whole yet: for logs that carry it as it is, and for nothing else. */
  appendPacket(packet: Packet): void {
    const { track, ptsTicks } = packet;
    // Its frame may never be whole, and a publisher that comes back goes on behind this all the same.
    if (packet.startsFrame) {
      this.#lastFrameEndMs = Math.max(this.#lastFrameEndMs, rescaleTicks(ptsTicks, track.format.timescale, 1000));
    }
    for (const [key, egress] of this.#egress) {
      const { log, packetizer } = egress;
      if (packetizer.handlePacket === undefined) continue;
      const { entryTail } = log;
      try {
        packetizer.handlePacket(packet);
      } catch (error) {
        this.#packetizerFailed(key, egress, error);
      }
      if (log.entryTail !== entryTail) log.ringDoorbells();
    }
  }

  /** Called about twice a second. */
  tick(nowMs: number): void {
    this.#qos.tick(nowMs);
    for (const [key, egress] of this.#egress) {
      if (egress.endListeners.size > 0) continue;
      if (egress.isForgotten) this.#endEgress(key, egress, "nobody plays it");
      else egress.isForgotten = true;
    }
  }

  end(reason: string): void {
    if (this.isEnded) return;
    this.#state = "ended";
    for (const [key, egress] of this.#egress) this.#endEgress(key, egress, reason);
    this.#wake();
    // Whoever is behind still reads what the window holds, and then finds the end.
    for (const subscription of this.#subscriptions) if (subscription.isDone) subscription.close(reason);
    if (this.#subscriptions.size === 0) this.window.clear();
  }

  #openEgress(format: WireFormat): Egress {
    const { formats, frames } = this.replay();
    const log = new EgressLog({
      maxBytes: this.#limits.maxRingBytes,
      budget: this.#budget,
      initialBytes: this.#initialRingBytes(frames),
    });
    let packetizer: Packetizer;
    try {
      packetizer = format.createPacketizer(log, formats, this.#metadata, this.newestFrameMs);
    } catch (error) {
      log.close();
      throw error;
    }
    const egress: Egress = { log, packetizer, endListeners: new Set(), isForgotten: false };
    this.#egress.set(format.key, egress);
    let isFirst = true;
    for (const frame of frames) {
      this.#append(format.key, egress, frame, isFirst, false);
      isFirst = false;
    }
    if (log.isClosed) throw new CodedError(ERR_LOG_BROKEN, `${this.name.key} can't be packetized as ${format.key}`);
    return egress;
  }

  /** What the current GOP will need: growing from the least size would leave four rings behind for each log. */
  #initialRingBytes(frames: readonly Frame[]): number {
    const gopBytes = frames.reduce((sum, { data }) => sum + data.length, 0);
    const wanted = (gopBytes * ringGops) / (1 - guardFraction);
    const bytes = Math.min(2 ** Math.ceil(Math.log2(wanted)), 2 ** Math.floor(Math.log2(this.#limits.maxRingBytes)));
    return bytes > initialRingBytes && this.#budget.hasRoom(2 * bytes) ? bytes : initialRingBytes;
  }

  #append(key: string, egress: Egress, frame: Frame, isRandomAccess: boolean, cameAsPackets: boolean): void {
    const { log, packetizer } = egress;
    const { entryTail } = log;
    try {
      packetizer.handleFrame(frame, isRandomAccess, cameAsPackets);
    } catch (error) {
      this.#packetizerFailed(key, egress, error);
    }
    // A frame whose packets have left already wakes nobody.
    if (log.entryTail !== entryTail) log.ringDoorbells();
  }

  /** A frame that can't be packetized is left out; a mistake of ours costs this log, never the stream. */
  #packetizerFailed(key: string, egress: Egress, error: unknown): void {
    if (error instanceof CodedError) {
      this.#unpacketizedFrameCount++;
      return;
    }
    this.#brokenLogCount++;
    this.#endEgress(key, egress, "an internal error in its packetizer");
  }

  /** Tells all subscribers of a log, whatever one of them does with it. */
  #endEgress(key: string, egress: Egress, reason: string): void {
    this.#egress.delete(key);
    for (const onEnd of egress.endListeners) {
      try {
        onEnd(reason);
      } catch {
        this.#failedListenerCount++;
      }
    }
    egress.log.close();
  }

  #wake(): void {
    this.#waiters?.resolve();
    this.#waiters = undefined;
  }
}

interface Egress {
  readonly log: EgressLog;
  readonly packetizer: Packetizer;
  /** One for each lease. */
  readonly endListeners: Set<(reason: string) => void>;
  /** Whether nobody has played it since the tick before. */
  isForgotten: boolean;
}

class MutableTrack implements Track {
  readonly kind: TrackKind;
  readonly number: number;
  lastDtsTicks = 0;
  #format: TrackFormat;

  constructor(kind: TrackKind, number: number, format: TrackFormat) {
    this.kind = kind;
    this.number = number;
    this.#format = format;
  }

  get format(): TrackFormat {
    return this.#format;
  }

  setFormat(format: TrackFormat): void {
    this.lastDtsTicks = rescaleTicks(this.lastDtsTicks, this.#format.timescale, format.timescale);
    this.#format = format;
  }
}

function boundedFields(fields: StreamMetadata["fields"]): StreamMetadata["fields"] {
  const bounded = new Map<string, string | number | boolean>();
  for (const [key, value] of fields) {
    if (bounded.size >= maxMetadataFields) break;
    if (key.length > maxMetadataText || (typeof value === "string" && value.length > maxMetadataText)) continue;
    bounded.set(key, value);
  }
  return bounded;
}

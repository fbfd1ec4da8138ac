/**
 * The portable fan-out: for each egress log, a loop over the cursors on it.
 *
 * Many cursors stand at the same entry, so what is gathered for one is sent to all of them. Whole entries only, straight from
 * the ring: a socket that can't take them at once keeps a view of the ring, and is watched until they have left. Nothing more
 * is given to it in the meantime; if the writer comes within the guard distance of those bytes, the connection is closed. The
 * doorbell looks after that at once, in the writer's own turn of the event loop: so not one changed byte can leave. A log that
 * another thread writes gives no such turn: its bytes are copied, once for all cursors that stand at the same entry.
 */

import type { Socket } from "node:net";
import { assert } from "../bytes/assert.ts";
import { type CursorTable, cursorSteps } from "../kernel/cursor-table.ts";
import { type GatheredEntries, LogReader } from "../kernel/log-reader.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { everyFrame, FlushPacer, type FlushPacing } from "./flush-pacer.ts";
import { maxUnflushedFraction } from "./limits.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";

/** What the loop counts for all its cursors. */
export interface FanOutCounters {
  jumpCount: number;
  evictedCount: number;
  sentBytes: number;
}

/** What the connection knows of its play beyond what a session does. */
export interface SocketPlay extends Play {
  /** Bytes of the log that wait in the socket. */
  readonly inFlightBytes: number;
}

export class FanOut {
  readonly counters: FanOutCounters = { jumpCount: 0, evictedCount: 0, sentBytes: 0 };
  readonly #table: CursorTable;
  readonly #nowMs: () => number;
  readonly #logs = new Map<ReadableLog, LogFanOut>();
  readonly #dirty = new Set<LogFanOut>();
  readonly #pacer: FlushPacer;

  constructor(table: CursorTable, nowMs: () => number, pacing: FlushPacing = everyFrame) {
    this.#table = table;
    this.#nowMs = nowMs;
    this.#pacer = new FlushPacer(pacing, nowMs, () => {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const each of dirty) each.flush();
      return true;
    });
  }

  stop(): void {
    this.#pacer.stop();
  }

  get cursorCount(): number {
    return this.#table.count;
  }

  /** A cursor for `socket`. Throws no more than an assertion: the caller has checked that the table has room. */
  open(log: ReadableLog, socket: Socket, options: PlayOptions, handler: PlayHandler): SocketPlay {
    const fanOut = this.#logs.get(log) ?? this.#openLog(log);
    const cursor = fanOut.open(socket, options, handler, () => this.#closed(log));
    this.#ring(fanOut);
    return cursor;
  }

  /** Closes what has not moved for too long. Called about once a second. */
  sweep(): void {
    for (const fanOut of this.#logs.values()) fanOut.sweep();
  }

  #openLog(log: ReadableLog): LogFanOut {
    const fanOut: LogFanOut = new LogFanOut(log, this.#table, this.counters, this.#nowMs, () => this.#ring(fanOut));
    this.#logs.set(log, fanOut);
    fanOut.removeDoorbell = log.addDoorbell(() => {
      fanOut.protect();
      // A publisher that catches up writes many GOPs in one turn: cursors that keep pace must not be lapped by it.
      if (fanOut.isFilling) fanOut.flush();
      else this.#ring(fanOut);
    });
    return fanOut;
  }

  #ring(fanOut: LogFanOut): void {
    this.#dirty.add(fanOut);
    this.#pacer.request();
  }

  #closed(log: ReadableLog): void {
    const fanOut = this.#logs.get(log);
    if (fanOut === undefined || fanOut.size > 0) return;
    fanOut.removeDoorbell();
    this.#logs.delete(log);
  }
}

/** One log and its cursors. */
class LogFanOut {
  removeDoorbell: () => void = () => {};
  readonly log: ReadableLog;
  readonly reader: LogReader;
  readonly table: CursorTable;
  readonly counters: FanOutCounters;
  readonly nowMs: () => number;
  /** Asks for another flush, after the sockets had their turn. */
  readonly ring: () => void;
  readonly #cursors = new Set<SocketCursor>();
  /** Up to here everything was given to the cursors that could take it. */
  #flushedTail = 0;
  /** No entry in flight is older than this. */
  #oldestInFlight = Number.POSITIVE_INFINITY;
  /** What was gathered last in this flush, for the cursors that stand at the same entry. */
  #gathered: GatheredEntries | undefined;
  #gatheredFrom = -1;
  #gatheredStarting = false;
  #generation: number;

  constructor(log: ReadableLog, table: CursorTable, counters: FanOutCounters, nowMs: () => number, ring: () => void) {
    this.log = log;
    this.#generation = log.generation;
    this.reader = new LogReader(log.memory);
    this.table = table;
    this.counters = counters;
    this.nowMs = nowMs;
    this.ring = ring;
  }

  get size(): number {
    return this.#cursors.size;
  }

  /** Whether so much has come since the last flush that waiting for the next one could cost a cursor its place. */
  get isFilling(): boolean {
    return this.log.tail - this.#flushedTail > this.log.memory.capacity * maxUnflushedFraction;
  }

  open(socket: Socket, options: PlayOptions, handler: PlayHandler, onClosed: () => void): SocketCursor {
    this.refresh();
    const cursor = new SocketCursor(this, socket, options, handler, () => {
      if (this.#cursors.delete(cursor)) onClosed();
    });
    this.#cursors.add(cursor);
    return cursor;
  }

  refresh(): void {
    this.reader.memory = this.log.memory;
    this.reader.refresh();
    this.#gathered = undefined;
    if (this.#generation === this.log.generation) return;
    this.#generation = this.log.generation;
    this.#flushedTail = this.log.tail;
    this.#oldestInFlight = Number.POSITIVE_INFINITY;
    for (const cursor of this.#cursors) cursor.startOver();
  }

  flush(): void {
    this.refresh();
    this.#flushedTail = this.log.tail;
    const nowMs = this.nowMs();
    for (const cursor of this.#cursors) cursor.flush(nowMs);
    this.#gathered = undefined;
  }

  /** `entry` is the first that a socket has not taken yet. */
  watch(entry: number): void {
    if (entry < this.#oldestInFlight) this.#oldestInFlight = entry;
  }

  /** Closes the connections whose bytes in flight the writer is about to overwrite, or just has. */
  protect(): void {
    if (this.#oldestInFlight === Number.POSITIVE_INFINITY) return;
    this.refresh();
    if (this.reader.isReachable(this.#oldestInFlight)) return;
    this.#oldestInFlight = Number.POSITIVE_INFINITY;
    for (const cursor of this.#cursors) cursor.protect();
  }

  sweep(): void {
    const nowMs = this.nowMs();
    for (const cursor of this.#cursors) cursor.sweep(nowMs);
  }

  /** Undefined: the writer, on another thread, was faster. */
  gather(entry: number, position: number, isStarting: boolean): GatheredEntries | undefined {
    if (this.#gathered === undefined || this.#gatheredFrom !== entry || this.#gatheredStarting !== isStarting) {
      this.#gathered = this.reader.gather(entry, isStarting, maxGatherBytes);
      this.#gatheredFrom = entry;
      this.#gatheredStarting = isStarting;
      if (this.log.isForeign) {
        this.#gathered = { ...this.#gathered, views: this.#gathered.views.map((view) => view.slice()) };
        if (!this.reader.isIntact(entry, position)) this.#gathered = undefined;
      }
    }
    return this.#gathered;
  }
}

class SocketCursor implements SocketPlay {
  readonly #fanOut: LogFanOut;
  readonly #socket: Socket;
  readonly #options: PlayOptions;
  readonly #handler: PlayHandler;
  readonly #onClosed: () => void;
  readonly #onWritten: (error?: Error | null) => void;
  #index: number;
  /** The first entry of the bytes that the socket has not taken yet, or -1. */
  #inFlightEntry = -1;
  /** Whether nobody will ever write to those bytes: they are a copy, or of a log that was given up. */
  #isInFlightSafe = false;
  #inFlightBytes = 0;
  /** Writes whose callback has not come; it may come after the next one has begun. */
  #pendingWriteCount = 0;
  #isFinishing = false;
  #isPaused = false;

  constructor(fanOut: LogFanOut, socket: Socket, options: PlayOptions, handler: PlayHandler, onClosed: () => void) {
    this.#fanOut = fanOut;
    this.#socket = socket;
    this.#options = options;
    this.#handler = handler;
    this.#onClosed = onClosed;
    this.#onWritten = (error) => this.#written(error);
    this.#index = this.#openCursor(options.isLive);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get inFlightBytes(): number {
    return this.#inFlightEntry < 0 ? 0 : this.#inFlightBytes;
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused || this.#index < 0) return;
    this.#isPaused = isPaused;
    if (isPaused) return;
    this.#fanOut.refresh();
    this.#fanOut.table.close(this.#index);
    this.#index = this.#openCursor(false);
    this.flush(this.#fanOut.nowMs());
  }

  /** Another log has taken the place of the one before. */
  startOver(): void {
    this.#isInFlightSafe = true;
    if (this.#index < 0) return;
    this.#fanOut.table.close(this.#index);
    this.#index = this.#openCursor(false);
  }

  finish(): void {
    this.#isFinishing = true;
    this.#isPaused = false;
    this.#fanOut.refresh();
    this.flush(this.#fanOut.nowMs());
  }

  stop(): void {
    if (this.#index < 0) return;
    this.#fanOut.table.close(this.#index);
    this.#index = -1;
    // What is in flight is a view of the ring: watched until the socket has taken it, or is gone.
    if (this.#inFlightEntry < 0 || this.#socket.destroyed) this.#leave();
  }

  flush(nowMs: number): void {
    const { reader, table } = this.#fanOut;
    if (this.#inFlightEntry >= 0) {
      this.protect();
      return;
    }
    // A peer that has closed its side takes nothing more; the socket's end follows.
    if (this.#isPaused || !this.#socket.writable) return;
    for (let round = 0; round < maxRounds && this.#index >= 0 && this.#inFlightEntry < 0; round++) {
      const skippedBefore = table.skippedBytes[this.#index] as number;
      const step = table.step(this.#index, reader, this.#options.lagLimits, nowMs);
      if (step === cursorSteps.evicted) {
        this.#evict();
        return;
      }
      if (step === cursorSteps.jumped) {
        this.#fanOut.counters.jumpCount++;
        this.#handler.handleLag((table.skippedBytes[this.#index] as number) - skippedBefore);
        continue;
      }
      if (step === cursorSteps.idle) {
        if (this.#isFinishing) this.#finished();
        return;
      }
      this.#write(nowMs);
    }
    if (this.#index >= 0 && this.#inFlightEntry < 0) this.#fanOut.ring();
  }

  /** The view in flight must be gone before the writer comes near it. */
  protect(): void {
    if (this.#inFlightEntry < 0 || this.#isInFlightSafe) return;
    if (this.#fanOut.reader.isReachable(this.#inFlightEntry)) this.#fanOut.watch(this.#inFlightEntry);
    else this.#evict();
  }

  sweep(nowMs: number): void {
    if (this.#index < 0 || this.#inFlightEntry < 0) return;
    if (this.#fanOut.table.isStalled(this.#index, this.#options.lagLimits, nowMs)) this.#evict();
  }

  #openCursor(isLive: boolean): number {
    const index = this.#fanOut.table.open(this.#fanOut.reader, isLive, this.#fanOut.nowMs());
    assert(index >= 0, "the cursor table is smaller than the number of connections");
    return index;
  }

  #write(nowMs: number): void {
    const { reader, table, counters } = this.#fanOut;
    const entry = table.entries[this.#index] as number;
    const position = table.positions[this.#index] as number;
    const gathered = this.#fanOut.gather(entry, position, table.isStarting(this.#index));
    if (gathered === undefined) {
      this.#fanOut.refresh(); // the next step finds it lapped
      return;
    }
    table.advance(this.#index, gathered.endEntry, gathered.endPosition, gathered.byteLength, nowMs);
    counters.sentBytes += gathered.byteLength;
    const last = gathered.views.length - 1;
    if (last < 0) return;
    this.#inFlightEntry = entry;
    this.#isInFlightSafe = this.#fanOut.log.isForeign;
    this.#inFlightBytes = gathered.byteLength;
    this.#pendingWriteCount++;
    if (last > 0) this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(gathered.views[i] as Uint8Array);
    this.#socket.write(gathered.views[last] as Uint8Array, this.#onWritten);
    if (last > 0) this.#socket.uncork();
    if (this.#socket.writableLength > 0) {
      if (!this.#isInFlightSafe) this.#fanOut.watch(entry);
    } else if (this.#isInFlightSafe || reader.isIntact(entry, position)) {
      // Nothing waits in the socket: the kernel has its copy already, and the callback comes later.
      this.#inFlightEntry = -1;
    } else {
      this.#evict();
    }
  }

  #written(error: Error | null | undefined): void {
    this.#pendingWriteCount--;
    // Control bytes may wait behind ours, so it is not the socket's queue that tells whether ours have left.
    if (this.#inFlightEntry < 0 || this.#pendingWriteCount > 0) return;
    this.#inFlightEntry = -1;
    if (this.#index < 0) {
      this.#leave();
      return;
    }
    if (error) return; // 'close' follows
    const nowMs = this.#fanOut.nowMs();
    this.#fanOut.table.progressAtMs[this.#index] = nowMs;
    this.#fanOut.refresh();
    this.flush(nowMs);
  }

  #finished(): void {
    this.stop();
    this.#handler.handlePlayed();
  }

  #evict(): void {
    const isPlaying = this.#index >= 0;
    this.#fanOut.counters.evictedCount++;
    this.#inFlightEntry = -1;
    if (isPlaying) this.stop();
    else this.#leave();
    try {
      if (isPlaying) this.#handler.handleEvicted();
    } finally {
      this.#socket.destroy();
    }
  }

  #leave(): void {
    this.#inFlightEntry = -1;
    this.#onClosed();
  }
}

/** Bytes gathered for one write: a GOP of 1 Mb/s; what a slow socket may keep a view of. */
const maxGatherBytes = 256 * 1024;

/** Writes for one cursor in a row, so that one join does not keep the others waiting. */
const maxRounds = 16;

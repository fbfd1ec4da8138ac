/**
 * The portable fan-out: for each egress log, a loop over the cursors on it.
 *
 * Many cursors stand at the same entry, so what is gathered for one is sent to all of them. Whole entries only, straight from
 * the ring: a socket that can't take them at once keeps a view of the ring, and is watched until they have left. Nothing more
 * is given to it in the meantime; if the writer comes within the guard distance of those bytes, the connection is closed
 * before a byte of them can change.
 */

import type { Socket } from "node:net";
import { assert } from "../bytes/assert.ts";
import { type CursorTable, cursorSteps } from "../kernel/cursor-table.ts";
import type { EgressLog } from "../kernel/egress-log.ts";
import { type GatheredEntries, LogReader } from "../kernel/log-reader.ts";
import type { Play, PlayOptions } from "./transport.ts";

/** What the loop counts for all its cursors. */
export interface FanOutCounters {
  jumpCount: number;
  evictedCount: number;
  sentBytes: number;
}

export class FanOut {
  readonly counters: FanOutCounters = { jumpCount: 0, evictedCount: 0, sentBytes: 0 };
  readonly #table: CursorTable;
  readonly #nowMs: () => number;
  readonly #logs = new Map<EgressLog, LogFanOut>();
  readonly #dirty = new Set<LogFanOut>();
  #flush: NodeJS.Immediate | undefined;

  constructor(table: CursorTable, nowMs: () => number) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  get cursorCount(): number {
    return this.#table.count;
  }

  /** A cursor for `socket`. Throws no more than an assertion: the caller has checked that the table has room. */
  open(log: EgressLog, socket: Socket, options: PlayOptions): Play {
    let fanOut = this.#logs.get(log);
    if (fanOut === undefined) {
      fanOut = new LogFanOut(log, this.#table, this.counters, this.#nowMs);
      this.#logs.set(log, fanOut);
      const created = fanOut;
      created.removeDoorbell = log.addDoorbell(() => this.#ring(created));
    }
    const cursor = fanOut.open(socket, options, () => this.#closed(log));
    this.#ring(fanOut);
    return cursor;
  }

  /** Closes what has not moved for too long. Called about once a second. */
  sweep(): void {
    for (const fanOut of this.#logs.values()) fanOut.sweep();
  }

  #ring(fanOut: LogFanOut): void {
    this.#dirty.add(fanOut);
    // After the poll phase: frames that came in one read leave in one write.
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const each of dirty) each.flush();
    });
  }

  #closed(log: EgressLog): void {
    const fanOut = this.#logs.get(log);
    if (fanOut === undefined || fanOut.size > 0) return;
    fanOut.removeDoorbell();
    this.#logs.delete(log);
  }
}

/** One log and its cursors. */
class LogFanOut {
  removeDoorbell: () => void = () => {};
  readonly log: EgressLog;
  readonly reader: LogReader;
  readonly table: CursorTable;
  readonly counters: FanOutCounters;
  readonly nowMs: () => number;
  readonly #cursors = new Set<SocketCursor>();
  /** What was gathered last in this flush, for the cursors that stand at the same entry. */
  #gathered: GatheredEntries | undefined;
  #gatheredFrom = -1;
  #gatheredStarting = false;

  constructor(log: EgressLog, table: CursorTable, counters: FanOutCounters, nowMs: () => number) {
    this.log = log;
    this.reader = new LogReader(log.memory);
    this.table = table;
    this.counters = counters;
    this.nowMs = nowMs;
  }

  get size(): number {
    return this.#cursors.size;
  }

  open(socket: Socket, options: PlayOptions, onClosed: () => void): SocketCursor {
    this.refresh();
    const cursor = new SocketCursor(this, socket, options, () => {
      this.#cursors.delete(cursor);
      onClosed();
    });
    this.#cursors.add(cursor);
    return cursor;
  }

  refresh(): void {
    this.reader.memory = this.log.memory;
    this.reader.refresh();
    this.#gathered = undefined;
  }

  flush(): void {
    this.refresh();
    const nowMs = this.nowMs();
    for (const cursor of this.#cursors) cursor.flush(nowMs);
    this.#gathered = undefined;
  }

  sweep(): void {
    const nowMs = this.nowMs();
    for (const cursor of this.#cursors) cursor.sweep(nowMs);
  }

  gather(entry: number, isStarting: boolean): GatheredEntries {
    if (this.#gathered === undefined || this.#gatheredFrom !== entry || this.#gatheredStarting !== isStarting) {
      this.#gathered = this.reader.gather(entry, isStarting, maxGatherBytes);
      this.#gatheredFrom = entry;
      this.#gatheredStarting = isStarting;
    }
    return this.#gathered;
  }
}

class SocketCursor implements Play {
  readonly #fanOut: LogFanOut;
  readonly #socket: Socket;
  readonly #options: PlayOptions;
  readonly #onClosed: () => void;
  readonly #onWritten: () => void;
  #index: number;
  /** The first entry of the bytes that the socket has not taken yet, or -1. */
  #inFlightEntry = -1;
  #isWriting = false;
  #isFinishing = false;
  #isPaused = false;

  constructor(fanOut: LogFanOut, socket: Socket, options: PlayOptions, onClosed: () => void) {
    this.#fanOut = fanOut;
    this.#socket = socket;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#onWritten = () => this.#written();
    this.#index = this.#openCursor(options.isLive);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused || this.#index < 0) return;
    this.#isPaused = isPaused;
    if (isPaused) return;
    this.#fanOut.table.close(this.#index);
    this.#fanOut.refresh();
    this.#index = this.#openCursor(false);
    this.flush(this.#fanOut.nowMs());
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
    this.#onClosed();
  }

  flush(nowMs: number): void {
    const { reader, table } = this.#fanOut;
    if (this.#index >= 0 && this.#inFlightEntry >= 0) {
      // The view in flight must be gone before the writer comes near it.
      if (!reader.isReachable(this.#inFlightEntry)) this.#evict();
      return;
    }
    if (this.#isPaused) return;
    for (let round = 0; round < maxRounds && this.#index >= 0 && this.#inFlightEntry < 0; round++) {
      const skippedBefore = table.skippedBytes[this.#index] as number;
      const step = table.step(this.#index, reader, this.#options.lagLimits, nowMs);
      if (step === cursorSteps.evicted) {
        this.#evict();
        return;
      }
      if (step === cursorSteps.jumped) {
        this.#fanOut.counters.jumpCount++;
        this.#options.onLag((table.skippedBytes[this.#index] as number) - skippedBefore);
        continue;
      }
      if (step === cursorSteps.idle) {
        if (this.#isFinishing) this.#finished();
        return;
      }
      this.#write(nowMs);
    }
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
    const gathered = this.#fanOut.gather(entry, table.isStarting(this.#index));
    table.advance(this.#index, gathered.endEntry, gathered.endPosition, gathered.byteLength, nowMs);
    counters.sentBytes += gathered.byteLength;
    const last = gathered.views.length - 1;
    if (last < 0) return;
    this.#inFlightEntry = entry;
    this.#isWriting = true;
    if (last > 0) this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(gathered.views[i] as Uint8Array);
    this.#socket.write(gathered.views[last] as Uint8Array, this.#onWritten);
    if (last > 0) this.#socket.uncork();
    this.#isWriting = false;
    // Nothing waits in the socket: the kernel has its copy already, and the callback comes later.
    if (this.#socket.writableLength === 0) {
      if (reader.isIntact(entry, position)) this.#inFlightEntry = -1;
      else this.#evict();
    }
  }

  #written(): void {
    if (this.#index < 0 || this.#isWriting || this.#inFlightEntry < 0 || this.#socket.writableLength > 0) return;
    const nowMs = this.#fanOut.nowMs();
    this.#inFlightEntry = -1;
    this.#fanOut.table.progressAtMs[this.#index] = nowMs;
    this.#fanOut.refresh();
    this.flush(nowMs);
  }

  #finished(): void {
    this.stop();
    this.#options.onFinished();
  }

  #evict(): void {
    if (this.#index < 0) return;
    this.#fanOut.counters.evictedCount++;
    this.stop();
    this.#options.onEvicted();
    this.#socket.destroy();
  }
}

/** Bytes gathered for one write: a GOP of 1 Mb/s; what a slow socket may keep a view of. */
const maxGatherBytes = 256 * 1024;

/** Writes for one cursor in a row, so that one join does not keep the others waiting. */
const maxRounds = 16;

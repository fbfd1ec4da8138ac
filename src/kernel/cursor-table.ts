/**
 * Cursors: where each subscriber of an egress log is. Columns of typed arrays in shared memory, so that a subscriber costs
 * bytes and not objects, and native code can walk them.
 *
 * The rules of lag stand in {@link CursorTable.step}, once: a cursor that the writer has caught up with jumps to the newest
 * random access point; one that jumps too often, skips too much, or does not move at all is evicted.
 */

import { assert } from "../bytes/assert.ts";
import type { LogReader } from "./log-reader.ts";

/** What a subscriber gets before it is disconnected for lagging. */
export interface LagLimits {
  /** Jumps within `forgiveAfterMs` of each other. */
  readonly maxJumps: number;
  /** Bytes skipped in all, since the jumps were last forgiven. */
  readonly maxSkippedBytes: number;
  /** How long a cursor may have bytes waiting without taking any. */
  readonly stallTimeoutMs: number;
  /** A cursor that has not jumped for this long starts again with a clean record. */
  readonly forgiveAfterMs: number;
}

export const defaultLagLimits: LagLimits = {
  maxJumps: 5, // five key frame intervals missed: what is left is a slide show
  maxSkippedBytes: 64 * 1024 * 1024, // as large as the largest ring
  stallTimeoutMs: 15_000, // a phone that changes networks is back within ten seconds or not at all
  forgiveAfterMs: 60_000,
};

/** What {@link CursorTable.step} says about a cursor. */
export const cursorSteps = {
  /** At the tail, or waiting for a random access point. */
  idle: 0,
  /** Has entries to send. */
  ready: 1,
  /** Was lapped and is now at the newest random access point (or waits for the next): has entries to send, or none yet. */
  jumped: 2,
  /** Is to be disconnected. */
  evicted: 3,
} as const;

export type CursorStep = (typeof cursorSteps)[keyof typeof cursorSteps];

export const cursorFlags = {
  inUse: 1,
  /** Starts at its position: takes the preamble along. */
  starting: 2,
  /** Waits for the first random access point at or behind its entry. */
  waiting: 4,
} as const;

/**
 * The columns, in their order in memory: first the 64-bit numbers, then the 32-bit words, each as long as the table's capacity.
 * Whoever runs the loop over the cursors writes them.
 */
export const cursorColumns = {
  position: 0,
  entry: 1,
  sentBytes: 2,
  skippedBytes: 3,
  progressAtMs: 4,
  jumpedAtMs: 5,
  jumpCount: 6,
  flags: 7,
} as const;

const numberColumnCount = 6;
const wordColumnCount = 2;

/** Bytes of one cursor. */
export const cursorBytes: number = numberColumnCount * 8 + wordColumnCount * 4;

export class CursorTable {
  readonly shared: SharedArrayBuffer;
  readonly capacity: number;
  /** The next byte to send. */
  readonly positions: Float64Array;
  /** The next entry to send. */
  readonly entries: Float64Array;
  readonly sentBytes: Float64Array;
  readonly skippedBytes: Float64Array;
  readonly progressAtMs: Float64Array;
  readonly jumpedAtMs: Float64Array;
  readonly jumpCounts: Uint32Array;
  readonly flags: Uint32Array;
  readonly #free: number[] = [];
  #count = 0;
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.shared = new SharedArrayBuffer(capacity * cursorBytes);
    const numbers = (column: number): Float64Array => new Float64Array(this.shared, column * capacity * 8, capacity);
    const words = (column: number): Uint32Array => {
      const at = numberColumnCount * capacity * 8 + (column - numberColumnCount) * capacity * 4;
      return new Uint32Array(this.shared, at, capacity);
    };
    this.positions = numbers(cursorColumns.position);
    this.entries = numbers(cursorColumns.entry);
    this.sentBytes = numbers(cursorColumns.sentBytes);
    this.skippedBytes = numbers(cursorColumns.skippedBytes);
    this.progressAtMs = numbers(cursorColumns.progressAtMs);
    this.jumpedAtMs = numbers(cursorColumns.jumpedAtMs);
    this.jumpCounts = words(cursorColumns.jumpCount);
    this.flags = words(cursorColumns.flags);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * A new cursor: at the newest random access point (instant start), or, when there is none or `isLive`, waiting for the
   * next one. Returns its index, or -1 when the table is full.
   */
  open(reader: LogReader, isLive: boolean, nowMs: number): number {
    const index = this.#free.pop() ?? (this.#next < this.capacity ? this.#next++ : -1);
    if (index < 0) return -1;
    this.#count++;
    this.sentBytes[index] = 0;
    this.skippedBytes[index] = 0;
    this.jumpCounts[index] = 0;
    this.jumpedAtMs[index] = nowMs;
    this.progressAtMs[index] = nowMs;
    this.#place(index, isLive ? -1 : reader.randomAccessEntry(), reader);
    return index;
  }

  close(index: number): void {
    assert(((this.flags[index] as number) & cursorFlags.inUse) !== 0, "a cursor was closed twice");
    this.flags[index] = 0;
    this.#free.push(index);
    this.#count--;
  }

  isStarting(index: number): boolean {
    return ((this.flags[index] as number) & cursorFlags.starting) !== 0;
  }

  lagBytes(index: number, reader: LogReader): number {
    return reader.tail - (this.positions[index] as number);
  }

  /** Decides what happens to a cursor with no bytes in flight. The reader was refreshed. */
  step(index: number, reader: LogReader, limits: LagLimits, nowMs: number): CursorStep {
    if (((this.flags[index] as number) & cursorFlags.waiting) !== 0) {
      const entry = reader.randomAccessEntry();
      if (entry < (this.entries[index] as number)) {
        this.progressAtMs[index] = nowMs;
        return cursorSteps.idle;
      }
      this.#place(index, entry, reader);
    }
    const entry = this.entries[index] as number;
    if (!reader.isReachable(entry)) return this.#jump(index, reader, limits, nowMs);
    if (nowMs - (this.jumpedAtMs[index] as number) > limits.forgiveAfterMs) {
      this.jumpCounts[index] = 0;
      this.skippedBytes[index] = 0;
      this.jumpedAtMs[index] = nowMs;
    }
    if (entry < reader.entryTail) return cursorSteps.ready;
    this.progressAtMs[index] = nowMs;
    return cursorSteps.idle;
  }

  /** Entries up to `endEntry` have left. */
  advance(index: number, endEntry: number, endPosition: number, sentBytes: number, nowMs: number): void {
    this.entries[index] = endEntry;
    this.positions[index] = endPosition;
    this.sentBytes[index] = (this.sentBytes[index] as number) + sentBytes;
    this.progressAtMs[index] = nowMs;
    this.flags[index] = (this.flags[index] as number) & ~cursorFlags.starting;
  }

  /** Whether a cursor with bytes in flight has not moved for too long. */
  isStalled(index: number, limits: LagLimits, nowMs: number): boolean {
    return nowMs - (this.progressAtMs[index] as number) > limits.stallTimeoutMs;
  }

  #jump(index: number, reader: LogReader, limits: LagLimits, nowMs: number): CursorStep {
    const jumps = (this.jumpCounts[index] as number) + 1;
    const target = reader.randomAccessEntry();
    const targetPosition = target < 0 ? reader.tail : reader.positionOf(target);
    const skipped = (this.skippedBytes[index] as number) + targetPosition - (this.positions[index] as number);
    this.jumpCounts[index] = jumps;
    this.skippedBytes[index] = skipped;
    this.jumpedAtMs[index] = nowMs;
    if (jumps > limits.maxJumps || skipped > limits.maxSkippedBytes) return cursorSteps.evicted;
    this.#place(index, target, reader);
    return cursorSteps.jumped;
  }

  #place(index: number, entry: number, reader: LogReader): void {
    if (entry < 0) {
      this.entries[index] = reader.entryTail;
      this.positions[index] = reader.tail;
      this.flags[index] = cursorFlags.inUse | cursorFlags.waiting;
    } else {
      this.entries[index] = entry;
      this.positions[index] = reader.positionOf(entry);
      this.flags[index] = cursorFlags.inUse | cursorFlags.starting;
    }
  }
}

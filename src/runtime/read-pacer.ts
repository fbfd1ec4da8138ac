/**
 * When connections that bring much are read. A shard that has little to read reads at once. One that has much reads less often and
 * more at a time: a turn of the event loop then takes what has come from many sockets, and a system call what would have been
 * several. And nothing is read sooner than the next flush could send it.
 *
 * The interval grows while reading takes more of the thread than {@link busyShare}, and shrinks when it takes less than a
 * {@link calmShare}; twice the interval never halves the cost, so it comes to rest in between.
 */

import type { FlushPacing } from "./flush-pacer.ts";
import { maxReadIntervalMs } from "./limits.ts";

/** What is to be read less often. */
export interface PacedReading {
  /** Such connections wait for {@link read}, until a pause of `false`. False: there are none, and nothing is paused. */
  pause(isPaused: boolean): boolean;
  /** Reads them, and calls {@link ReadPacer.handleTurn}. */
  read(): void;
}

export class ReadPacer {
  readonly #reading: PacedReading;
  readonly #nowMs: () => number;
  readonly #mostMs: number;
  #intervalMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Not before this. */
  #dueMs = 0;
  #isPaused = false;
  /** When what is being read now was begun. */
  #roundSinceMs: number | undefined;
  /** Of the measurement under way. */
  #sinceMs: number;
  #workedMs = 0;
  #turnCount = 0;

  constructor({ latencyBudgetMs }: FlushPacing, nowMs: () => number, reading: PacedReading) {
    this.#reading = reading;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
    // What is read waits for a flush, which has its own share of the budget.
    this.#mostMs = Math.min(maxReadIntervalMs, latencyBudgetMs / 2);
  }

  /** The least time between two readings. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Something was read since `startedMs`. `isDone`: everything there was, in this turn and those before. */
  handleTurn(startedMs: number, isDone: boolean): void {
    const nowMs = this.#nowMs();
    this.#workedMs += nowMs - startedMs;
    this.#turnCount++;
    this.#roundSinceMs ??= startedMs;
    if (!isDone) return;
    if (nowMs - this.#sinceMs >= measureMs) this.#adapt(nowMs);
    const dueMs = this.#roundSinceMs + this.#intervalMs;
    this.#roundSinceMs = undefined;
    this.#wait(dueMs, nowMs);
  }

  /** There will be no flush before `dueMs`. */
  handleFlush(dueMs: number): void {
    this.#wait(dueMs, this.#nowMs());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #adapt(nowMs: number): void {
    const share = this.#workedMs / (nowMs - this.#sinceMs);
    const isWorthIt = this.#intervalMs > 0 || this.#turnCount >= manyTurns;
    if (share > busyShare && isWorthIt) {
      this.#intervalMs = Math.min(this.#mostMs, Math.max(firstIntervalMs, 2 * this.#intervalMs));
    } else if (share < calmShare) {
      this.#intervalMs = this.#intervalMs <= firstIntervalMs ? 0 : this.#intervalMs / 2;
    }
    this.#sinceMs = nowMs;
    this.#workedMs = 0;
    this.#turnCount = 0;
  }

  #wait(untilMs: number, nowMs: number): void {
    if (untilMs > this.#dueMs) this.#dueMs = untilMs;
    if (this.#timer !== undefined) return;
    const leftMs = this.#dueMs - nowMs;
    const wasPaused = this.#isPaused;
    this.#isPaused = leftMs >= 1 && this.#reading.pause(true);
    if (this.#isPaused) {
      // A long wait is cut into equal parts: sockets must hold what comes meanwhile, and the last part ends with it.
      const partMs = leftMs / Math.ceil(leftMs / maxReadIntervalMs);
      this.#timer = setTimeout(() => this.#handleTimer(), partMs);
    } else if (wasPaused) {
      this.#reading.pause(false);
    }
  }

  #handleTimer(): void {
    this.#timer = undefined;
    this.#reading.read();
  }
}

/** How long is measured before the interval changes: some frames of everybody. */
const measureMs = 100;
/** The shares of the thread that reading takes when it is worth its latency to read less often, and no longer. */
const busyShare = 0.1;
const calmShare = 0.04;
/** Turns in that time: fewer are few publishers, who are read at once also where something else makes the thread slow. */
const manyTurns = 30;
const firstIntervalMs = 1;

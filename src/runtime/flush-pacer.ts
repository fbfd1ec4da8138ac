/**
 * When the fan-out runs. An idle shard sends each frame at once. A busy one sends less often and more at a time: coalescing is
 * worth more than any trick with system calls. The interval follows from what the last flush took, so it grows and shrinks with
 * the load by itself, and never exceeds the latency budget.
 */

export interface FlushPacing {
  /** The least time between two flushes; 0 is one for each frame. */
  readonly minIntervalMs: number;
  /** The most that waiting may add to a frame's way. */
  readonly latencyBudgetMs: number;
}

/** No waiting, however busy. */
export const everyFrame: FlushPacing = { minIntervalMs: 0, latencyBudgetMs: 0 };

export class FlushPacer {
  readonly #pacing: FlushPacing;
  readonly #nowMs: () => number;
  readonly #flush: () => boolean;
  readonly #onFlushed: (dueMs: number) => void;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Not before this. */
  #dueMs = 0;
  /** A flush is under way, for one turn or several; since when, and how long it has worked. */
  #isFlushing = false;
  #startedMs = 0;
  #tookMs = 0;
  /** Asked for since it began. */
  #isWanted = false;

  /**
   * @param flush - false: there is more than one turn has time for, it wants to be called in the next one
   * @param onFlushed - told when the next flush may be, after each
   */
  constructor(
    pacing: FlushPacing,
    nowMs: () => number,
    flush: () => boolean,
    onFlushed: (dueMs: number) => void = () => {},
  ) {
    this.#pacing = pacing;
    this.#nowMs = nowMs;
    this.#flush = flush;
    this.#onFlushed = onFlushed;
  }

  /** Asks for a flush; any number of times before it comes. */
  request(): void {
    this.#isWanted = this.#isFlushing;
    if (this.#isFlushing || this.#immediate !== undefined || this.#timer !== undefined) return;
    const waitMs = this.#dueMs - this.#nowMs();
    if (waitMs < 1) {
      // After the poll phase: frames that came in one read leave in one send.
      this.#runSoon();
    } else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#run();
      }, waitMs);
    }
  }

  stop(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
  }

  #run(): void {
    const nowMs = this.#nowMs();
    if (!this.#isFlushing) {
      this.#startedMs = nowMs;
      this.#tookMs = 0;
    }
    this.#isFlushing = true;
    let isDone = true;
    try {
      isDone = this.#flush();
    } finally {
      this.#isFlushing = !isDone;
    }
    const tookMs = this.#nowMs() - nowMs;
    this.#tookMs += tookMs;
    if (!isDone) {
      this.#runAfterOthers(turnsForOthers, nowMs + 2 * tookMs);
      return;
    }
    const { minIntervalMs, latencyBudgetMs } = this.#pacing;
    const wantedMs = this.#tookMs / targetShare;
    this.#dueMs = this.#startedMs + Math.max(minIntervalMs, Math.min(wantedMs, latencyBudgetMs));
    if (this.#isWanted) this.request();
    this.#onFlushed(this.#dueMs);
  }

  /** Goes on when the others have had some turns, or as much time as the flush. */
  #runAfterOthers(turns: number, latestMs: number): void {
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      if (turns > 1 && this.#nowMs() < latestMs) this.#runAfterOthers(turns - 1, latestMs);
      else this.#run();
    });
  }

  #runSoon(): void {
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#run();
    });
  }
}

/**
 * Turns of the event loop between two parts of a flush. A player that joins needs several, and Node accepts one HTTP connection in
 * each: with one turn after each part they queued up for as long as the flush went on. One with nothing to do takes a microsecond.
 */
const turnsForOthers = 8;
/** The share of the shard's time that sending may take before frames begin to wait for each other. */
const targetShare = 0.5;

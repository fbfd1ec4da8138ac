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
  readonly #flush: () => void;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Not before this. */
  #dueMs = 0;

  constructor(pacing: FlushPacing, nowMs: () => number, flush: () => void) {
    this.#pacing = pacing;
    this.#nowMs = nowMs;
    this.#flush = flush;
  }

  /** Asks for a flush; any number of times before it comes. */
  request(): void {
    if (this.#immediate !== undefined || this.#timer !== undefined) return;
    const waitMs = this.#dueMs - this.#nowMs();
    if (waitMs < 1) {
      // After the poll phase: frames that came in one read leave in one send.
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#run();
      });
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
    const startedMs = this.#nowMs();
    this.#flush();
    const tookMs = this.#nowMs() - startedMs;
    const { minIntervalMs, latencyBudgetMs } = this.#pacing;
    const wantedMs = tookMs / targetShare;
    this.#dueMs = startedMs + Math.max(minIntervalMs, Math.min(wantedMs, latencyBudgetMs));
  }
}

/** The share of the shard's time that sending may take before frames begin to wait for each other. */
const targetShare = 0.5;

/**
 * The wall clock of a timeline, for the NTP time of sender reports (RFC 3550 §6.4.1): players put tracks in step by it, and measure
 * the round trip with it.
 *
 * One line for all tracks: 0 of the timeline is at some wall time. What comes is as old as its way to here; a publisher's clock
 * that runs faster or slower than ours moves the line a little with each report, and one that jumps moves it at once.
 */

export class SenderClock {
  readonly #wallMs: () => number;
  /** The newest that there was at the beginning, which had just come: what is older came before. */
  readonly #newestMs: number;
  #originMs: number;
  #checkedAtMs: number;

  /** @param newestMs - on the timeline: what has come just now */
  constructor(wallMs: () => number, newestMs: number) {
    this.#wallMs = wallMs;
    this.#newestMs = newestMs;
    this.#checkedAtMs = wallMs();
    this.#originMs = this.#checkedAtMs - newestMs;
  }

  /** The time that it is now on the timeline. */
  get nowMs(): number {
    return this.#wallMs() - this.#originMs;
  }

  wallMsOf(timeMs: number): number {
    return this.#originMs + timeMs;
  }

  /** `timeMs` has just come; asked with each report. */
  follow(timeMs: number): void {
    if (timeMs < this.#newestMs) return;
    const wallMs = this.#wallMs();
    const offMs = wallMs - timeMs - this.#originMs;
    const most = (wallMs - this.#checkedAtMs) * maxSlew;
    this.#originMs += Math.abs(offMs) > maxOffMs ? offMs : Math.min(Math.max(offMs, -most), most);
    this.#checkedAtMs = wallMs;
  }
}

/** Twice what clocks of computers are off, and far below what jitter of the network would do to single reports. */
const maxSlew = 0.001;
/** More than any network delays. */
const maxOffMs = 1_000;

/** How long to wait before the next try: quick at first, then doubling; slow where tries do harm. */

import { ERR_RTSP_UNAUTHORIZED } from "../../protocols/rtsp/errors.ts";
import {
  goodRunMs,
  maxRetryMs,
  maxUnauthorizedRetryMs,
  quickPhaseMs,
  quickRetryMs,
  unauthorizedRetryMs,
} from "./limits.ts";

export class RetryDelays {
  readonly #random: () => number;
  /** When what went well until then began to fail. */
  #failingSinceMs: number | undefined;
  #delayMs = 0;
  #unauthorizedDelayMs = 0;

  /** @param random - from 0 to 1, for the jitter */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** It has ended after running for `ranMs`. */
  handleRun(ranMs: number): void {
    if (ranMs >= goodRunMs) this.reset();
  }

  reset(): void {
    this.#failingSinceMs = undefined;
    this.#delayMs = 0;
    this.#unauthorizedDelayMs = 0;
  }

  /** Milliseconds until the next try. */
  next(code: string, nowMs: number): number {
    this.#failingSinceMs ??= nowMs;
    if (code === ERR_RTSP_UNAUTHORIZED) {
      this.#unauthorizedDelayMs = Math.min(
        Math.max(2 * this.#unauthorizedDelayMs, unauthorizedRetryMs),
        maxUnauthorizedRetryMs,
      );
      return this.#jittered(this.#unauthorizedDelayMs);
    }
    if (nowMs - this.#failingSinceMs < quickPhaseMs) return this.#jittered(quickRetryMs);
    this.#delayMs = Math.min(Math.max(2 * this.#delayMs, 2 * quickRetryMs), maxRetryMs);
    return this.#jittered(this.#delayMs);
  }

  /** A quarter more or less: those who lost the same server do not come back to it all at once. */
  #jittered(delayMs: number): number {
    return Math.min(Math.round(delayMs * (0.75 + this.#random() / 2)), Math.max(delayMs, maxRetryMs));
  }
}

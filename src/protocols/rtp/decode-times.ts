/**
 * Decoding times for video whose packets tell presentation times only, as those of RTP do.
 *
 * Frames come in decoding order, and no decoder holds back more than `reorderDepth` of them; so the decoding times are the
 * presentation times in ascending order, each `reorderDepth` frames later. No frame is delayed for that.
 */

import { assert } from "../../bytes/assert.ts";
import { maxDpbFrames } from "../../codecs/limits.ts";

export class DecodeTimes {
  /** The presentation times that are not decoding times yet, in ascending order: `reorderDepth` of them. */
  readonly #pending: number[] = [];
  #reorderDepth: number;
  #lastTicks = Number.NEGATIVE_INFINITY;

  /** @param reorderDepth frames that may come before one that is shown earlier; grows when the stream shows that it is more */
  constructor(reorderDepth: number) {
    assert(reorderDepth >= 0 && reorderDepth <= maxDpbFrames, "no decoder holds back more than 16 frames");
    this.#reorderDepth = reorderDepth;
  }

  /** The decoding time of the next frame in decoding order. Never decreases, and never above `ptsTicks` but when the depth grew. */
  dtsOf(ptsTicks: number): number {
    const pending = this.#pending;
    // At the start there are no earlier frames: they are made up, a tick apart.
    while (pending.length < this.#reorderDepth) pending.unshift((pending[0] ?? ptsTicks) - 1);
    let at = pending.length;
    while (at > 0 && (pending[at - 1] as number) > ptsTicks) at--;
    pending.splice(at, 0, ptsTicks);
    if (ptsTicks < this.#lastTicks && this.#reorderDepth < maxDpbFrames) {
      // More frames were ahead of this one than was said. It stays pending, so that those behind it fit.
      this.#reorderDepth++;
      return this.#lastTicks;
    }
    this.#lastTicks = Math.max(this.#lastTicks, pending.shift() as number);
    return this.#lastTicks;
  }
}

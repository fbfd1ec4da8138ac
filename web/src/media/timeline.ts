/**
 * Moves a stream's timestamps to start near zero.
 *
 * An encoder that has run for 25 days sends timestamps above 2^31, which mpegts.js reads as negative ones, and FLV wraps
 * at 2^32. Counting from the first frame puts both out of a viewer's reach.
 */

import { type FlvTag, setTimestamp } from "./flv-splitter.ts";

/** The first audio frame may be older than the first video frame: room before zero. */
const leadMs = 1_000;
/** A gap that long is another run of the encoder or a pause nobody wants to sit through. */
const maxJumpMs = 10_000;

export class Timeline {
  #baseMs: number | undefined;
  #newestMs = 0;

  /** Rewrites the tag's time in place; false when the time jumped, and the player has to start again. */
  rebase(tag: FlvTag): boolean {
    this.#baseMs ??= tag.timestampMs - leadMs;
    // `| 0` is the difference modulo 2^32, as a signed number.
    const timeMs = (tag.timestampMs - this.#baseMs) | 0;
    if (this.#newestMs !== 0 && Math.abs(timeMs - this.#newestMs) > maxJumpMs) return false;
    this.#newestMs = timeMs;
    setTimestamp(tag.bytes, Math.max(0, timeMs));
    return true;
  }
}

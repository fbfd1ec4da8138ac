/**
 * Which frames a subscriber may start with: the key frames of the default video track; without video, an audio frame about
 * once a second (every one would do, but a start a second back fills the player's buffer, and a preamble for each is waste).
 */

import type { Frame } from "./frame.ts";

const audioIntervalSeconds = 1;

export class RandomAccessRule {
  #hasVideo = false;
  #lastAudioSeconds = Number.NEGATIVE_INFINITY;

  /** Asked once for each frame, in order. */
  isRandomAccess(frame: Frame): boolean {
    const { kind, number } = frame.track;
    if (kind === "video") {
      this.#hasVideo = true;
      return number === 0 && frame.isKey;
    }
    if (this.#hasVideo || kind !== "audio") return false;
    const seconds = frame.dtsTicks / frame.format.timescale;
    if (seconds - this.#lastAudioSeconds < audioIntervalSeconds) return false;
    this.#lastAudioSeconds = seconds;
    return true;
  }
}

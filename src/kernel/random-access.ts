/**
 * Which frames a subscriber may start with: the key frames of the default video track; without video, an audio frame about
 * once a second (every one would do, but a start a second back fills the player's buffer, and a preamble for each is waste).
 */

import type { Track, TrackFormat } from "./frame.ts";

/** What is asked of a frame, and known of one that is still coming. */
export interface RandomAccessCandidate {
  readonly track: Track;
  readonly format: Pick<TrackFormat, "timescale">;
  readonly isKey: boolean;
  readonly dtsTicks: number;
}

const audioIntervalSeconds = 1;

export class RandomAccessRule {
  #hasVideo = false;
  #lastAudioSeconds = Number.NEGATIVE_INFINITY;

  /** Asked once for each frame, in order. */
  isRandomAccess({ track, format, isKey, dtsTicks }: RandomAccessCandidate): boolean {
    const { kind, number } = track;
    if (kind === "video") {
      this.#hasVideo = true;
      return number === 0 && isKey;
    }
    if (this.#hasVideo || kind !== "audio") return false;
    const seconds = dtsTicks / format.timescale;
    if (seconds - this.#lastAudioSeconds < audioIntervalSeconds) return false;
    this.#lastAudioSeconds = seconds;
    return true;
  }
}

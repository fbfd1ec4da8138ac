/**
 * Keeps the picture close to the newest media without stalling.
 *
 * A viewer who joins gets the whole group of pictures at once and would stay that far behind for ever; one whose network
 * paused would too. Far behind: jump. A little behind: play slightly faster, which nobody hears. Each stall widens the
 * margin, quiet time narrows it again, so the margin fits the network and the publisher that are really there.
 */

export interface PlayPosition {
  readonly nowMs: number;
  readonly currentTime: number;
  /** Start and end of the newest buffered range, in seconds of the element's timeline. */
  readonly bufferedStart: number;
  readonly bufferedEnd: number;
}

export interface Correction {
  readonly seekTo: number | undefined;
  readonly playbackRate: number;
}

/** The least margin: a frame at 10 fps plus what a busy browser needs; the most: a publisher that sends in 2 s bursts. */
const marginSeconds = { least: 0.3, most: 3 };
const marginGrowth = 1.5;
const narrowAfterQuietMs = 20_000;
const narrowSeconds = 0.1;
/** Beyond the margin by this much: jump rather than hurry (hurrying takes 10 s for each second). */
const jumpBeyondSeconds = 1.2;
/** At the start nobody has seen anything yet: jump sooner. */
const firstJumpBeyondSeconds = 0.2;
const hurryBeyondSeconds = 0.15;
const rates = { slow: 0.95, normal: 1, fast: 1.1 };

export class LiveEdge {
  #margin = marginSeconds.least;
  #hasStarted = false;
  #isHurrying = false;
  #quietSinceMs: number | undefined;

  get marginSeconds(): number {
    return this.#margin;
  }

  /** Playback ran dry. */
  stalled(nowMs: number): void {
    this.#margin = Math.min(marginSeconds.most, this.#margin * marginGrowth);
    this.#quietSinceMs = nowMs;
  }

  correct(position: PlayPosition): Correction {
    const { nowMs, currentTime, bufferedStart, bufferedEnd } = position;
    this.#quietSinceMs ??= nowMs;
    if (nowMs - this.#quietSinceMs >= narrowAfterQuietMs) {
      this.#margin = Math.max(marginSeconds.least, this.#margin - narrowSeconds);
      this.#quietSinceMs = nowMs;
    }

    const behind = bufferedEnd - currentTime;
    const edge = Math.max(bufferedStart, bufferedEnd - this.#margin);
    const jumpBeyond = this.#hasStarted ? jumpBeyondSeconds : firstJumpBeyondSeconds;
    this.#hasStarted = true;
    // In a gap before the newest range nothing will ever arrive: only a jump leads out of it.
    if (currentTime < bufferedStart || (behind > this.#margin + jumpBeyond && edge > currentTime)) {
      this.#isHurrying = false;
      return { seekTo: edge, playbackRate: rates.normal };
    }
    if (behind > this.#margin + hurryBeyondSeconds) this.#isHurrying = true;
    else if (behind <= this.#margin) this.#isHurrying = false;
    const isRunningDry = behind < this.#margin / 3;
    return {
      seekTo: undefined,
      playbackRate: this.#isHurrying ? rates.fast : isRunningDry ? rates.slow : rates.normal,
    };
  }
}

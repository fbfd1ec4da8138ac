/** Measures what arrives over a sliding window: bit rate by arrival, frame rate by the frames' own timestamps. */

/** About one second is what a person means by "now"; frame rates need two to be steady at 10 fps and less. */
const bitRateWindowMs = 1_000;
const frameRateWindowMs = 2_000;
/** A burst of small tags may not grow the window's list without bound: 2 s of 1,000 pieces a second. */
const maxSamples = 2_000;

export class StreamMeter {
  readonly #arrivals: { atMs: number; bytes: number }[] = [];
  #frameTimesMs: number[] = [];
  #startedAtMs: number | undefined;
  receivedBytes = 0;
  /** When something last came, on the same clock as the `nowMs` of the calls. */
  lastArrivalMs: number | undefined;

  addBytes(count: number, nowMs: number): void {
    this.#startedAtMs ??= nowMs;
    this.lastArrivalMs = nowMs;
    this.receivedBytes += count;
    this.#arrivals.push({ atMs: nowMs, bytes: count });
    if (this.#arrivals.length > maxSamples) this.#arrivals.shift();
  }

  addVideoFrame(timestampMs: number): void {
    const newest = this.#frameTimesMs.at(-1);
    // Times that jump belong to another encoder run: the old ones say nothing about the rate.
    if (newest !== undefined && Math.abs(timestampMs - newest) > frameRateWindowMs) this.#frameTimesMs = [];
    this.#frameTimesMs.push(timestampMs);
    while (timestampMs - (this.#frameTimesMs[0] ?? timestampMs) > frameRateWindowMs) this.#frameTimesMs.shift();
  }

  /** Bits per second received over the last second; undefined until a second has been seen. */
  bitsPerSecond(nowMs: number): number | undefined {
    while (nowMs - (this.#arrivals[0]?.atMs ?? nowMs) > bitRateWindowMs) this.#arrivals.shift();
    if (this.#startedAtMs === undefined || nowMs - this.#startedAtMs < bitRateWindowMs) return undefined;
    const bytes = this.#arrivals.reduce((sum, arrival) => sum + arrival.bytes, 0);
    return (bytes * 8_000) / bitRateWindowMs;
  }

  /** Frames per second of the stream's own timeline; undefined until two frames are known. */
  framesPerSecond(): number | undefined {
    const times = this.#frameTimesMs;
    const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    return times.length < 2 || spanMs <= 0 ? undefined : ((times.length - 1) * 1_000) / spanMs;
  }
}

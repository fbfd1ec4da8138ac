/** Durations in buckets whose width grows with the value: bounded memory, percentiles that are right within two percent. */

export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** The longest, exactly; 0 when there is none. */
  get maxMs(): number {
    return this.#max;
  }

  add(ms: number): void {
    const octaves = ms <= leastMs ? 0 : Math.log2(ms / leastMs);
    const bucket = Math.min(bucketCount - 1, Math.ceil(octaves * bucketsPerOctave));
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    if (ms > this.#max) this.#max = ms;
  }

  /** What `share` of all values do not exceed: the upper end of a bucket, and never more than the longest. NaN without values. */
  percentileMs(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(this.#max, leastMs * 2 ** (bucket / bucketsPerOctave));
    }
    return this.#max;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#max = 0;
  }
}

const leastMs = 0.001;
const bucketsPerOctave = 32;
/** From a microsecond to 2^28 of them, four minutes. */
const bucketCount = 28 * bucketsPerOctave + 1;

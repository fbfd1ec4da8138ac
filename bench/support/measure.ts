/** Time and heap of a small piece of work, measured in this process. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export interface Cost {
  /** Median over the rounds. */
  readonly nanoseconds: number;
  /** Bytes of JavaScript heap per operation: the least over the rounds, because a collection in a round hides some. */
  readonly heapBytes: number;
  /** Bytes of array buffers per operation. */
  readonly bufferBytes: number;
}

/** Runs `work(count)` in rounds after a warm-up; `count` is chosen so that a round takes about 20 ms. */
export function measureCost(work: (count: number) => void): Cost {
  let count = 64;
  for (;;) {
    const start = performance.now();
    work(count);
    if (performance.now() - start > 20 || count > 1_000_000) break;
    count *= 2;
  }
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    work(count);
    times.push(((performance.now() - start) * 1e6) / count);
  }
  // Heap apart, with few operations: what a collection takes back in the middle would not be seen.
  const heaps: number[] = [];
  const buffers: number[] = [];
  for (let round = 0; round < rounds; round++) {
    collectGarbage();
    const before = process.memoryUsage();
    work(heapCount);
    const after = process.memoryUsage();
    heaps.push((after.heapUsed - before.heapUsed) / heapCount);
    buffers.push((after.arrayBuffers - before.arrayBuffers) / heapCount);
  }
  return {
    nanoseconds: percentile(times, 0.5),
    heapBytes: percentile(heaps, 0.5),
    bufferBytes: percentile(buffers, 0.5),
  };
}

/** The value below which `share` of `values` lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const rounds = 9;
const heapCount = 512;

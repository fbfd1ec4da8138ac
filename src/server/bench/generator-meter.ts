/** What the load generator itself takes: when it has no time left, its figures are its own and not the server's. */

import type { GeneratorFigures } from "./report.ts";

export class GeneratorMeter {
  readonly #startMs: number = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #utilization = performance.eventLoopUtilization();

  /** Since it was made. */
  figures(): GeneratorFigures & { readonly seconds: number } {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpuSeconds = (user + system) / 1e6;
    const { utilization } = performance.eventLoopUtilization(this.#utilization);
    const isBottleneck = utilization > busyShare || cpuSeconds / seconds > busyShare;
    return { seconds, cpuSeconds, busyShare: utilization, isBottleneck };
  }
}

/** What a reader must know of a window in which the generator was short of time. */
export function generatorNotes({
  isBottleneck,
  busyShare: busy,
  cpuSeconds,
  seconds,
}: GeneratorFigures & { readonly seconds: number }): string[] {
  if (isBottleneck) {
    return [
      "this generator had no time left: the server could have done more, and latencies and joins are in part its own",
    ];
  }
  if (busy - cpuSeconds / seconds < stolenShare) return [];
  return [
    "this generator waited for its core, which something else had: latencies and joins are in part the machine's",
  ];
}

const busyShare = 0.9;
/** Busy without CPU time: of a quiet machine it is below 2 %. */
const stolenShare = 0.1;

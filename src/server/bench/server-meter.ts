/** The server under load, from outside: its processes and what it counts. */

import { type ProcessSample, sampleProcess, threadTimes } from "./process-meter.ts";
import type { ProcessFigures, ServerFigures, StatsFigures } from "./report.ts";
import { fetchStats, type ServerStats, statsSince } from "./server-stats.ts";

export class ServerMeter {
  readonly #pids: readonly number[];
  readonly #statsUrl: string | undefined;
  readonly #notes: string[];
  #idle: readonly (ProcessSample | undefined)[] = [];
  #idleStats: ServerStats | undefined;
  #windowStart: readonly (ProcessSample | undefined)[] = [];
  #windowEnd: readonly (ProcessSample | undefined)[] = [];

  constructor(pids: readonly number[], statsUrl: string | undefined, notes: string[]) {
    this.#pids = pids;
    this.#statsUrl = statsUrl;
    this.#notes = notes;
    if (statsUrl === undefined)
      notes.push("evictions and errors as the server counts them are not shown: --stats-url names its /stats");
  }

  /** Before the first join. */
  async sampleIdle(): Promise<void> {
    this.#idleStats = await this.#fetch();
    this.#idle = this.#sample();
  }

  startWindow(): void {
    this.#windowStart = this.#sample();
  }

  endWindow(): void {
    this.#windowEnd = this.#sample();
  }

  /** What was counted since {@link sampleIdle}. */
  async statsSinceIdle(): Promise<StatsFigures | undefined> {
    const before = this.#idleStats;
    const after = before === undefined ? undefined : await this.#fetch();
    if (before === undefined || after === undefined) return undefined;
    const { evictedCount, jumpCount, socketErrorCount, errors } = statsSince(before, after);
    return { evictedCount, jumpCount, socketErrorCount, errors };
  }

  /** Connections, cursors and descriptors that are there now and were not there when the server was idle; undefined: not known. */
  async leftovers(): Promise<{ connections?: number; cursors?: number; descriptors?: number }> {
    const before = this.#idleStats;
    const after = before === undefined ? undefined : await this.#fetch();
    const now = this.#sample();
    const descriptors = now.reduce(
      (sum, sample, i) => sum + (sample?.descriptorCount ?? 0) - (this.#idle[i]?.descriptorCount ?? 0),
      0,
    );
    return {
      ...(now.length === 0 ? {} : { descriptors }),
      ...(before === undefined || after === undefined
        ? {}
        : { connections: after.openCount - before.openCount, cursors: after.cursorCount - before.cursorCount }),
    };
  }

  /** Of the window; `bytes` were sent in it, to so many connections, if they stayed. */
  figures(bytes: number, connectionCount: number | undefined): ServerFigures | undefined {
    const processes: ProcessFigures[] = [];
    for (const [i, start] of this.#windowStart.entries()) {
      const end = this.#windowEnd[i];
      if (start === undefined || end === undefined) continue;
      const idle = this.#idle[i] ?? start;
      processes.push({
        pid: end.pid,
        name: end.name,
        cpuSeconds: end.cpuSeconds - start.cpuSeconds,
        threads: threadTimes(start, end),
        residentBytesBefore: idle.residentBytes,
        residentBytes: end.residentBytes,
        descriptorsBefore: idle.descriptorCount,
        descriptors: end.descriptorCount,
      });
    }
    if (processes.length === 0) return undefined;
    const cpuSeconds = processes.reduce((sum, each) => sum + each.cpuSeconds, 0);
    const grownBytes = processes.reduce((sum, each) => sum + each.residentBytes - each.residentBytesBefore, 0);
    return {
      processes,
      cpuSeconds,
      gigabitsPerCore: cpuSeconds === 0 ? 0 : (bytes * 8) / 1e9 / cpuSeconds,
      residentBytesPerConnection: connectionCount === undefined ? undefined : grownBytes / Math.max(1, connectionCount),
    };
  }

  #sample(): readonly (ProcessSample | undefined)[] {
    return this.#pids.map((pid) => sampleProcess(pid));
  }

  async #fetch(): Promise<ServerStats | undefined> {
    if (this.#statsUrl === undefined) return undefined;
    const stats = await fetchStats(this.#statsUrl);
    if (typeof stats !== "string") return stats;
    if (!this.#notes.includes(stats)) this.#notes.push(stats);
    return undefined;
  }
}

/** A report as a table for people, and as JSON for programs. */

import type { BenchReport, ProcessFigures, Times } from "./report.ts";

/** A line for each figure, then what was checked. */
export function formatReport(report: BenchReport): string {
  const rows = [...loadRows(report), ...serverRows(report), ...generatorRows(report)];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const checks = report.checks.map(({ name, isPassed, detail }) => `${isPassed ? "ok  " : "FAIL"}  ${name}: ${detail}`);
  const failures = report.failures.map(({ code, count, message }) => `      ${count} × ${code}: ${message}`);
  const notes = report.notes.map((note) => `note: ${note}`);
  const verdict = report.isPassed ? "passed" : "failed";
  return `${[...lines, "", ...checks, ...failures, ...notes, verdict].join("\n")}\n`;
}

/** Names in snake_case, like everything that Millrace says in JSON. */
export function reportJson(report: BenchReport): string {
  return `${JSON.stringify(snakeCaseKeys(report), null, 2)}\n`;
}

type Row = readonly [name: string, value: string];

function loadRows(report: BenchReport): Row[] {
  const { mode, media } = report;
  const who = mode === "publishers" ? "publishers" : "players";
  const rows: Row[] = [
    ["address", report.address],
    [
      who,
      mode === "churn"
        ? `${report.joined} joined, ${report.asked} at one time at the most`
        : `${report.joined} of ${report.asked}`,
    ],
    ["joins", `${round(report.joinsPerSecond)} a second`],
    ["window", `${report.seconds.toFixed(2)} s`],
    [mode === "publishers" ? "taken" : "delivered", `${report.gigabitsPerSecond.toFixed(3)} Gb/s`],
    [
      mode === "publishers" ? "join, to the accepted publish" : "join, to the first media byte",
      formatTimes(report.join),
    ],
  ];
  if (report.first !== undefined) rows.push(["from PLAY to the first packet", formatTimes(report.first)]);
  if (report.connect !== undefined) rows.push(["until connected", formatTimes(report.connect)]);
  if (mode !== "publishers") rows.push(["join, to the first key frame", formatTimes(report.key)]);
  if (report.latency !== undefined) rows.push(["added latency", formatTimes(report.latency)]);
  if (media !== undefined) {
    const { packets, tagCount } = media;
    rows.push([packets === undefined ? "tags checked" : "frames checked", tagCount.toLocaleString("en")]);
    if (packets !== undefined) rows.push(["packets checked", packets.packetCount.toLocaleString("en")]);
    rows.push(["longest gap", `${round(media.longestGapMs)} ms`]);
    if (mode === "players") rows.push(["least of a player", `${(media.leastShare * 100).toFixed(0)} % of the mean`]);
  }
  return rows;
}

function serverRows({ server, stats, seconds }: BenchReport): Row[] {
  const rows: Row[] = [];
  if (server !== undefined) {
    for (const each of server.processes) rows.push(...processRows(each, seconds));
    rows.push(["per server core", `${server.gigabitsPerCore.toFixed(2)} Gb/s`]);
    const each = server.residentBytesPerConnection;
    if (each !== undefined) rows.push(["memory per connection", formatBytes(each)]);
  }
  if (stats !== undefined) {
    rows.push(["evicted, skipped", `${stats.evictedCount} players, ${stats.jumpCount} times`]);
    const errors = Object.entries(stats.errors).map(([code, count]) => `${count} × ${code}`);
    rows.push(["errors that the server counted", errors.length === 0 ? "none" : errors.join(", ")]);
  }
  return rows;
}

function processRows(process: ProcessFigures, seconds: number): Row[] {
  const { pid, name, cpuSeconds, threads, descriptorsBefore, descriptors } = process;
  const share = (value: number): string => `${((value / seconds) * 100).toFixed(1)} %`;
  const busy = threads.filter((thread) => thread.cpuSeconds >= cpuSeconds * leastThreadShare);
  const parts = busy.map((thread) => `${thread.name} ${share(thread.cpuSeconds)}`).join(", ");
  return [
    [`CPU of ${name} (${pid})`, `${share(cpuSeconds)} of a core${busy.length > 1 ? `: ${parts}` : ""}`],
    [
      "  memory",
      `${formatBytes(process.residentBytesBefore)} before, ${formatBytes(process.residentBytes)} at the end`,
    ],
    ["  descriptors", `${descriptorsBefore} before, ${descriptors} at the end`],
  ];
}

function generatorRows({ generator, seconds }: BenchReport): Row[] {
  const share = ((generator.cpuSeconds / seconds) * 100).toFixed(1);
  return [["CPU of this generator", `${share} % of a core, ${(generator.busyShare * 100).toFixed(0)} % busy`]];
}

function formatTimes(times: Times | undefined): string {
  if (times === undefined) return "none";
  const { p50Ms, p99Ms, maxMs } = times;
  return `p50 ${round(p50Ms)} ms, p99 ${round(p99Ms)} ms, longest ${round(maxMs)} ms`;
}

function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < 1024) return `${Math.round(bytes)} B`;
  const kibibytes = bytes / 1024;
  return Math.abs(kibibytes) < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}

function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2);
}

function snakeCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [
    // Error codes are names already.
    /^[a-z]/.test(key) ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key,
    snakeCaseKeys(each),
  ]);
  return Object.fromEntries(entries);
}

/** Threads that take less are left out of the table. */
const leastThreadShare = 0.01;

/**
 * Ways of sending: the addon's own loop over cursors, with nothing of Node around it, on interchangeable system calls: `sendmsg`,
 * `send`, `MSG_ZEROCOPY`, io_uring, io_uring with zero copy. 2,000 players of a 1 Mb/s stream. Each flush goes another way than the
 * one before (bench/send-ways/main.cc); `limit.c` runs in turn with it.
 * `node bench/send-ways.ts [--interval 40] [--players 2000] [--pairs 5] [--json]`
 */

import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { freePort } from "../test/support/free-port.ts";
import { waitFor } from "../test/support/wait.ts";
import { onCore, startChild } from "./support/child.ts";
import {
  compileLoadPrograms,
  type DrainReport,
  drain,
  gigabitsPerCore,
  type LoadPrograms,
  startLimit,
} from "./support/load.ts";
import { percentile } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";

export async function run(): Promise<BenchResult[]> {
  const text = { type: "string" } as const;
  const options = { interval: text, players: text, pairs: text, json: { type: "boolean" } as const };
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const bench: Bench = {
    programs,
    sendWays: await compileSendWays(folder.path),
    players: Number(values.players ?? 2_000),
    pairCount: Number(values.pairs ?? 5),
  };
  const intervals = values.interval === undefined ? flushIntervalsMs : [Number(values.interval)];
  const results: BenchResult[] = [];
  for (const intervalMs of intervals) results.push(...(await compareWays(bench, intervalMs)));
  return results;
}

interface Bench {
  readonly programs: LoadPrograms;
  readonly sendWays: string;
  readonly players: number;
  readonly pairCount: number;
}

/** What bench/send-ways prints: every way's share of one run. */
interface WaysReport {
  readonly evicted: number;
  readonly jumps: number;
  readonly otherThreadsCpuSeconds: number;
  readonly ways: readonly WayReport[];
}

interface WayReport {
  readonly name: string;
  readonly flushes: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly messages: number;
  readonly calls: number;
  readonly refused: number;
  readonly partial: number;
  readonly lent: number;
  readonly copied: number;
}

/** All ways, then `limit`, round after round. */
async function compareWays(bench: Bench, intervalMs: number): Promise<BenchResult[]> {
  const rounds: { ways: readonly WayReport[]; limit: number }[] = [];
  for (let round = 0; round < bench.pairCount; round++) {
    const ways = await measureWays(bench, intervalMs);
    const limit = await measureLimit(bench, intervalMs);
    rounds.push({ ways, limit });
    const figures = ways.map((way) => `${way.name} ${gigabitsOf(way).toFixed(2)}`);
    process.stderr.write(`  every ${intervalMs} ms: ${figures.join(", ")}, limit ${limit.toFixed(2)} Gb/s per core\n`);
  }
  const limits = rounds.map(({ limit }) => limit);
  const names = rounds[0]?.ways.map(({ name }) => name) ?? [];
  const samplesOf = (name: string): WayReport[] => rounds.map(({ ways }) => ways.find((way) => way.name === name)!);
  const plain = samplesOf(plainWay).map(gigabitsOf);
  return names.flatMap((name) => {
    const samples = samplesOf(name);
    const own = samples.map(gigabitsOf);
    const others = name === plainWay ? limits : plain;
    const label = `${name}, a flush each ${intervalMs} ms`;
    const pairs = own.map((value, round) => [value, others[round] as number] as const);
    const ratios = pairs.map(([value, other]) => value / other);
    const reference = { name: name === plainWay ? "limit" : plainWay, value: median(others) };
    process.stderr.write(
      `  ${label}: ${spread(own)} Gb/s per core, ${spread(ratios)} of ${reference.name} in ${rounds.length} rounds\n`,
    );
    return [{ name: label, value: median(own), unit: "Gb/s per core", reference, pairs }, ...countsOf(label, samples)];
  });
}

/** Why the figure is what it is. */
function countsOf(label: string, samples: readonly WayReport[]): BenchResult[] {
  const sum = (count: Exclude<keyof WayReport, "name">): number =>
    samples.reduce((total, sample) => total + sample[count], 0);
  const perMessage = (value: number): number => value / sum("messages");
  const results = [
    { name: `CPU per message, ${label}`, value: perMessage(sum("cpuSeconds") * 1e6), unit: "µs" },
    { name: `system calls per message, ${label}`, value: perMessage(sum("calls")), unit: "calls" },
  ];
  const late = sum("refused") + sum("partial");
  if (late > 0) results.push({ name: `messages without room, ${label}`, value: perMessage(late) * 100, unit: "%" });
  if (sum("lent") > 0) {
    const share = (sum("copied") / sum("lent")) * 100;
    results.push({ name: `copied all the same, ${label}`, value: Math.min(100, share), unit: "%" });
  }
  return results;
}

async function measureWays(bench: Bench, intervalMs: number): Promise<readonly WayReport[]> {
  const port = await freePort();
  const args = [port, bench.players, bytesPerSecond, intervalMs, settleSeconds, ceilingSeconds].map(String);
  const [launcher = "", ...rest] = [...onCore("measured"), bench.sendWays, ...args];
  await using child = startChild(launcher, rest);
  await waitFor("send-ways to listen", () => child.output().includes("ready") || child.hasExited());
  if (child.hasExited()) throw new Error(`send-ways did not start: ${child.output()}`);
  const flushCount = Math.ceil((waysWindowSeconds * 1000) / intervalMs / wayCount) * wayCount;
  await measure(bench, (flushCount * intervalMs) / 1000, port, child.pid);
  await waitFor("send-ways to print", () => child.output().includes("}]}"));
  const lines = child.output().trim().split("\n");
  const leftOut = lines.filter((line) => line.startsWith("left out"));
  if (leftOut.length > 0) process.stderr.write(`  ${leftOut.join(", ")}\n`);
  const report = JSON.parse(lines.at(-1) ?? "") as WaysReport;
  if (report.evicted > 0 || report.jumps > 0) throw new Error(`players fell behind: ${lines.at(-1)}`);
  // Work that the kernel gave to its own threads would be missing from the shares.
  if (report.otherThreadsCpuSeconds > mostHiddenSeconds) throw new Error(`other threads worked, too: ${lines.at(-1)}`);
  return report.ways;
}

async function measureLimit(bench: Bench, intervalMs: number): Promise<number> {
  const { players, programs } = bench;
  await using limit = await startLimit(programs, { connections: players, bytesPerSecond, intervalMs });
  const flushCount = Math.ceil((limitWindowSeconds * 1000) / intervalMs);
  return gigabitsPerCore(await measure(bench, (flushCount * intervalMs) / 1000, limit.port, limit.pid));
}

/** @param windowSeconds - a whole number of flushes: one more or less would be a tenth of the figure */
async function measure(bench: Bench, windowSeconds: number, port: number, pid: number): Promise<DrainReport> {
  const { programs, players } = bench;
  const report = await drain(programs, {
    ...{ protocol: "raw", port, stream: "live/bench", players, pid },
    ...{ joinsPerSecond: 4_000, settleSeconds, windowSeconds, ceilingSeconds, isSpinning: true },
  });
  const lost = report.refused + report.closed;
  if (lost > 0) throw new Error(`${lost} of ${players} players were lost: the figure would say nothing`);
  return report;
}

/** A build that fails is a mistake of ours, and is thrown; that there is a compiler is known. */
async function compileSendWays(folder: string): Promise<string> {
  const program = join(folder, "send-ways");
  const root = resolve(import.meta.dirname, "..");
  const flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-fno-exceptions", "-o", program];
  await promisify(execFile)(process.env["CXX"] ?? "c++", [...flags, ...sources.map((source) => join(root, source))]);
  return program;
}

function gigabitsOf({ bytes, cpuSeconds }: WayReport): number {
  return (bytes * 8) / 1e9 / cpuSeconds;
}

function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

const plainWay = "sendmsg";
const wayCount = 5;
const sources = [
  ...["main.cc", "plain.cc", "zero_copy.cc", "ring.cc", "uring.cc"].map((name) => `bench/send-ways/${name}`),
  ...["addresses", "cursors", "datagrams", "fan_out", "log", "packet_fan_out", "packet_plan", "sockets"].map(
    (name) => `native/src/${name}.cc`,
  ),
];
/** One flush per picture at 25 pictures a second, and what other servers call merged writes. */
const flushIntervalsMs: readonly number[] = [40, 350];
/** With FLV's headers, as the stream of the fan-out benchmark. */
const bytesPerSecond = 129_000;
/** What a joining player gets at once, a GOP, has been sent. */
const settleSeconds = 1.5;
const waysWindowSeconds = 10;
const limitWindowSeconds = 4;
const ceilingSeconds = 25;
const mostHiddenSeconds = 0.01;

if (import.meta.main) printResults(await run());

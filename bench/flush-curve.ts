/**
 * What waiting buys: latency of the players and gigabits per second and core, for fixed flush intervals, beside `limit` at the same
 * interval; and where the server places itself when it is left alone (the default configuration), for some numbers of players.
 * `node bench/flush-curve.ts [--intervals 0,10,20,40,100,200,350] [--auto 100,500,1000,2000] [--players 2000] [--rounds 5] [--json]`;
 * an empty list leaves that half out.
 */

import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import {
  compileLoadPrograms,
  type DrainReport,
  drain,
  gigabitsPerCore,
  type LoadPrograms,
  sourceSeconds,
  startLimit,
  writeSource,
} from "./support/load.ts";
import { type BenchResult, medianOf, printResults } from "./support/result.ts";
import { markedSource, measuredStream, type OurServer, startOurs } from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = {
    intervals: { type: "string", default: "0,10,20,40,100,200,350" },
    auto: { type: "string", default: "100,500,1000,2000" },
    players: { type: "string", default: "2000" },
    rounds: { type: "string", default: "5" },
    json: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  const bytesPerSecond = (await stat(file)).size / sourceSeconds;
  const bench: Bench = { programs, file, bytesPerSecond, roundCount: Number(values.rounds) };
  const results: BenchResult[] = [];
  for (const intervalMs of numbers(values.intervals)) {
    results.push(...(await measureInterval(bench, intervalMs, Number(values.players))));
  }
  const counts = numbers(values.auto);
  if (counts.length > 0) results.push(...(await measureAutomatic(bench, counts)));
  return results;
}

interface Bench {
  readonly programs: LoadPrograms;
  /** The source, as FLV. */
  readonly file: string;
  readonly bytesPerSecond: number;
  readonly roundCount: number;
}

/** One load of the server, and one of `limit` with as many connections. */
interface Round {
  readonly own: DrainReport;
  readonly limit: DrainReport;
}

/** At this interval and no other. */
async function measureInterval(bench: Bench, intervalMs: number, players: number): Promise<BenchResult[]> {
  const set = [`streaming.flush_interval=${intervalMs}ms`, "streaming.latency_budget=0ms"];
  await using server = await startOurs(markedSource(bench.programs, bench.file), [...set, native]);
  const rounds = await measureRounds(bench, server, players, intervalMs);
  const name = intervalMs === 0 ? "each message at once" : `a flush each ${intervalMs} ms`;
  return rowsOf(`${name}, ${players} players`, rounds, { chart: "flush-interval", x: intervalMs });
}

/** The default configuration, under more and more players. The reference sends each picture and sound at once. */
async function measureAutomatic(bench: Bench, counts: readonly number[]): Promise<BenchResult[]> {
  await using server = await startOurs(markedSource(bench.programs, bench.file), [native]);
  const results: BenchResult[] = [];
  for (const players of counts) {
    const rounds = await measureRounds(bench, server, players, 0);
    results.push(...rowsOf(`left alone, ${players} players`, rounds, { chart: "players", x: players }));
  }
  return results;
}

async function measureRounds(bench: Bench, server: OurServer, players: number, intervalMs: number): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < bench.roundCount; round++) {
    const own = await play(bench, "rtmp", server.rtmpPort, server.pid, players);
    const limit = await playLimit(bench, players, intervalMs);
    rounds.push({ own, limit });
    const { latency } = own;
    process.stderr.write(
      `  ${intervalMs} ms, ${players} players: p50 ${latency.p50Ms.toFixed(1)}, p99 ${latency.p99Ms.toFixed(1)} ms, ` +
        `${gigabitsPerCore(own).toFixed(2)} Gb/s per core, limit ${gigabitsPerCore(limit).toFixed(2)}\n`,
    );
  }
  return rounds;
}

function rowsOf(
  name: string,
  rounds: readonly Round[],
  { chart, x }: { readonly chart: "flush-interval" | "players"; readonly x: number },
): BenchResult[] {
  const pairs = rounds.map(({ own, limit }) => [gigabitsPerCore(own), gigabitsPerCore(limit)] as const);
  const limit = medianOf(pairs.map(([, each]) => each)).value;
  const lost = rounds.reduce((sum, { own }) => sum + own.refused + own.closed, 0);
  const latency = (label: string, read: (report: DrainReport) => number): BenchResult => ({
    name: `  latency ${label}`,
    ...medianOf(rounds.map(({ own }) => read(own))),
    unit: "ms",
    ...(chart === "flush-interval" ? { point: { chart: "latency", line: label, x } } : {}),
  });
  return [
    {
      name: `RTMP, ${name}`,
      ...medianOf(pairs.map(([own]) => own)),
      unit: "Gb/s per core",
      ...{ pairs, reference: { name: "limit", value: limit } },
      point: { chart, line: "Millrace", reference: "limit (bare C)", x },
    },
    latency("p50", (report) => report.latency.p50Ms),
    latency("p99", (report) => report.latency.p99Ms),
    {
      name: "  server's CPU",
      ...medianOf(rounds.map(({ own }) => (own.cpuSeconds / own.seconds) * 100)),
      unit: "% of a core",
    },
    ...(lost === 0 ? [] : [{ name: "  players lost", value: lost, unit: "players" }]),
  ];
}

/** The interval of a reference that has no messages, and sends what is due: not more often than messages come. */
async function playLimit(bench: Bench, players: number, intervalMs: number): Promise<DrainReport> {
  const { programs, bytesPerSecond } = bench;
  const options = { connections: players, bytesPerSecond, intervalMs: Math.max(intervalMs, messageMs) };
  await using limit = await startLimit(programs, options);
  return await play(bench, "raw", limit.port, limit.pid, players);
}

function play(
  { programs }: Bench,
  protocol: "rtmp" | "raw",
  port: number,
  pid: number,
  players: number,
): Promise<DrainReport> {
  const times = { joinsPerSecond: 4_000, settleSeconds: 1, windowSeconds: gopSeconds, ceilingSeconds: 20 };
  const sampled = protocol === "raw" ? 0 : 50;
  return drain(programs, { protocol, port, stream: measuredStream, players, pid, sampled, ...times });
}

function numbers(text: string): number[] {
  return text
    .split(",")
    .filter((each) => each !== "")
    .map(Number);
}

const native = "server.transport=native";
const gopSeconds = 2;
/** Between two messages of a stream with 25 pictures and 46.9 sounds a second. */
const messageMs = 1_000 / (25 + 48_000 / 1_024);

if (import.meta.main) printResults(await run());

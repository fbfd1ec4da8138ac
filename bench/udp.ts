/**
 * UDP fan-out: 1,000 players of a 2 Mb/s stream over loopback, as gigabits per second and core of the sender. In turn, several times:
 * our native transport, and `limit.c`, which sends as many packets at the same interval and does nothing else: cut by the kernel
 * (GSO) with many players in one call, with a call for each, and cut by itself (plain `sendmmsg`).
 * `node bench/udp.ts [--players 1000] [--rate 2000] [--interval 40] [--pairs 5] [--gro 1] [--json]`
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { waitFor } from "../test/support/wait.ts";
import { type Child, onCore, startChild } from "./support/child.ts";
import {
  compileLoadPrograms,
  drainUdp,
  gigabitsPerCore,
  type LoadPrograms,
  type UdpDrainReport as UdpReport,
} from "./support/load.ts";
import { percentile } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";

export async function run(): Promise<BenchResult[]> {
  const text = { type: "string" } as const;
  const options = {
    players: text,
    rate: text,
    interval: text,
    pairs: text,
    gro: text,
    json: { type: "boolean" } as const,
  };
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const bench: Bench = {
    programs,
    players: Number(values.players ?? 1_000),
    bytesPerSecond: (Number(values.rate ?? 2_000) * 1_000) / 8,
    intervalMs: Number(values.interval ?? 40),
    isGro: values.gro !== "0",
  };
  const rounds: Record<Way, UdpReport>[] = [];
  for (let round = 0; round < Number(values.pairs ?? 5); round++) {
    const figures = {} as Record<Way, UdpReport>;
    for (const way of ways) figures[way] = await measure(bench, way);
    rounds.push(figures);
    process.stderr.write(`  ${ways.map((way) => `${way} ${gigabitsPerCore(figures[way]).toFixed(2)}`).join(", ")}\n`);
  }
  return resultsOf(rounds);
}

interface Bench {
  readonly programs: LoadPrograms;
  readonly players: number;
  readonly bytesPerSecond: number;
  readonly intervalMs: number;
  /** Whether the players' kernel puts packets together again. */
  readonly isGro: boolean;
}

async function measure(bench: Bench, way: Way): Promise<UdpReport> {
  const { programs, players, bytesPerSecond, intervalMs, isGro } = bench;
  const args = [firstPort, players, bytesPerSecond, intervalMs, senderSeconds].map(String);
  await using sender = startSender(programs, way, args);
  await waitFor(`${way} to begin`, () => sender.output().includes("ready") || sender.hasExited());
  if (sender.hasExited()) throw new Error(`${way} did not start: ${sender.output()}`);
  const report = await drainUdp(programs, {
    ...{
      firstPort,
      players,
      isGro,
      settleSeconds: 0.5,
      windowSeconds,
      pid: sender.pid,
      ceilingSeconds: senderSeconds - 0.5,
    },
  });
  if (report.joined < players)
    throw new Error(`${players - report.joined} of ${players} players got nothing from ${way}`);
  return report;
}

function startSender(programs: LoadPrograms, way: Way, args: readonly string[]): Child {
  const command =
    way === "ours"
      ? [process.execPath, resolve(import.meta.dirname, "udp-server.ts"), ...args]
      : [programs.limit, "udp", ...args, way];
  const [launcher = "", ...rest] = [...onCore("measured"), ...command];
  return startChild(launcher, rest);
}

function resultsOf(rounds: readonly Record<Way, UdpReport>[]): BenchResult[] {
  const samples = (way: Way): number[] => rounds.map((round) => gigabitsPerCore(round[way]));
  const beside = (own: Way, other: Way): BenchResult => ({
    name: `UDP, ${nameOf[own]}`,
    value: percentile(samples(own), 0.5),
    unit: "Gb/s per core",
    reference: { name: nameOf[other], value: percentile(samples(other), 0.5) },
    pairs: rounds.map((round) => [gigabitsPerCore(round[own]), gigabitsPerCore(round[other])] as const),
  });
  const lost = rounds.reduce((sum, round) => sum + ways.reduce((of, way) => of + round[way].lostPackets, 0), 0);
  const results = [beside("ours", "gso"), beside("ours", "plain"), beside("gso", "gso-each")];
  // What was lost was sent all the same, and is missing from the figure.
  return lost === 0 ? results : [...results, { name: "packets lost on loopback", value: lost, unit: "packets" }];
}

/** Ours is Node itself, so that what it takes for its own things is counted. */
const ways = ["ours", "gso", "gso-each", "plain"] as const;
type Way = (typeof ways)[number];
const nameOf: Readonly<Record<Way, string>> = {
  ours: "the native transport",
  gso: "limit with GSO",
  "gso-each": "limit with GSO, a call for each player",
  plain: "limit with plain sendmmsg",
};
/** Below those that the system gives out, and where nobody listens by convention. */
const firstPort = 21_000;
const windowSeconds = 4;
const senderSeconds = 9;

if (import.meta.main) printResults(await run());

/**
 * As many players as one process can have: connections by HTTP-FLV, by RTMP and by RTSP up to the limit of descriptors, at 100 kb/s each.
 * Resident memory of each, none lost, and how long joining takes at 2,000 and at the end.
 * `node bench/players.ts [--players 19900] [--protocol rtsp] [--json]`
 */

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { compileLoadPrograms, type DrainReport, drain, type LoadPrograms, writeSource } from "./support/load.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import {
  fileSource,
  type MeasuredServer,
  measuredStream,
  type PlayedProtocol,
  portOf,
  startOurs,
} from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = { players: { type: "string" }, protocol: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  const limit = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim());
  const wanted = Number(values.players ?? mostPlayers);
  const players = Math.min(wanted, limit - ownDescriptors);
  if (players < wanted) process.stderr.write(`  ${players} players: a process may have ${limit} descriptors here\n`);
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 68, audioKilobits: 32, size: "320x180" });
  const results: BenchResult[] = [];
  for (const [protocol, label] of protocols) {
    if (values.protocol !== undefined && values.protocol !== protocol) continue;
    // One flush each 350 ms: 20,000 players at each picture would be a third of what two cores send at all.
    await using server = await startOurs(fileSource(file), [
      "server.transport=native",
      `streaming.flush_interval=${flushMs}ms`,
    ]);
    await warmUp(programs, server, protocol);
    const few = await fill(programs, server, protocol, fewPlayers);
    for (const count of steps.filter((step) => step < players)) {
      const some = await fill(programs, server, protocol, count);
      results.push(memoryOf(label, few, some));
    }
    const many = await fill(programs, server, protocol, players);
    results.push(...resultsOf(label, few, many));
  }
  return results;
}

/** The difference of two loads: what the process itself takes, and its garbage, is in both. */
function memoryOf(label: string, few: DrainReport, many: DrainReport): BenchResult {
  return {
    name: `${label} resident memory per connection, ${many.joined} players`,
    value: (many.residentBytes - few.residentBytes) / (many.joined - few.joined),
    unit: "bytes",
    point: { chart: "memory", line: label, x: many.joined },
  };
}

function resultsOf(label: string, few: DrainReport, many: DrainReport): BenchResult[] {
  const at = (players: number): number => joinAt(many, players);
  return [
    {
      name: `${label} players that stay`,
      value: many.joined - many.closed,
      unit: "players",
      reference: { name: "wanted", value: many.players },
    },
    { name: `${label} delivered`, value: (many.bytes * 8) / 1e9 / many.seconds, unit: "Gb/s" },
    { name: `${label} per server core`, value: (many.bytes * 8) / 1e9 / many.cpuSeconds, unit: "Gb/s per core" },
    memoryOf(label, few, many),
    { name: `${label} join p99, 1,000 to 2,000 players`, value: at(1_000), unit: "ms" },
    { name: `${label} join p99, the last thousand`, value: at(many.players - 1), unit: "ms" },
    ...(many.first.count === 0
      ? []
      : [{ name: `${label} from PLAY to the first byte, p99 of all`, value: many.first.p99Ms, unit: "ms" }]),
  ];
}

/** The 99th percentile of the thousand joins that player `number` was among. */
function joinAt({ groups }: DrainReport, number: number): number {
  return groups.findLast(({ from }) => from <= number)?.p99Ms ?? Number.NaN;
}

function fill(
  programs: LoadPrograms,
  server: MeasuredServer,
  protocol: PlayedProtocol,
  players: number,
): Promise<DrainReport> {
  const port = portOf(server, protocol) as number;
  const times = { joinsPerSecond, settleSeconds: 2, windowSeconds: 4, ceilingSeconds: 40 };
  return drain(programs, { protocol, port, stream: measuredStream, players, pid: server.pid, ...times });
}

/** The compiler has seen the code before memory is read. */
async function warmUp(programs: LoadPrograms, server: MeasuredServer, protocol: PlayedProtocol): Promise<void> {
  await fill(programs, server, protocol, fewPlayers);
}

const mostPlayers = 19_900;
const fewPlayers = 1_000;
/** On the way to all, for the curve of memory. */
const steps: readonly number[] = [5_000, 10_000];
const joinsPerSecond = 1_000;
/** Of the load generator, and then some; the server has as many. */
const ownDescriptors = 64;
const flushMs = 350;
const protocols = [
  ["flv", "HTTP-FLV"],
  ["rtmp", "RTMP"],
  ["rtsp", "RTSP"],
] as const;

if (import.meta.main) printResults(await run());

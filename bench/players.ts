/**
 * As many players as one process can have: connections by HTTP-FLV, by RTMP and by RTSP up to the limit of descriptors, at 100 kb/s each.
 * Resident memory of each, as it stands at the end and after a collection; none lost; and how long joining takes at 2,000 and at
 * the end, with the load generator's own share of it.
 * `node bench/players.ts [--players 19900] [--protocol rtmp] [--young 8] [--json]`
 */

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { freePort } from "../test/support/free-port.ts";
import { Inspector } from "../test/support/inspector.ts";
import { residentBytes } from "./support/child.ts";
import { compileLoadPrograms, type DrainReport, drainAndLook, type LoadPrograms, writeSource } from "./support/load.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import {
  fileSource,
  measuredStream,
  type OurServer,
  type PlayedProtocol,
  portOf,
  startOurs,
} from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = {
    players: { type: "string" },
    protocol: { type: "string" },
    young: { type: "string" },
    json: { type: "boolean" },
  } as const;
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
  const nodeFlags = [`--max-semi-space-size=${values.young ?? semiSpaceMegabytes}`];
  for (const [protocol, label] of protocols.filter(([name]) => (values.protocol ?? name) === name)) {
    const inspectorPort = await freePort();
    // One flush each 350 ms: 20,000 players at each picture would be a third of what two cores send at all.
    await using server = await startOurs(
      fileSource(file),
      // Of the descriptors that the server may use, the ports of UDP would take two, and 19,898 would be left for players.
      ["server.transport=native", "rtsp.udp=false", `streaming.flush_interval=${flushMs}ms`],
      [...nodeFlags, `--inspect=127.0.0.1:${inspectorPort}`],
    );
    const fill = (count: number): Promise<Filled> => fillOnce(programs, server, protocol, count, inspectorPort);
    await fill(fewPlayers); // the compiler has seen the code before memory is read
    const few = await fill(fewPlayers);
    for (const count of steps.filter((step) => step < players)) {
      results.push(...memoryOf(label, few, await fill(count)));
    }
    results.push(...resultsOf(label, few, await fill(players)));
  }
  return results;
}

interface Filled {
  readonly report: DrainReport;
  /** With all players there, after a collection. */
  readonly collectedBytes: number;
}

/** The difference of two loads: what the process itself takes is in both, and most of its garbage. */
function memoryOf(label: string, few: Filled, many: Filled): BenchResult[] {
  const connections = many.report.joined - few.report.joined;
  const name = `${label} resident memory per connection, ${many.report.joined} players`;
  return [
    {
      name,
      value: (many.report.residentBytes - few.report.residentBytes) / connections,
      unit: "bytes",
    },
    // Drawn is what can be counted on: garbage comes and goes.
    {
      name: `${name}, after a collection`,
      value: (many.collectedBytes - few.collectedBytes) / connections,
      unit: "bytes",
      point: { chart: "memory", line: label, x: many.report.joined },
    },
  ];
}

function resultsOf(label: string, few: Filled, filled: Filled): BenchResult[] {
  const many = filled.report;
  return [
    {
      name: `${label} players that stay`,
      value: many.joined - many.closed,
      unit: "players",
      reference: { name: "wanted", value: many.players },
    },
    { name: `${label} delivered`, value: (many.bytes * 8) / 1e9 / many.seconds, unit: "Gb/s" },
    { name: `${label} per server core`, value: (many.bytes * 8) / 1e9 / many.cpuSeconds, unit: "Gb/s per core" },
    ...memoryOf(label, few, filled),
    ...joinsAt(`${label} join p99, 1,000 to 2,000 players`, many, 1_000),
    ...joinsAt(`${label} join p99, the last thousand`, many, many.players - 1),
    ...(many.first.count === 0
      ? []
      : [{ name: `${label} from PLAY to the first byte, p99 of all`, value: many.first.p99Ms, unit: "ms" }]),
  ];
}

/** Of the thousand joins that player `number` was among: the 99th percentile of what they took, and of the load generator's share. */
function joinsAt(name: string, { groups }: DrainReport, number: number): BenchResult[] {
  const group = groups.findLast(({ from }) => from <= number);
  return [
    { name, value: group?.p99Ms ?? Number.NaN, unit: "ms" },
    { name: `${name}: p50`, value: group?.p50Ms ?? Number.NaN, unit: "ms" },
    { name: `${name}: the load generator's own`, value: group?.own.p99Ms ?? Number.NaN, unit: "ms" },
  ];
}

async function fillOnce(
  programs: LoadPrograms,
  server: OurServer,
  protocol: PlayedProtocol,
  players: number,
  inspectorPort: number,
): Promise<Filled> {
  const { pid } = server;
  const port = portOf(server, protocol) as number;
  const times = { joinsPerSecond, settleSeconds: 2, windowSeconds: 4, ceilingSeconds: 40 };
  const options = { protocol, port, stream: measuredStream, players, pid, ...times };
  const [report, collectedBytes] = await drainAndLook(programs, options, async () => {
    using inspector = await Inspector.connect(inspectorPort);
    await inspector.state();
    return residentBytes(pid);
  });
  return { report, collectedBytes };
}

const mostPlayers = 19_900;
const fewPlayers = 1_000;
/** On the way to all, for the curve of memory. */
const steps: readonly number[] = [5_000, 10_000];
const joinsPerSecond = 1_000;
/** Of the load generator, and then some; the server has as many. */
const ownDescriptors = 64;
const flushMs = 350;
/** As shard threads have it: players live long, and V8 would double the young generation up to 64 MiB for them. */
const semiSpaceMegabytes = 8;
const protocols = [
  ["flv", "HTTP-FLV"],
  ["rtmp", "RTMP"],
  ["rtsp", "RTSP"],
] as const;

if (import.meta.main) printResults(await run());

/**
 * Connections that come and go: players by RTMP and HTTP-FLV that join a live stream and leave, and publishers. Afterwards the
 * server has to be what it was: resident memory, descriptors, connections, cursors, streams.
 * `node bench/churn.ts [--connections 200000] [--json]`
 */

import { readdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { freePort } from "../test/support/free-port.ts";
import { Inspector } from "../test/support/inspector.ts";
import { waitFor } from "../test/support/wait.ts";
import { residentBytes } from "./support/child.ts";
import { type ChurnReport, churn, compileLoadPrograms, type LoadPrograms, writeSource } from "./support/load.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import { markedSource, measuredStream, type OurServer, startOurs } from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = { connections: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  const connections = Number(values.connections ?? mostConnections);
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 68, audioKilobits: 32, size: "320x180" });
  const inspectorPort = await freePort();
  const set = ["server.transport=native", `streaming.idle_timeout=${idleSeconds}s`];
  await using server = await startOurs(markedSource(programs, file), set, [`--inspect=127.0.0.1:${inspectorPort}`]);
  await comeAndGo(programs, server, connections * warmUpShare);
  const before = await stateOf(server, inspectorPort);
  const rounds: ServerState[] = [];
  const reports: ChurnReport[] = [];
  let mostResidentBytes = 0;
  for (let round = 0; round < roundCount; round++) {
    reports.push(await comeAndGo(programs, server, connections / roundCount));
    mostResidentBytes = Math.max(mostResidentBytes, await residentBytes(server.pid));
    const state = await stateOf(server, inspectorPort);
    rounds.push(state);
    process.stderr.write(`  ${Math.round(sum(reports, "opened"))} connections: ${toMebibytes(state)} MiB resident\n`);
  }
  return resultsOf(before, rounds.at(-1) as ServerState, rounds, reports, mostResidentBytes);
}

/** What has to be as it was. */
interface ServerState {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly connections: number;
  readonly cursors: number;
  readonly streams: number;
}

function resultsOf(
  before: ServerState,
  after: ServerState,
  rounds: readonly ServerState[],
  reports: readonly ChurnReport[],
  mostResidentBytes: number,
): BenchResult[] {
  const mebibyte = 1024 * 1024;
  const left = (name: string, field: keyof ServerState): BenchResult => ({
    name: `${name} afterwards`,
    value: after[field],
    unit: "",
    reference: { name: "before", value: before[field] },
  });
  const seconds = sum(reports, "seconds");
  const failed = (["failedRtmpPlayers", "failedFlvPlayers", "failedPublishers"] as const).map((kind) =>
    sum(reports, kind),
  );
  return [
    { name: "connections that came and went", value: sum(reports, "opened"), unit: "connections" },
    { name: "connections a second", value: sum(reports, "opened") / seconds, unit: "per second" },
    { name: "RTMP players that got media", value: sum(reports, "rtmpPlayers"), unit: "players" },
    { name: "HTTP-FLV players that got media", value: sum(reports, "flvPlayers"), unit: "players" },
    { name: "publishers that were accepted", value: sum(reports, "publishers"), unit: "publishers" },
    { name: "connections that left at once", value: sum(reports, "hasty"), unit: "connections" },
    { name: "connections that failed", value: failed.reduce((a, b) => a + b, 0), unit: "connections" },
    {
      name: "resident memory, growth after a collection",
      value: (after.residentBytes - before.residentBytes) / mebibyte,
      unit: "MiB",
      spread: spreadOf(rounds.map((state) => (state.residentBytes - before.residentBytes) / mebibyte)),
    },
    {
      name: "resident memory at its most, without a collection",
      value: mostResidentBytes / mebibyte,
      unit: "MiB",
      reference: { name: "before, MiB", value: before.residentBytes / mebibyte },
    },
    {
      name: "JavaScript heap, growth after a collection",
      value: (after.heapBytes - before.heapBytes) / mebibyte,
      unit: "MiB",
      spread: spreadOf(rounds.map((state) => (state.heapBytes - before.heapBytes) / mebibyte)),
    },
    left("descriptors", "descriptors"),
    left("connections", "connections"),
    left("cursors", "cursors"),
    left("streams", "streams"),
  ];
}

function comeAndGo(programs: LoadPrograms, server: OurServer, connections: number): Promise<ChurnReport> {
  const { rtmpPort, httpPort } = server;
  const ceilingSeconds = Math.ceil(connections / 500) + 20;
  const options = { stream: measuredStream, atOnce, perSecond, ceilingSeconds };
  return churn(programs, { rtmpPort, httpPort, connections, ...options });
}

/** When those who came have gone, and the streams of the publishers with them. */
async function stateOf({ server, pid }: OurServer, inspectorPort: number): Promise<ServerState> {
  await waitFor(
    "the streams of the publishers to end",
    async () => {
      const { total_streams, connections } = await server.stats();
      return total_streams === 1 && connections["cursor_count"] === 0;
    },
    (idleSeconds + 10) * 1000,
  );
  let heapBytes: number;
  {
    using inspector = await Inspector.connect(inspectorPort);
    ({ heapBytes } = await inspector.state());
  }
  const { connections, total_streams } = await server.stats();
  return {
    residentBytes: await residentBytes(pid),
    heapBytes,
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
    connections: connections["open_count"] ?? Number.NaN,
    cursors: connections["cursor_count"] ?? Number.NaN,
    streams: total_streams,
  };
}

function sum(reports: readonly ChurnReport[], field: keyof ChurnReport): number {
  return reports.reduce((total, report) => total + report[field], 0);
}

function spreadOf(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function toMebibytes({ residentBytes }: ServerState): string {
  return (residentBytes / 1024 / 1024).toFixed(1);
}

const mostConnections = 200_000;
const roundCount = 5;
/** Of the connections, before memory is read: the compiler has seen the code, tables have their size. */
const warmUpShare = 0.1;
const atOnce = 300;
const perSecond = 2_000;
/** How long a stream waits for its publisher. */
const idleSeconds = 2;

if (import.meta.main) printResults(await run());

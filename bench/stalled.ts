/**
 * One player that stops reading, among a thousand: what the others notice of it, the memory it takes in the server and in the
 * kernel, and when it is disconnected. Each pair is one load without and one with it.
 * `node bench/stalled.ts [--players 1000] [--pairs 5] [--json]`
 */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { defaultLagLimits } from "../src/kernel/cursor-table.ts";
import { TestFolder } from "../test/support/folder.ts";
import { waitFor } from "../test/support/wait.ts";
import { compileLoadPrograms, type DrainReport, drain, type LoadPrograms, writeSource } from "./support/load.ts";
import { type BenchResult, medianOf, printResults } from "./support/result.ts";
import { markedSource, measuredStream, type OurServer, startOurs } from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = { players: { type: "string" }, pairs: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  const players = Number(values.players ?? 1_000);
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  await using server = await startOurs(markedSource(programs, file), ["server.transport=native"]);
  await play(programs, server, players, 0); // the compiler has seen the code, and memory has its size
  const pairs: Pair[] = [];
  for (let i = 0; i < Number(values.pairs ?? 5); i++) {
    const alone = play(programs, server, players, 0);
    await mostQueuedUntil(server.rtmpPort, alone); // looking costs something, too
    const beside = play(programs, server, players, 1);
    const kernelBytes = await mostQueuedUntil(server.rtmpPort, beside);
    const pair = { without: await alone, with: await beside, kernelBytes };
    pairs.push(pair);
    const p99 = [pair.without, pair.with].map(({ latency }) => latency.p99Ms.toFixed(1)).join(" and ");
    process.stderr.write(`  p99 without and with one that does not read: ${p99} ms\n`);
  }
  return [...resultsOf(pairs, players), ...(await measureEviction(programs, server, players))];
}

interface Pair {
  readonly without: DrainReport;
  readonly with: DrainReport;
  /** The most that waited in the kernel for one connection. */
  readonly kernelBytes: number;
}

function resultsOf(pairs: readonly Pair[], players: number): BenchResult[] {
  const p99 = pairs.map((pair) => [pair.with.latency.p99Ms, pair.without.latency.p99Ms] as const);
  const changes = p99.map(([stalled, alone]) => stalled - alone);
  const resident = pairs.map((pair) => (pair.with.residentBytes - pair.without.residentBytes) / 1024);
  const lost = pairs.reduce((sum, pair) => sum + pair.with.closed + pair.without.closed, 0);
  return [
    {
      name: `p99 of ${players - 1} players beside one that does not read`,
      ...medianOf(p99.map(([stalled]) => stalled)),
      unit: "ms",
      pairs: p99,
      reference: { name: "without it", value: medianOf(p99.map(([, alone]) => alone)).value },
    },
    { name: "  change of the p99", ...medianOf(changes), unit: "ms" },
    { name: "  resident memory of the server, with less without", ...medianOf(resident), unit: "KiB" },
    {
      name: "  in the kernel's send queue for it, at most",
      ...medianOf(pairs.map(({ kernelBytes }) => kernelBytes / 1024)),
      unit: "KiB",
    },
    ...(lost === 0 ? [] : [{ name: "players lost", value: lost, unit: "players" }]),
  ];
}

/** From joining to the log's line that it was disconnected. */
async function measureEviction(programs: LoadPrograms, server: OurServer, players: number): Promise<BenchResult[]> {
  const evicted = async (): Promise<number> => (await server.server.stats()).connections["evicted_count"] ?? 0;
  const isTold = (line: Record<string, unknown>): boolean => String(line["msg"]).includes("too slow");
  const before = await evicted();
  const linesBefore = server.server.logLines.filter(isTold).length;
  const timeoutSeconds = defaultLagLimits.stallTimeoutMs / 1000;
  const load = play(programs, server, players, 1, timeoutSeconds + 10);
  // What fits into the kernel's buffers is taken although nobody reads: the player stops when they are full.
  const stoppedAt = await waitFor("its queue to stand still", () => standsStill(server.rtmpPort), 30_000);
  await waitFor("its eviction", async () => (await evicted()) > before, defaultLagLimits.stallTimeoutMs + 10_000);
  const seconds = (performance.now() - stoppedAt) / 1000;
  const told = server.server.logLines.filter(isTold).length - linesBefore;
  const { closed } = await load;
  return [
    {
      name: "  until it is disconnected, since it takes nothing",
      value: seconds,
      unit: "s",
      reference: { name: "stall timeout, s", value: timeoutSeconds },
    },
    { name: "  log lines about it", value: told, unit: "" },
    { name: "  others that were disconnected", value: closed, unit: "players" },
  ];
}

function play(
  programs: LoadPrograms,
  server: OurServer,
  players: number,
  unread: number,
  windowSeconds = 4,
): Promise<DrainReport> {
  return drain(programs, {
    ...{ protocol: "rtmp", port: server.rtmpPort, stream: measuredStream, players, pid: server.pid, unread },
    ...{ joinsPerSecond: 2_000, settleSeconds: 4, windowSeconds, sampled: 50, ceilingSeconds: windowSeconds + 25 },
  });
}

async function mostQueuedUntil(port: number, load: Promise<unknown>): Promise<number> {
  let most = 0;
  let isOver = false;
  load.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    most = Math.max(most, (await sendQueues(port)).at(-1) ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 5 * pollMs));
  }
  return most;
}

/** When the longest queue began to stand still, once it has for a second. */
async function standsStill(port: number): Promise<number | undefined> {
  const longest = async (): Promise<number> => (await sendQueues(port)).at(-1) ?? 0;
  const first = await longest();
  const since = performance.now();
  if (first < leastStalledBytes) return undefined;
  while (performance.now() - since < 1_000) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    if ((await longest()) !== first) return undefined;
  }
  return since;
}

/** Bytes that wait in the kernel to be sent by the connections of a local port, sorted. */
async function sendQueues(port: number): Promise<number[]> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const queues: number[] = [];
  for (const name of ["tcp", "tcp6"]) {
    for (const line of (await readFile(`/proc/net/${name}`, "utf8")).split("\n").slice(1)) {
      const [, local = "", , state, queue = ""] = line.trim().split(/\s+/);
      if (local.endsWith(`:${hexPort}`) && state === "01") queues.push(Number.parseInt(queue.split(":")[0] ?? "", 16));
    }
  }
  return queues.sort((a, b) => a - b);
}

const pollMs = 100;
/** More than waits for a player that reads. */
const leastStalledBytes = 100_000;

if (import.meta.main) printResults(await run());

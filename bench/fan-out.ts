/**
 * Fan-out: thousands of players of one 1 Mb/s stream, as gigabits per second and core of the server. In turn, several times: our
 * server over RTMP, over HTTP-FLV, over RTSP (TCP), and `limit.c`, which sends as many bytes at the same interval and does nothing else; then the
 * portable transport and the peers that are installed. `node bench/fan-out.ts [--players 2000] [--pairs 5] [--protocol rtsp] [--json]`
 */

import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import {
  compileLoadPrograms,
  type DrainOptions,
  type DrainReport,
  drain,
  gigabitsPerCore,
  type LoadPrograms,
  sourceSeconds,
  startLimit,
  writeSource,
} from "./support/load.ts";
import { percentile } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import {
  fileSource,
  type MeasuredServer,
  measuredStream,
  type PlayedProtocol,
  portOf,
  type Source,
  startNginx,
  startNodeMediaServer,
  startOurs,
  startSrs,
} from "./support/servers.ts";
import { startZlMediaKit } from "./support/zlmediakit.ts";

export async function run(): Promise<BenchResult[]> {
  const text = { type: "string" } as const;
  const options = { players: text, pairs: text, protocol: text, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  const bench: Bench = {
    programs,
    file,
    bytesPerSecond: (await stat(file)).size / sourceSeconds,
    players: Number(values.players ?? 2_000),
    pairCount: Number(values.pairs ?? 5),
    protocols: protocols.filter(([protocol]) => values.protocol === undefined || values.protocol === protocol),
    windowSeconds: 2 * gopSeconds,
  };
  const ours = await compareWithLimit(bench);
  const others = [...(await measurePortable(bench)), ...(await measurePeers(bench, folder.path))];
  return [
    ...ours.results,
    ...others.map(({ name, protocol, label, intervalMs, samples }) => ({
      name: `${label}, a flush each ${intervalMs} ms, beside ${name}`,
      value: ours.figures.get(figureKey(protocol, intervalMs)) ?? Number.NaN,
      unit,
      reference: { name, value: median(samples) },
    })),
  ];
}

interface Bench {
  readonly programs: LoadPrograms;
  /** The source, as FLV. */
  readonly file: string;
  readonly bytesPerSecond: number;
  readonly players: number;
  readonly pairCount: number;
  readonly protocols: readonly (readonly [PlayedProtocol, string])[];
  /** Whole GOPs: the same pictures, wherever it begins. */
  readonly windowSeconds: number;
}

/** Of a server that is not measured in pairs. */
interface Samples {
  readonly name: string;
  readonly protocol: PlayedProtocol;
  readonly label: string;
  /** Its flush interval, and that of ours beside it. */
  readonly intervalMs: number;
  readonly samples: readonly number[];
}

/** One run of each, in turn. */
interface Round {
  readonly own: ReadonlyMap<PlayedProtocol, DrainReport>;
  readonly limit: DrainReport;
}

/** Ours and `limit` in turn, at each flush interval. */
async function compareWithLimit(
  bench: Bench,
): Promise<{ results: BenchResult[]; figures: ReadonlyMap<string, number> }> {
  const results: BenchResult[] = [];
  const figures = new Map<string, number>();
  for (const intervalMs of flushIntervalsMs) {
    await using server = await startOurs(fileSource(bench.file), [...flushEach(intervalMs), native]);
    const idle = await playAlone(bench.programs, server);
    const idleShare = idle.cpuSeconds / idle.seconds;
    const rounds: Round[] = [];
    for (let round = 0; round < bench.pairCount; round++) {
      const own = new Map<PlayedProtocol, DrainReport>();
      for (const [protocol] of bench.protocols) own.set(protocol, await play(bench, server, protocol));
      const limit = await playLimit(bench, intervalMs);
      rounds.push({ own, limit });
      const figuresOfRound = [...own.values(), limit].map((report) => gigabitsPerCore(report).toFixed(2)).join(", ");
      const names = [...bench.protocols.map(([, label]) => label), "limit"].join(", ");
      process.stderr.write(`  every ${intervalMs} ms: ${names}: ${figuresOfRound} Gb/s per core\n`);
    }
    for (const [protocol, label] of bench.protocols) {
      const reports = rounds.map(({ own }) => own.get(protocol) as DrainReport);
      const name = `${label}, a flush each ${intervalMs} ms`;
      const limits = rounds.map(({ limit }) => gigabitsPerCore(limit));
      const reference = { name: "limit", value: median(limits) };
      const pairsOf = (values: readonly number[]): [number, number][] =>
        values.map((value, round) => [value, limits[round] as number]);
      const own = reports.map(gigabitsPerCore);
      figures.set(figureKey(protocol, intervalMs), median(own));
      results.push({ name, value: median(own), unit, reference, pairs: pairsOf(own) });
      const withoutPublisher = reports.map((report) =>
        gigabitsPerCore({ ...report, cpuSeconds: report.cpuSeconds - idleShare * report.seconds }),
      );
      results.push({
        name: `${name}, without the CPU that one player takes`,
        value: median(withoutPublisher),
        ...{ unit, reference, pairs: pairsOf(withoutPublisher) },
      });
      results.push(...lossesOf(name, reports));
    }
    const [first] = rounds;
    const [[protocol, label] = []] = bench.protocols;
    const report = protocol === undefined ? undefined : first?.own.get(protocol);
    if (report !== undefined) {
      const each = (report.residentBytes - idle.residentBytes) / bench.players;
      results.push({ name: `memory per ${label} player, a flush each ${intervalMs} ms`, value: each, unit: "bytes" });
      results.push({
        name: `CPU with one player, a flush each ${intervalMs} ms`,
        value: idleShare * 100,
        unit: "% of a core",
      });
    }
  }
  return { results, figures };
}

/** The transport that needs no addon, at one flush per frame. */
async function measurePortable(bench: Bench): Promise<Samples[]> {
  await using server = await startOurs(fileSource(bench.file), [...flushEach(perFrameMs), "server.transport=portable"]);
  const portable = { name: "our portable transport", intervalMs: perFrameMs, share: peerShare };
  return await measureOther(bench, server, portable); // before the server is stopped
}

async function measurePeers(bench: Bench, folder: string): Promise<Samples[]> {
  const samples: Samples[] = [];
  for (const peer of peers) {
    await using server = await peer.start(fileSource(bench.file), folder);
    if (server === undefined) process.stderr.write(`  ${peer.name} is not ${peer.isThere}: left out\n`);
    else samples.push(...(await measureOther(bench, server, peer)));
  }
  return samples;
}

async function measureOther(
  bench: Bench,
  server: MeasuredServer,
  { name, intervalMs, share }: Pick<Peer, "name" | "intervalMs" | "share">,
): Promise<Samples[]> {
  const samples: Samples[] = [];
  const load = { ...bench, players: bench.players * share, windowSeconds: gopSeconds };
  for (const [protocol, label] of bench.protocols) {
    if (portOf(server, protocol) === undefined) continue;
    const figures: number[] = [];
    for (let round = 0; round < otherRounds; round++) {
      const report = await play(load, server, protocol);
      figures.push(gigabitsPerCore(report));
      const { joined, players, leastShare } = report;
      process.stderr.write(
        `  ${name}, ${label}: ${gigabitsPerCore(report).toFixed(2)} Gb/s per core ` +
          `(${joined - report.closed} of ${players} players, the last one got ${(leastShare * 100).toFixed(0)} %)\n`,
      );
    }
    samples.push({ name, protocol, label, intervalMs, samples: figures });
  }
  return samples;
}

function play(bench: Bench, server: MeasuredServer, protocol: PlayedProtocol): Promise<DrainReport> {
  const port = portOf(server, protocol) as number;
  return drain(bench.programs, { ...window(bench), protocol, port, pid: server.pid });
}

async function playLimit(bench: Bench, intervalMs: number): Promise<DrainReport> {
  const { players, bytesPerSecond, programs } = bench;
  await using limit = await startLimit(programs, { connections: players, bytesPerSecond, intervalMs });
  return await drain(programs, { ...window(bench), protocol: "raw", port: limit.port, pid: limit.pid });
}

function window({ players, windowSeconds }: Bench): Omit<DrainOptions, "protocol" | "port" | "pid"> {
  return {
    players,
    stream: measuredStream,
    joinsPerSecond: 4_000,
    settleSeconds: 0.8, // what a joining player gets at once, a GOP, has been sent
    windowSeconds,
    ceilingSeconds: 20,
  };
}

/** What the server takes for its publisher and itself. */
function playAlone(programs: LoadPrograms, server: MeasuredServer): Promise<DrainReport> {
  const one = { players: 1, stream: measuredStream, joinsPerSecond: 1, settleSeconds: 1, windowSeconds: 2 };
  return drain(programs, { ...one, protocol: "rtmp", port: server.rtmpPort, pid: server.pid, ceilingSeconds: 15 });
}

/** A figure counts only when every player got everything. */
function lossesOf(name: string, reports: readonly DrainReport[]): BenchResult[] {
  const lost = reports.reduce((sum, { refused, closed }) => sum + refused + closed, 0);
  return lost === 0 ? [] : [{ name: `players lost, ${name}`, value: lost, unit: "players" }];
}

/** At this interval and no other: under load the server would send less often by itself, and the reference does not. */
function flushEach(intervalMs: number): string[] {
  return [`streaming.flush_interval=${intervalMs}ms`, "streaming.latency_budget=0ms"];
}

function figureKey(protocol: PlayedProtocol, intervalMs: number): string {
  return `${protocol} ${intervalMs}`;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

const unit = "Gb/s per core";
const native = "server.transport=native";
/** One flush per picture at 25 pictures a second, and what other servers call merged writes. */
const perFrameMs = 40;
const mergedMs = 350;
const flushIntervalsMs: readonly number[] = [perFrameMs, mergedMs];
const protocols: Bench["protocols"] = [
  ["rtmp", "RTMP"],
  ["flv", "HTTP-FLV"],
  ["rtsp", "RTSP"],
];

interface Peer {
  readonly name: string;
  readonly start: (source: Source, folder: string) => Promise<MeasuredServer | undefined>;
  /** What it is not where it can't be had. */
  readonly isThere: string;
  readonly intervalMs: number;
  /** Of the players. */
  readonly share: number;
}

/** A whole load is more than a core of some of them carries, and what a drowning server drops would count for it. */
const peerShare = 0.5;
const peers: readonly Peer[] = [
  { name: "nginx-rtmp", start: startNginx, isThere: "installed", intervalMs: perFrameMs, share: peerShare },
  {
    name: "node-media-server",
    start: startNodeMediaServer,
    isThere: "installed",
    intervalMs: perFrameMs,
    share: peerShare,
  },
  { name: "SRS", start: startSrs, isThere: "here (SRS=its binary says where)", intervalMs: mergedMs, share: 1 },
  {
    name: "ZLMediaKit",
    start: startZlMediaKit,
    isThere: "here (ZLMEDIAKIT=its MediaServer says where)",
    intervalMs: perFrameMs,
    share: peerShare,
  },
];
const gopSeconds = 2;
const otherRounds = 2;

if (import.meta.main) printResults(await run());

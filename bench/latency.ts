/**
 * Latency on loopback.
 *
 * Idle: one publisher, one player, a message each 5 ms, both ends in this process on one clock. The reference is a bare node:net
 * relay that carries the same bytes.
 *
 * Under load: 1,000 players of 1 Mb/s, of which fifty are read for the time at which each picture was sent; the configuration is the
 * default one, whose latency budget stands beside the figure. nginx-rtmp carries the same players in turn.
 *
 * `node bench/latency.ts [--players 1000] [--rounds 5] [--json]`
 */

import { once } from "node:events";
import { get } from "node:http";
import { parseArgs } from "node:util";
import { FlvReader } from "../src/formats/flv/flv-reader.ts";
import { options as configOptions } from "../src/server/config/schema.ts";
import { TestFolder } from "../test/support/folder.ts";
import { startServer } from "../test/support/server.ts";
import {
  compileLoadPrograms,
  type DrainReport,
  drain,
  gigabitsPerCore,
  type LoadPrograms,
  writeSource,
} from "./support/load.ts";
import { percentile } from "./support/measure.ts";
import { measureRelay } from "./support/relay.ts";
import { type BenchResult, medianOf, printResults } from "./support/result.ts";
import { openRtmpClient } from "./support/rtmp-client.ts";
import { sequenceHeader } from "./support/sequence-header.ts";
import { type MeasuredServer, markedSource, measuredStream, startNginx, startOurs } from "./support/servers.ts";

const messageCount = 600;
const intervalMs = 5;
const payloadBytes = 1_000;

export async function run(): Promise<BenchResult[]> {
  const options = { players: { type: "string" }, rounds: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  return [
    ...(await measureIdle()),
    ...(await measureLoaded(Number(values.players ?? 1_000), Number(values.rounds ?? 5))),
  ];
}

/** Ours over RTMP and HTTP-FLV, and nginx-rtmp, in turn. */
async function measureLoaded(players: number, roundCount: number): Promise<BenchResult[]> {
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  const source = markedSource(programs, file);
  await using server = await startOurs(source, ["server.transport=native"]);
  await using nginx = await startNginx(source, folder.path);
  const reports: Record<"rtmp" | "flv" | "nginx", DrainReport[]> = { rtmp: [], flv: [], nginx: [] };
  for (let round = 0; round < roundCount; round++) {
    reports.rtmp.push(await play(programs, server, "rtmp", players));
    reports.flv.push(await play(programs, server, "flv", players));
    if (nginx !== undefined) reports.nginx.push(await play(programs, nginx, "rtmp", players));
    const p99 = Object.values(reports).map((each) => each.at(-1)?.latency.p99Ms.toFixed(1) ?? "–");
    process.stderr.write(`  p99 with ${players} players, RTMP, HTTP-FLV, nginx-rtmp: ${p99.join(", ")} ms\n`);
  }
  return [
    ...loadedRows(`RTMP in to RTMP out, ${players} players`, reports.rtmp, reports.nginx),
    ...loadedRows(`RTMP in to HTTP-FLV out, ${players} players`, reports.flv, reports.nginx),
    { name: "latency budget in force", value: defaultBudgetMs(), unit: "ms" },
  ];
}

function loadedRows(name: string, own: readonly DrainReport[], other: readonly DrainReport[]): BenchResult[] {
  const row = (label: string, unit: string, read: (report: DrainReport) => number): BenchResult => ({
    name: `${label} ${name}`,
    ...medianOf(own.map(read)),
    unit,
    ...(other.length === 0 ? {} : { reference: { name: "nginx-rtmp", value: medianOf(other.map(read)).value } }),
  });
  return [
    row("latency p50", "ms", ({ latency }) => latency.p50Ms),
    row("latency p99", "ms", ({ latency }) => latency.p99Ms),
    row("latency at most", "ms", ({ latency }) => latency.maxMs),
    row("at the cost of", "Gb/s per core", gigabitsPerCore),
    ...own.filter(({ refused, closed }) => refused + closed > 0).map((report) => lost(name, report)),
  ];
}

function lost(name: string, { refused, closed }: DrainReport): BenchResult {
  return { name: `players lost, ${name}`, value: refused + closed, unit: "players" };
}

function play(
  programs: LoadPrograms,
  server: MeasuredServer,
  protocol: "rtmp" | "flv",
  players: number,
): Promise<DrainReport> {
  const port = protocol === "rtmp" ? server.rtmpPort : (server.httpPort as number);
  const times = { joinsPerSecond: 2_000, settleSeconds: 1.5, windowSeconds: 4, ceilingSeconds: 30 };
  return drain(programs, { protocol, port, stream: measuredStream, players, pid: server.pid, sampled: 50, ...times });
}

function defaultBudgetMs(): number {
  const option = configOptions.get("streaming.latency_budget");
  return Number(option?.schema.parse(option.default));
}

async function measureIdle(): Promise<BenchResult[]> {
  const reference = await measureRelay(messageCount, payloadBytes, intervalMs);
  const server = await startServer({ set: ["logging.level=info"] });
  try {
    const rtmp = await measureServer(server.rtmpUrl("live/latency"), (onMark) =>
      openRtmpClient(server.rtmpUrl("live/latency"), "play", (event) => {
        if (event.type === "video") onMark(event.payload);
      }).then((client) => () => client.close()),
    );
    const flv = await measureServer(server.rtmpUrl("live/latency2"), (onMark) =>
      openFlvPlayer(server.httpUrl("/live/latency2.flv"), onMark),
    );
    return [...rows("RTMP in to RTMP out", rtmp, reference), ...rows("RTMP in to HTTP-FLV out", flv, reference)];
  } finally {
    await server.stop();
  }
}

function rows(name: string, latencies: readonly number[], reference: readonly number[]): BenchResult[] {
  return [
    ["p50", 0.5],
    ["p99", 0.99],
  ].map(([label, share]) => ({
    name: `latency ${name}, ${label}`,
    value: percentile(latencies, share as number),
    unit: "ms",
    reference: { name: `bare relay ${label}, ms`, value: percentile(reference, share as number) },
  }));
}

/** Publishes marked messages and measures when the player sees each. */
async function measureServer(
  url: string,
  openPlayer: (onMark: (payload: Uint8Array) => void) => Promise<() => void>,
): Promise<number[]> {
  const publisher = await openRtmpClient(url, "publish");
  publisher.sendMedia(9, 0, sequenceHeader());
  publisher.sendMedia(9, 0, picture(0x17, -1));
  const sentAt = new Map<number, number>();
  const latencies: number[] = [];
  const closePlayer = await openPlayer((payload) => {
    const mark = new DataView(payload.buffer, payload.byteOffset + 8, 4).getInt32(0);
    const sent = sentAt.get(mark);
    if (sent !== undefined) latencies.push(performance.now() - sent);
  });
  for (let mark = 0; mark < messageCount; mark++) {
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const payload = picture(mark % 50 === 0 ? 0x17 : 0x27, mark);
    sentAt.set(mark, performance.now());
    publisher.sendMedia(9, (mark + 1) * intervalMs, payload);
  }
  const deadline = performance.now() + 2_000;
  while (latencies.length < messageCount && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  closePlayer();
  publisher.close();
  if (latencies.length < messageCount)
    throw new Error(`${messageCount - latencies.length} of ${messageCount} messages did not arrive`);
  return latencies;
}

async function openFlvPlayer(url: string, onMark: (payload: Uint8Array) => void): Promise<() => void> {
  const request = get(url);
  const [response] = await once(request, "response");
  const reader = new FlvReader();
  response.on("data", (bytes: Uint8Array) => {
    reader.handle(bytes);
    for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) if (tag.type === 9) onMark(tag.body);
  });
  response.on("error", () => {});
  return () => request.destroy();
}

function picture(first: number, mark: number): Uint8Array {
  const body = new Uint8Array(payloadBytes);
  body.set([first, 1, 0, 0, 0]);
  new DataView(body.buffer).setInt32(8, mark);
  return body;
}

if (import.meta.main) printResults(await run());

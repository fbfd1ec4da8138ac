/**
 * Publishers: how many RTMP encoders of 1 Mb/s one core of the server takes in. A ramp, each step measured for a window, beside
 * nginx-rtmp with the same publishers; then as many as this machine's two cores can make and take.
 * `node bench/publishers.ts [--steps 250,500,1000] [--pairs 5] [--most 2500] [--profile folder] [--json]`
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { waitFor } from "../test/support/wait.ts";
import {
  compileLoadPrograms,
  type LoadPrograms,
  type PublishReport,
  publish,
  sourceSeconds,
  writeSource,
} from "./support/load.ts";
import { type BenchResult, medianOf, printResults } from "./support/result.ts";
import { type MeasuredServer, type OurServer, startNginx, startOurs } from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = {
    steps: { type: "string" },
    pairs: { type: "string" },
    most: { type: "string" },
    profile: { type: "string" },
    json: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  const bench: Bench = { programs, file, folder: folder.path, profileFolder: values.profile };
  const bitRate = ((await stat(file)).size * 8) / sourceSeconds;
  process.stderr.write(`  each publisher sends ${(bitRate / 1e6).toFixed(2)} Mb/s\n`);
  const steps = (values.steps ?? "250,500,1000")
    .split(",")
    .filter((text) => text !== "")
    .map(Number);
  const results: BenchResult[] = [];
  for (const count of steps) results.push(...(await compareWithNginx(bench, count, Number(values.pairs ?? 5))));
  const most = Number(values.most ?? mostPublishers);
  return most > 0 ? [...results, ...(await measureMost(bench, most))] : results;
}

interface Bench {
  readonly programs: LoadPrograms;
  readonly file: string;
  readonly folder: string;
  readonly profileFolder: string | undefined;
}

/** Ours and nginx-rtmp in turn, with as many publishers. */
async function compareWithNginx(bench: Bench, count: number, pairCount: number): Promise<BenchResult[]> {
  await using server = await startWarm(bench);
  await using nginx = await startNginx(undefined, `${bench.folder}/${count}`);
  const pairs: [own: PublishReport, other: PublishReport | undefined][] = [];
  for (let pair = 0; pair < pairCount; pair++) {
    const own = await measure(bench, server, count);
    const other = nginx === undefined ? undefined : await measure(bench, nginx, count);
    const text = [own, other].map((report) => (report === undefined ? "–" : perCore(report).toFixed(0))).join(", ");
    process.stderr.write(`  ${count} publishers: ours, nginx-rtmp: ${text} a core\n`);
    pairs.push([own, other]);
  }
  const own = pairs.map(([report]) => report);
  const others = pairs.flatMap(([, report]) => (report === undefined ? [] : [report]));
  const both =
    others.length === pairs.length
      ? pairs.map(([a, b]) => [perCore(a), perCore(b as PublishReport)] as const)
      : undefined;
  return [
    {
      name: `publishers per core, with ${count}`,
      ...medianOf(own.map(perCore)),
      unit: "publishers",
      ...(both === undefined
        ? {}
        : { pairs: both, reference: { name: "nginx-rtmp", value: medianOf(others.map(perCore)).value } }),
    },
    { name: `CPU of a publisher, with ${count}`, ...medianOf(own.map(microseconds)), unit: "µs per second" },
    { name: `CPU of a message, with ${count}`, ...medianOf(own.map(microsecondsPerMessage)), unit: "µs" },
    {
      name: `resident memory, with ${count}`,
      ...medianOf(own.map(({ residentBytes }) => residentBytes / 1024 / 1024)),
      unit: "MiB",
    },
    ...lossesOf(`with ${count}`, own),
  ];
}

/** A ramp up to what the machine can do; what was really taken in, not extrapolated. */
async function measureMost(bench: Bench, most: number): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  await using server = await startWarm(bench);
  for (let step = 1; step <= rampSteps; step++) {
    const count = Math.round((most * step) / rampSteps);
    const report = await measure(bench, server, count);
    // What a server could not take in waits in its sockets, and their publishers seem to be there until it has been read.
    const endedAt = performance.now();
    await waitFor(
      "the publishers to be gone",
      async () => (await server.server.stats()).active_streams.length === 0,
      30_000,
    );
    const behindMs = performance.now() - endedAt;
    const { cpuSeconds, ownCpuSeconds, seconds, blocked, mostLateMs, messages } = report;
    process.stderr.write(
      `  ${count} publishers: server ${percent(cpuSeconds, seconds)}, load ${percent(ownCpuSeconds, seconds)} of a core, ` +
        `${blocked} of ${messages} sends waited, at most ${mostLateMs.toFixed(0)} ms late, all read after ${behindMs.toFixed(0)} ms\n`,
    );
    results.push(
      { name: `server's CPU, ${count} at once`, value: (cpuSeconds / seconds) * 100, unit: "% of a core" },
      { name: `  the load generator's CPU`, value: (ownCpuSeconds / seconds) * 100, unit: "% of a core" },
      { name: `  sends that had to wait`, value: (blocked / messages) * 100, unit: "%" },
      { name: `  the latest message`, value: mostLateMs, unit: "ms" },
      { name: `  until the server had read all`, value: behindMs, unit: "ms" },
      ...lossesOf(`${count} at once`, [report]),
    );
  }
  return results;
}

/** Ours, whose code the compiler has seen: a server that has just started takes several times as much for each message. */
async function startWarm(bench: Bench): Promise<OurServer> {
  const profile = bench.profileFolder;
  const nodeOptions = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${resolve(profile)}`];
  const server = await startOurs(undefined, ["server.transport=native"], nodeOptions);
  await measure(bench, server, warmUpPublishers);
  return server;
}

function measure(
  { programs, file }: Bench,
  { rtmpPort: port, pid }: MeasuredServer,
  publishers: number,
): Promise<PublishReport> {
  const times = { startsPerSecond, settleSeconds: 6, windowSeconds: 4 }; // two GOPs, after every window is as full as it gets
  const ceilingSeconds = publishers / startsPerSecond + 20;
  return publish(programs, { port, stream: "live/p", publishers, file, pid, ceilingSeconds, ...times });
}

function perCore({ accepted, closed, seconds, cpuSeconds }: PublishReport): number {
  return ((accepted - closed) * seconds) / cpuSeconds;
}

function microseconds(report: PublishReport): number {
  return 1e6 / perCore(report);
}

function microsecondsPerMessage({ cpuSeconds, messages }: PublishReport): number {
  return (cpuSeconds * 1e6) / messages;
}

function lossesOf(name: string, reports: readonly PublishReport[]): BenchResult[] {
  const lost = reports.reduce((sum, { refused, closed }) => sum + refused + closed, 0);
  return lost === 0 ? [] : [{ name: `publishers lost, ${name}`, value: lost, unit: "publishers" }];
}

function percent(cpuSeconds: number, seconds: number): string {
  return `${((cpuSeconds / seconds) * 100).toFixed(0)} %`;
}

const mostPublishers = 2_500;
const rampSteps = 3;
const startsPerSecond = 400;
const warmUpPublishers = 400;

if (import.meta.main) printResults(await run());

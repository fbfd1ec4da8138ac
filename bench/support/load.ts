/**
 * The C programs beside the server: `drain` and `drain-udp`, players by the thousand; `publish`, publishers likewise; `churn`, who come and go; and
 * `limit`, what a bare loop sends.
 */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "../../test/support/free-port.ts";
import { waitFor } from "../../test/support/wait.ts";
import { type Child, endWithUs, onCore, startChild } from "./child.ts";

const execute = promisify(execFile);

export interface LoadPrograms {
  readonly drain: string;
  readonly limit: string;
  readonly publish: string;
  readonly churn: string;
  readonly drainUdp: string;
}

/** Compiles them into `folder`; undefined, and a sentence on standard error, where that can't be done. */
export async function compileLoadPrograms(folder: string): Promise<LoadPrograms | undefined> {
  if (process.platform !== "linux") {
    process.stderr.write(
      `the benchmarks with thousands of connections need Linux (epoll); this is ${process.platform}\n`,
    );
    return undefined;
  }
  const compiler = process.env["CC"] ?? "cc";
  const compile = async (name: string): Promise<string> => {
    const source = resolve(import.meta.dirname, `../${name}.c`);
    await execute(compiler, ["-O2", "-Wall", "-Wextra", "-o", `${folder}/${name}`, source]);
    return `${folder}/${name}`;
  };
  try {
    const names = ["drain", "limit", "publish", "churn", "drain-udp"] as const;
    const [drain, limit, publish, churn, drainUdp] = await Promise.all(names.map((name) => compile(name)));
    return { drain, limit, publish, churn, drainUdp } as LoadPrograms;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    process.stderr.write(
      `the benchmarks with thousands of connections need a C compiler, and there is no ${compiler}: install one (Debian: apt install gcc libc6-dev)\n`,
    );
    return undefined;
  }
}

export interface DrainOptions {
  /** `raw` is what `limit` serves. */
  readonly protocol: "flv" | "rtmp" | "rtsp" | "raw";
  readonly port: number;
  /** `app/name` */
  readonly stream: string;
  readonly players: number;
  readonly joinsPerSecond: number;
  readonly settleSeconds: number;
  readonly windowSeconds: number;
  /** The process whose CPU time and memory are read. */
  readonly pid: number;
  /** So many of the players stop reading after their first media byte. */
  readonly unread?: number;
  /** So many of them are read for the marks of `publish`: see {@link DrainReport.latency}. */
  readonly sampled?: number;
  readonly ceilingSeconds: number;
  /** The load generator never sleeps, so that no send pays for waking its core. */
  readonly isSpinning?: boolean;
}

export interface JoinTimes {
  readonly from: number;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What of each was the load generator's own: what had come waited for it. */
  readonly own: { readonly p50Ms: number; readonly p99Ms: number };
}

/** What happened in the window; the CPU time is the server's, all threads. */
export interface DrainReport {
  readonly players: number;
  readonly joined: number;
  /** Gone before their first media byte, and after it. */
  readonly refused: number;
  readonly closed: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
  readonly ownCpuSeconds: number;
  readonly residentBytes: number;
  /** The bytes of the player that got the fewest, as a share of the mean. */
  readonly leastShare: number;
  readonly joinSeconds: number;
  readonly join: JoinTimes;
  /** RTSP: from PLAY to the first media byte. */
  readonly first: Omit<JoinTimes, "from">;
  /** The same by thousands, in the order of joining. */
  readonly groups: readonly JoinTimes[];
  /** Of the sampled players' pictures in the window: from the publisher's send to the kernel's receive time stamp. */
  readonly latency: { readonly count: number; readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
}

/** Runs the load generator to its end. */
export async function drain(programs: LoadPrograms, options: DrainOptions): Promise<DrainReport> {
  return (await runLoad(programs.drain, drainArguments(options), options.ceilingSeconds)) as DrainReport;
}

/** The same, but its players stay behind the window while somebody looks at the server. */
export async function drainAndLook<Seen>(
  programs: LoadPrograms,
  options: DrainOptions,
  look: () => Promise<Seen>,
): Promise<[report: DrainReport, seen: Seen]> {
  const args = [...onCore("load"), programs.drain, ...drainArguments(options), String(mostLookingSeconds)];
  const [launcher = "", ...rest] = args;
  const timeout = (options.ceilingSeconds + mostLookingSeconds + 5) * 1000;
  const child = spawn(launcher, rest, { stdio: ["pipe", "pipe", "inherit"], timeout });
  const exited = once(child, "exit");
  endWithUs(child.pid as number, exited);
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the load generator ended without a report");
    return [JSON.parse(value) as DrainReport, await look()];
  } finally {
    child.stdin.end();
    await exited;
  }
}

function drainArguments(options: DrainOptions): string[] {
  const { protocol, port, stream, players, joinsPerSecond, settleSeconds, windowSeconds } = options;
  const { pid, unread = 0, sampled = 0, ceilingSeconds, isSpinning = false } = options;
  const window = [players, joinsPerSecond, settleSeconds, windowSeconds, pid];
  return [protocol, port, stream, ...window, unread, ceilingSeconds, sampled, Number(isSpinning)].map(String);
}

export interface UdpDrainOptions {
  /** Each player has a port of loopback, one after the other. */
  readonly firstPort: number;
  readonly players: number;
  /** Whether packets that were sent in one piece come in one piece. */
  readonly isGro: boolean;
  readonly settleSeconds: number;
  readonly windowSeconds: number;
  readonly pid: number;
  readonly ceilingSeconds: number;
}

export type UdpDrainReport = Pick<
  DrainReport,
  "players" | "joined" | "seconds" | "bytes" | "cpuSeconds" | "ownCpuSeconds" | "residentBytes" | "leastShare"
> & { readonly lostPackets: number };

/** Players of datagrams, which come without being asked for. */
export async function drainUdp(programs: LoadPrograms, options: UdpDrainOptions): Promise<UdpDrainReport> {
  const { firstPort, players, isGro, settleSeconds, windowSeconds, pid, ceilingSeconds } = options;
  const args = [firstPort, players, Number(isGro), settleSeconds, windowSeconds, pid, ceilingSeconds];
  return (await runLoad(programs.drainUdp, args, ceilingSeconds)) as UdpDrainReport;
}

/** Runs a load generator on its core to its end, and reads the line that it prints. */
async function runLoad(program: string, args: readonly (string | number)[], ceilingSeconds: number): Promise<unknown> {
  const [launcher = "", ...rest] = [...onCore("load"), program, ...args.map(String)];
  const { stdout } = await execute(launcher, rest, { timeout: (ceilingSeconds + 5) * 1000 });
  return JSON.parse(stdout);
}

export interface PublishOptions {
  readonly port: number;
  /** `app/name`; a number is added when there are several. */
  readonly stream: string;
  readonly publishers: number;
  /** H.264 and AAC, as FLV. */
  readonly file: string;
  readonly startsPerSecond: number;
  readonly settleSeconds: number;
  readonly windowSeconds: number;
  readonly pid: number;
  readonly ceilingSeconds: number;
}

/** What happened in the window; the CPU time is the server's, all threads. */
export interface PublishReport {
  readonly publishers: number;
  readonly accepted: number;
  /** Gone before they were accepted, and after. */
  readonly refused: number;
  readonly closed: number;
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
  /** Times a socket took less than a message. */
  readonly blocked: number;
  /** How late the generator was at worst: its own core is too small when this is much. */
  readonly mostLateMs: number;
  readonly cpuSeconds: number;
  readonly ownCpuSeconds: number;
  readonly residentBytes: number;
}

/** Publishers, measured for a window. */
export async function publish(programs: LoadPrograms, options: PublishOptions): Promise<PublishReport> {
  const { port, stream, publishers, file, startsPerSecond, settleSeconds, windowSeconds, pid, ceilingSeconds } =
    options;
  const args = [port, stream, publishers, file, startsPerSecond, settleSeconds, windowSeconds, pid, ceilingSeconds];
  return (await runLoad(programs.publish, args, ceilingSeconds)) as PublishReport;
}

/** One publisher whose pictures are marked with the time of their sending, until it is disposed of. */
export function publishMarked(programs: LoadPrograms, file: string, port: number, stream: string): Child {
  const args = [port, stream, 1, file, 10, 0, 0, 0, publisherCeilingSeconds].map(String);
  const [launcher = "", ...rest] = [...onCore("load"), programs.publish, ...args];
  return startChild(launcher, rest);
}

export interface ChurnOptions {
  readonly rtmpPort: number;
  readonly httpPort: number;
  readonly stream: string;
  readonly connections: number;
  readonly atOnce: number;
  readonly perSecond: number;
  readonly ceilingSeconds: number;
}

/** How many came to their end as they wanted, and how many the server closed before. */
export interface ChurnReport {
  readonly opened: number;
  readonly seconds: number;
  readonly rtmpPlayers: number;
  readonly flvPlayers: number;
  readonly publishers: number;
  /** Left as soon as they were connected. */
  readonly hasty: number;
  readonly failedRtmpPlayers: number;
  readonly failedFlvPlayers: number;
  readonly failedPublishers: number;
}

/** Connections that come and go. */
export async function churn(programs: LoadPrograms, options: ChurnOptions): Promise<ChurnReport> {
  const { rtmpPort, httpPort, stream, connections, atOnce, perSecond, ceilingSeconds } = options;
  const args = [rtmpPort, httpPort, stream, connections, atOnce, perSecond, ceilingSeconds];
  return (await runLoad(programs.churn, args, ceilingSeconds)) as ChurnReport;
}

/** Gigabits in the time that one core worked on them. */
export function gigabitsPerCore({ bytes, cpuSeconds }: Pick<DrainReport, "bytes" | "cpuSeconds">): number {
  return (bytes * 8) / 1e9 / cpuSeconds;
}

/** A running `limit`; it ends by itself when its players have gone. */
export interface RunningLimit extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

export async function startLimit(
  programs: LoadPrograms,
  options: { readonly connections: number; readonly bytesPerSecond: number; readonly intervalMs: number },
): Promise<RunningLimit> {
  const port = await freePort();
  const { connections, bytesPerSecond, intervalMs } = options;
  const args = [port, connections, bytesPerSecond, intervalMs, limitSeconds].map(String);
  const [launcher = "", ...rest] = [...onCore("measured"), programs.limit, ...args];
  const child = startChild(launcher, rest);
  await waitFor("limit to listen", () => child.output().includes("ready"));
  return { port, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Publishes `file` again and again, in real time, without changing a frame. */
export function publishForever(file: string, url: string): Child {
  const source = ["-v", "error", "-re", "-stream_loop", "-1", "-i", file];
  const [launcher = "", ...rest] = [...onCore("load"), "ffmpeg", ...source, "-c", "copy", "-f", "flv", url];
  return startChild(launcher, rest);
}

/** Writes a 720p25 test picture with a tone, H.264 (constant bit rate, GOP of 2 s) and AAC; gives its bytes per second. */
export async function writeSource(
  path: string,
  { videoKilobits, audioKilobits, size }: { videoKilobits: number; audioKilobits: number; size: string },
): Promise<void> {
  const rate = `${videoKilobits}k`;
  await execute("ffmpeg", [
    ...["-v", "error", "-y", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25`],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", String(sourceSeconds)],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50"],
    ...["-sc_threshold", "0", "-bf", "0", "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate],
    ...["-x264-params", "nal-hrd=cbr:force-cfr=1", "-c:a", "aac", "-b:a", `${audioKilobits}k`, "-ac", "2", path],
  ]);
}

export const sourceSeconds = 20;
/** A collection of a large heap, and what it takes to ask for one. */
const mostLookingSeconds = 20;
/** Longer than any measurement with it; a benchmark that dies leaves it for so long. */
const limitSeconds = 60;
const publisherCeilingSeconds = 900;

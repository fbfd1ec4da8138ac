/** The real server as a child process on free ports, for tests that talk to it over sockets. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export interface TestServer extends AsyncDisposable {
  readonly rtmpPort: number;
  readonly rtmpsPort: number | undefined;
  readonly rtspPort: number;
  readonly rtspsPort: number | undefined;
  readonly httpPort: number;
  readonly pid: number;
  /** Every log line so far, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  rtmpUrl(name: string): string;
  rtspUrl(name: string): string;
  httpUrl(path: string): string;
  /** What `/stats` answers. */
  stats(): Promise<ServerStats>;
  /** Resolves to its exit code when it has ended; null when it had to be killed. */
  readonly exited: Promise<number | null>;
  /** Ends it with SIGTERM and resolves to its exit code; null when it had to be killed. */
  stop(): Promise<number | null>;
}

/** The part of `/stats` that tests look at. */
export interface ServerStats {
  readonly active_streams: readonly string[];
  readonly total_streams: number;
  readonly subscribers: number;
  readonly memory: {
    readonly used_bytes: number;
    readonly limit_bytes: number;
    readonly refused: number;
    readonly process_resident_bytes: number;
  };
  readonly connections: Readonly<Record<string, number>>;
  readonly rtsp: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly shards: readonly { readonly index: number; readonly cursors: number; readonly streams: number }[];
  readonly streams: readonly {
    readonly name: string;
    readonly shard: number;
    readonly state: string;
    readonly subscribers: number;
    readonly fps: number;
    readonly video_bit_rate: number;
    readonly position_ms: number;
    readonly totals: Readonly<Record<string, number>>;
    readonly tracks: readonly {
      readonly kind: string;
      readonly number: number;
      readonly codec: string;
      readonly timescale: number;
    }[];
  }[];
}

export interface TestServerOptions {
  /** Options as on the command line: `rtmp.gop_cache=false`. */
  readonly set?: readonly string[];
  /** A configuration file. */
  readonly config?: string;
  /** A program that starts the server with limits of its own: `["prlimit", "--nofile=256"]`. */
  readonly launcher?: readonly string[];
  /** A network namespace that it runs in. */
  readonly network?: string;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

/** Starts the server and resolves when it says, at level "info", that it listens. Its log is JSON lines, kept in `logLines`. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const settings = [
    "rtmp.port=0",
    "rtsp.port=0",
    "rtsp.udp_port=0",
    "http.port=0",
    "logging.format=json",
    "logging.level=debug",
    ...(options.set ?? []),
  ];
  const main = resolve(import.meta.dirname, "../../src/server/main.ts");
  const [program = "", ...args] = [
    ...inNetwork(options.network),
    ...(options.launcher ?? []),
    ...[process.execPath, ...(options.nodeOptions ?? []), main, "serve"],
    ...(options.config === undefined ? [] : ["--config", options.config]),
    ...settings.flatMap((text) => ["--set", text]),
  ];
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const logLines: Record<string, unknown>[] = [];
  const listening = Promise.withResolvers<Record<string, unknown>>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    logLines.push(parsed);
    if (parsed["msg"] === "listening") listening.resolve(parsed);
  });
  exited.then((code) => listening.reject(new Error(`the server exited with ${String(code)} before it listened`)));
  // A test that fails must leave nothing behind: not a server that never listens, nor one that never ends.
  const startTimer = setTimeout(() => child.kill("SIGKILL"), startTimeoutMs);
  const line = await listening.promise.finally(() => clearTimeout(startTimer));
  const rtmpPort = Number(line["rtmp"]);
  const rtspPort = Number(line["rtsp"]);
  const httpPort = Number(line["http"]);
  const stop = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    rtmpPort,
    rtmpsPort: line["rtmps"] === undefined ? undefined : Number(line["rtmps"]),
    rtspPort,
    rtspsPort: line["rtsps"] === undefined ? undefined : Number(line["rtsps"]),
    httpPort,
    pid: child.pid!,
    logLines,
    exited,
    rtmpUrl: (name) => `rtmp://127.0.0.1:${rtmpPort}/${name}`,
    rtspUrl: (name) => `rtsp://127.0.0.1:${rtspPort}/${name}`,
    httpUrl: (path) => `http://127.0.0.1:${httpPort}${path}`,
    stats: async () =>
      JSON.parse(await fetchText(`http://127.0.0.1:${httpPort}/stats`, options.network)) as ServerStats,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** Begins a command line that runs in a network namespace. */
export function inNetwork(name: string | undefined): readonly string[] {
  return name === undefined ? [] : ["ip", "netns", "exec", name];
}

async function fetchText(url: string, network: string | undefined): Promise<string> {
  if (network === undefined) return (await fetch(url)).text();
  const { stdout } = await run("ip", ["netns", "exec", network, "curl", "-s", url], { maxBuffer: 2 ** 26 });
  return stdout;
}

const run = promisify(execFile);
const startTimeoutMs = 20_000;
const stopTimeoutMs = 20_000;

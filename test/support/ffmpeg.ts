/** ffmpeg as publisher, player and judge: what goes in and what comes out is compared as decoded frames. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A running command; tests stop it and look at what it said. */
export interface RunningCommand extends AsyncDisposable {
  /** Standard error so far. */
  readonly output: () => string;
  readonly exited: Promise<number | null>;
  /** Null while it runs. */
  readonly exitCode: () => number | null;
  stop(): Promise<number | null>;
}

/** Starts a program; `stop` ends it with SIGINT, as a person would, and after two seconds for sure. */
export function startCommand(
  program: string,
  args: readonly string[],
  onStdout?: (bytes: Uint8Array) => void,
): RunningCommand {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", onStdout ? "pipe" : "ignore", "pipe"] });
  let output = "";
  child.stderr!.on("data", (bytes: Buffer) => {
    output = (output + bytes.toString()).slice(-65_536);
  });
  if (onStdout) child.stdout!.on("data", onStdout);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null) child.kill("SIGINT");
    const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    output: () => output,
    exited,
    exitCode: () => child.exitCode,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** Waits for a command to end by itself; what it said is in the error when it does not, and it is stopped. */
export async function finished(command: RunningCommand, what: string, timeoutMs = 30_000): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), timeoutMs);
  });
  const code = await Promise.race([command.exited, timeout]);
  clearTimeout(timer);
  if (code !== "late") return code;
  await command.stop();
  throw new Error(`${what} did not end within ${timeoutMs} ms:\n${command.output()}`);
}

export interface TestStreamOptions {
  readonly seconds?: number;
  readonly size?: string;
  readonly fps?: number;
  /** Frames between key frames. */
  readonly gop?: number;
  readonly hasVideo?: boolean;
  readonly hasAudio?: boolean;
  readonly bFrames?: number;
  /** Before the output: further encoder options. */
  readonly extra?: readonly string[];
}

/** A test picture with a tone, H.264 and AAC, published in real time. */
export function publishTestStream(url: string, options: TestStreamOptions = {}): RunningCommand {
  return startCommand("ffmpeg", ["-re", ...testStreamArguments(options), "-f", "flv", url]);
}

/** The same, into a file, as fast as it goes. */
export async function writeTestFile(path: string, options: TestStreamOptions = {}): Promise<void> {
  await run("ffmpeg", ["-y", ...testStreamArguments(options), path], { maxBuffer: 2 ** 26 });
}

/** Publishes a file as it is, in real time. */
export function publishFile(path: string, url: string, extra: readonly string[] = []): RunningCommand {
  return startCommand("ffmpeg", [
    "-hide_banner",
    "-loglevel",
    "warning",
    "-re",
    "-i",
    path,
    "-c",
    "copy",
    ...extra,
    "-f",
    "flv",
    url,
  ]);
}

/** Publishes a file as it is over RTSP, in real time. */
export function publishFileRtsp(path: string, url: string, transport: "tcp" | "udp" = "tcp"): RunningCommand {
  const quiet = ["-hide_banner", "-loglevel", "warning"];
  // VP9 in RTP is experimental to FFmpeg 5.1.
  const output = ["-c", "copy", "-strict", "experimental", "-f", "rtsp", "-rtsp_transport", transport, url];
  return startCommand("ffmpeg", [...quiet, "-re", "-i", path, ...output]);
}

/**
 * Plays over RTSP until the stream ends, and writes pictures decoded and sound as it came. RTSP tells no decoding times, so that
 * FFmpeg can't store the pictures as they come.
 */
export function playRtsp(
  url: string,
  path: string,
  options: readonly string[] = ["-rtsp_transport", "tcp"],
): RunningCommand {
  const quiet = ["-y", "-hide_banner", "-loglevel", "warning"];
  const output = ["-map", "0", "-c:v", "rawvideo", "-vsync", "passthrough", "-c:a", "copy", path];
  return startCommand("ffmpeg", [...quiet, ...options, "-i", url, ...output]);
}

/** MD5 of each decoded frame of one track (`v:0`, `a:1`), in order. */
export async function frameHashes(source: string, track: string, extra: readonly string[] = []): Promise<string[]> {
  const args = [
    "-hide_banner",
    "-loglevel",
    "error",
    ...extra,
    "-i",
    source,
    "-map",
    `0:${track}`,
    "-f",
    "framehash",
    "-hash",
    "md5",
  ];
  // Pictures are compared as they are; no frame is repeated or dropped to please a rate.
  const { stdout } = await run("ffmpeg", [...args, ...(track.startsWith("v") ? ["-vsync", "passthrough"] : []), "-"], {
    maxBuffer: 2 ** 26,
  });
  return hashColumn(stdout);
}

/** MD5 of each packet of one track as it is stored, in order: for sound that is joined in mid-stream, and for raw video. */
export async function packetHashes(source: string, track: string): Promise<string[]> {
  const args = ["-hide_banner", "-loglevel", "quiet", "-i", source, "-map", `0:${track}`, "-c", "copy"];
  const { stdout } = await run("ffmpeg", [...args, "-f", "framehash", "-hash", "md5", "-"], { maxBuffer: 2 ** 26 });
  return hashColumn(stdout);
}

/** Runs ffmpeg to its end, for files that tests prepare. */
export async function ffmpeg(args: readonly string[]): Promise<void> {
  const env = { ...process.env, SVT_LOG: "0" }; // the AV1 encoder prints its settings otherwise
  await run("ffmpeg", ["-y", "-hide_banner", "-loglevel", "error", ...args], { env, maxBuffer: 2 ** 26 });
}

/** Records a stream as it comes until it ends. */
export function recordStream(url: string, path: string, inputOptions: readonly string[] = []): RunningCommand {
  const quiet = ["-y", "-hide_banner", "-loglevel", "warning"];
  return startCommand("ffmpeg", [...quiet, ...inputOptions, "-i", url, "-c", "copy", path]);
}

/** stream, dts, pts, duration, size, hash; a packet with side data has more behind it. */
function hashColumn(framehash: string): string[] {
  return framehash
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",")[5]!.trim());
}

function testStreamArguments(options: TestStreamOptions): string[] {
  const { seconds = 60, size = "320x240", fps = 25, gop = 50, hasVideo = true, hasAudio = true, bFrames = 0 } = options;
  const video = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${fps}`];
  const audio = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"];
  return [
    "-hide_banner",
    "-loglevel",
    "warning",
    ...(hasVideo ? video : []),
    ...(hasAudio ? audio : []),
    "-t",
    String(seconds),
    ...(hasVideo
      ? [
          "-c:v",
          "libx264",
          "-preset",
          "ultrafast",
          "-pix_fmt",
          "yuv420p",
          "-g",
          String(gop),
          "-keyint_min",
          String(gop),
        ]
      : []),
    ...(hasVideo ? ["-sc_threshold", "0", "-bf", String(bFrames)] : []),
    ...(hasAudio ? ["-c:a", "aac", "-ac", "2"] : []),
    ...(options.extra ?? []),
  ];
}

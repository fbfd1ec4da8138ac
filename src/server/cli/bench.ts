/** `millrace bench <address>`: the command line of the load generator. */

import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTMP_URL } from "../../protocols/rtmp/errors.ts";
import { ERR_RTSP_URL } from "../../protocols/rtsp/errors.ts";
import { parseBenchAddress, publishUrl } from "../bench/address.ts";
import { ERR_BENCH_ADDRESS, ERR_BENCH_REFUSED } from "../bench/errors.ts";
import { formatReport, reportJson } from "../bench/format-report.ts";
import * as limits from "../bench/limits.ts";
import type { BenchOptions } from "../bench/options.ts";
import type { BenchReport } from "../bench/report.ts";
import type { TextOutput } from "./text-output.ts";

export interface BenchServices {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Told whether the run has passed. */
  readonly onDone: (isPassed: boolean) => void;
}

/** The command, to be added to the program. */
export function benchCommand({ stdout, stderr, onDone }: BenchServices): Command {
  const command = new Command("bench");
  return command
    .description(
      "put a server under load: players of RTMP, RTSP, HTTP-FLV or WebSocket-FLV by the thousand, or publishers",
    )
    .argument(
      "<address>",
      "rtmp://host/app/name, rtsp://host:8554/app/name, http://host:8000/app/name.flv or ws://host:8000/app/name.flv",
    )
    .option("--players <n>", "how many players; with --churn the most at one time", whole(1, limits.maxPlayers), 100)
    .option("--rtsp-transport <name>", "tcp or udp: what RTSP players get packets over", oneOf(["tcp", "udp"]), "tcp")
    .option("--rate <n>", "joins a second", whole(1, limits.maxRatePerSecond), 1_000)
    .option("--seconds <n>", "what is measured when all have joined", whole(1, limits.maxSeconds), 10)
    .option("--publish [url]", "publish the stream as well, with sending times in it, so that latency is measured")
    .option("--publishers <n>", "so many publishers instead of players", whole(1, limits.maxPlayers))
    .option(
      "--bit-rate <n>",
      "of what is published, in bits a second",
      whole(limits.minBitRate, limits.maxBitRate),
      1_000_000,
    )
    .option(
      "--stalled <n>",
      "so many of the players stop reading when they have joined",
      whole(0, limits.maxPlayers),
      0,
    )
    .option("--churn", "players come, play a little, and go again")
    .option("--sample <n>", "so many more players are ffmpeg, which decodes", whole(0, limits.maxSampled), 1)
    .option("--max-gap <ms>", "the longest step of a track's timestamps that is no gap", whole(1, 3_600_000), 500)
    .option(
      "--pid <pid...>",
      "the server's processes; found by the port on this machine",
      (value, before: number[] = []) => [...before, whole(1, 2 ** 22)(value)],
    )
    .option("--stats-url <url>", "the server's /stats; for HTTP and WebSocket addresses it is known")
    .option(
      "--transport <name>",
      "auto, native or portable: what makes the load",
      oneOf(["auto", "native", "portable"]),
      "auto",
    )
    .option("--allow-remote", "the server is on another machine, whose owner agrees")
    .option("--json <file>", "write the report as JSON; - is standard output, instead of the table")
    .action(async (address: string, given: Given) => {
      const file = given.json === "-" ? undefined : given.json;
      if (file !== undefined) checkWritable(command, file);
      const report = await run(command, { ...optionsOf(command, address, given) }, stderr);
      if (given.json !== "-") stdout.write(formatReport(report));
      else stdout.write(reportJson(report));
      if (file !== undefined) writeFileSync(file, reportJson(report));
      onDone(report.isPassed);
    });
}

/** Before a run of minutes, not behind it. */
function checkWritable(command: Command, file: string): void {
  try {
    writeFileSync(file, "");
  } catch (error) {
    command.error(`error: can't write ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** As commander gives them. */
interface Given {
  readonly players: number;
  readonly rtspTransport: BenchOptions["rtspTransport"];
  readonly rate: number;
  readonly seconds: number;
  readonly publish?: string | true;
  readonly publishers?: number;
  readonly bitRate: number;
  readonly stalled: number;
  readonly churn?: true;
  readonly sample: number;
  readonly maxGap: number;
  readonly pid?: readonly number[];
  readonly statsUrl?: string;
  readonly transport: BenchOptions["transport"];
  readonly allowRemote?: true;
  readonly json?: string;
}

function optionsOf(command: Command, address: string, given: Given): BenchOptions {
  if (given.publishers !== undefined && (given.churn || given.publish !== undefined || given.stalled > 0)) {
    command.error("error: --publishers is instead of players: it goes with neither --publish, --churn nor --stalled");
  }
  if (given.churn && given.stalled > 0) command.error("error: who comes and goes does not stall: --churn or --stalled");
  if (given.stalled > given.players) command.error("error: --stalled is some of the --players");
  if (given.rtspTransport === "udp" && (!/^rtsp:/i.test(address) || given.stalled > 0))
    command.error("error: --rtsp-transport udp is of rtsp://…, and nobody there can stop reading: no --stalled");
  const { statsUrl } = given;
  if (statsUrl !== undefined && (!URL.canParse(statsUrl) || !statsUrl.startsWith("http://"))) {
    command.error("error: --stats-url is http://host:port/stats");
  }
  return {
    address,
    players: given.players,
    rate: given.rate,
    rtspTransport: given.rtspTransport,
    seconds: given.seconds,
    publishUrl: given.publish === true ? guarded(command, () => publishUrl(parseBenchAddress(address))) : given.publish,
    publishers: given.publishers,
    bitRate: given.bitRate,
    stalled: given.stalled,
    isChurn: given.churn ?? false,
    sample: given.sample,
    maxGapMs: given.maxGap,
    pids: given.pid ?? [],
    statsUrl,
    allowRemote: given.allowRemote ?? false,
    transport: given.transport,
  };
}

async function run(command: Command, options: BenchOptions, stderr: TextOutput): Promise<BenchReport> {
  // Half a second of loading that other commands need not wait for.
  const { runBench } = await import("../bench/bench.ts");
  const isTerminal = stderr.isTTY === true;
  const onProgress = (line: string): void => {
    if (isTerminal) stderr.write(`\r\x1b[K${line}`);
  };
  try {
    return await runBench(options, onProgress);
  } catch (error) {
    throw usageError(command, error);
  } finally {
    if (isTerminal) stderr.write("\r\x1b[K");
  }
}

function guarded<T>(command: Command, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw usageError(command, error);
  }
}

/** What is wrong with the command line ends the program as every usage error does. */
function usageError(command: Command, error: unknown): unknown {
  if (error instanceof CodedError && usageCodes.has(error.code)) command.error(`error: ${error.message}`);
  return error;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

function oneOf(names: readonly string[]): (text: string) => string {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`expected one of ${names.join(", ")}`);
  };
}

const usageCodes: ReadonlySet<string> = new Set([ERR_BENCH_ADDRESS, ERR_BENCH_REFUSED, ERR_RTMP_URL, ERR_RTSP_URL]);

/**
 * `npm run fuzz -- [target…]`: replays each target's seeds and then breaks them on purpose, see {@link usage}.
 *
 * An input that makes a parser crash or hang is written to out/fuzz/; make it a case of the unit test when it is fixed.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type FuzzFailure, type FuzzResult, fuzz, replay } from "./fuzzer.ts";

/** What `--report` writes, for `npm test`. */
export interface FuzzSummary {
  readonly targets: readonly { readonly name: string; readonly isFailed: boolean }[];
}

const usage = `npm run fuzz -- [target…] [--seconds 60] [--seed N] [--jobs N]   each target (or those named), so long
npm run fuzz -- --smoke [target…]                                 all seeds and a few mutations, a minute in all
npm run fuzz -- --replay FILE TARGET                              one input, once
--report FILE writes the results as JSON`;

const projectRoot = resolve(import.meta.dirname, "..");
const targetsFolder = join(import.meta.dirname, "targets");
const crashFolder = join(projectRoot, "out/fuzz");

/** For all targets of a smoke run together; the seeds come on top. */
const smokeSeconds = 45;
const smokeMutations = 10_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const known = readdirSync(targetsFolder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -".ts".length));
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) return refuse(`no target ${unknown.join(", ")}; there are ${known.join(", ")}`);
  if (values.replay !== undefined) {
    const [name] = positionals;
    if (name === undefined) return refuse("--replay needs the file and its target");
    return replayFile(values.replay, name);
  }

  const targets = positionals.length > 0 ? positionals : known;
  if (targets.length === 0) return refuse("there are no targets in fuzz/targets/");
  const jobs = Math.min(targets.length, Number(values.jobs ?? availableParallelism()));
  // A smoke run is the same every time; a long one tries something new unless told.
  const randomSeed = Number(values.seed ?? (values.smoke ? 1 : Date.now() % 1e9));
  const seconds = values.smoke ? (smokeSeconds * jobs) / targets.length : Number(values.seconds ?? 60);
  const maxMutations = values.smoke ? smokeMutations : Number.POSITIVE_INFINITY;
  if (![jobs, randomSeed, seconds].every((number) => number >= 0)) return refuse("expected numbers");

  console.log(`${targets.length} targets, ${jobs} at a time, --seed ${randomSeed}`);
  const summary: { name: string; isFailed: boolean }[] = [];
  const waiting = [...targets];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const result = await fuzz({ url: urlOf(name), randomSeed, seconds, maxMutations });
      printResult(name, result);
      summary.push({ name, isFailed: result.failure !== undefined });
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (values.report !== undefined) {
    writeFileSync(values.report, JSON.stringify({ targets: summary } satisfies FuzzSummary));
  }
  return summary.some(({ isFailed }) => isFailed) ? 1 : 0;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: "string" },
        seed: { type: "string" },
        jobs: { type: "string" },
        smoke: { type: "boolean", default: false },
        replay: { type: "string" },
        report: { type: "string" },
      },
    });
  } catch (error) {
    process.exit(refuse((error as Error).message));
  }
}

function refuse(message: string): number {
  console.error(`${message}\n\n${usage}`);
  return 2;
}

async function replayFile(file: string, name: string): Promise<number> {
  const failure = await replay(urlOf(name), new Uint8Array(readFileSync(file)));
  console.log(failure === undefined ? `${name}: a value or a coded error, in time` : `${name}: ${failure.reason}`);
  return failure === undefined ? 0 : 1;
}

function printResult(name: string, result: FuzzResult): void {
  const { runCount, seedCount, seconds, failure } = result;
  const rate = Math.round(runCount / Math.max(seconds, 0.001));
  const figures = `${runCount} runs (${seedCount} seeds) in ${seconds.toFixed(1)} s, ${rate} runs/s`;
  console.log(`${failure === undefined ? "ok  " : "FAIL"} ${name.padEnd(24)} ${figures}`);
  if (failure !== undefined) console.log(`${failure.kind}: ${failure.reason}\n${keep(name, failure)}`);
}

/** Writes the input down and says how to run it again. */
function keep(name: string, { input }: FuzzFailure): string {
  if (input === undefined) return "(before the first run)";
  const hash = createHash("sha256").update(input).digest("hex").slice(0, 16);
  mkdirSync(crashFolder, { recursive: true });
  const path = join(crashFolder, `${name}-${hash}`);
  writeFileSync(path, input);
  return `run it again with: npm run fuzz -- --replay ${relative(projectRoot, path)} ${name}`;
}

function urlOf(name: string): string {
  return pathToFileURL(join(targetsFolder, `${name}.ts`)).href;
}

/**
 * `npm test`: everything that must be green, in stages from quick to slow, see {@link stages}.
 *
 * Ends with the line `N passed, N failed` over all stages. `-- --only STAGE` (repeatable) runs a part.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { FuzzSummary } from "../fuzz/run.ts";
import { missingPeers } from "./peers.ts";
import { type Tally, tallyOfParts, tallyOfVitest, type VitestReport } from "./tally.ts";
import { runNativeTests } from "./test-native.ts";
import { pageFolders, providePage } from "./web-page.ts";

const root = resolve(import.meta.dirname, "..");
const reportFolder = join(root, "out/test");

/** Not run again: what sets shards and transport itself, and the load generator, whose own side is the same. */
const onceIsEnough: readonly string[] = ["--exclude=**/shards.test.ts", "--exclude=**/bench.test.ts"];

const stages: Readonly<Record<string, () => Promise<Tally>>> = {
  /** Types, lint, import table, dead code, and the build of the page: one count each. */
  check: runChecks,
  unit: () => runVitest("unit"),
  /** The addon against failing system calls, and under the sanitizers; one count each. */
  native: async () => tallyOfParts(runNativeTests()),
  /** Every target: its seeds and some mutations; one count each. */
  fuzz: runFuzzSmoke,
  /** Real peers publish and play. */
  interop: () => runVitest("interop", { MILLRACE__SERVER__SHARDS: "1" }),
  browser: () => runVitest("browser"),
  /** The same peers once more: with two threads that carry media, and over the transport that other platforms get. */
  shards: () => runVitest("interop", { MILLRACE__SERVER__SHARDS: "2" }, onceIsEnough),
  portable: () =>
    runVitest("interop", { MILLRACE__SERVER__TRANSPORT: "portable", MILLRACE__SERVER__SHARDS: "1" }, onceIsEnough),
  /** And both together: what depends on which thread a stream is on, and who copies its bytes. */
  "portable-shards": () =>
    runVitest("interop", { MILLRACE__SERVER__TRANSPORT: "portable", MILLRACE__SERVER__SHARDS: "2" }, [
      "matrix",
      "join",
      "http-flv",
      "tracks-and-time",
      "hostile-players",
    ]),
};

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
  const chosen = values.only ?? Object.keys(stages);
  const unknown = chosen.filter((name) => stages[name] === undefined);
  if (unknown.length > 0)
    return refuse([`no stage ${unknown.join(", ")}; there are ${Object.keys(stages).join(", ")}`]);
  const missing = new Set(chosen.flatMap(missingPeers));
  if (missing.size > 0) {
    const packages = new Set(Array.from(missing, ({ aptPackage }) => aptPackage));
    return refuse([
      ...Array.from(missing, ({ name, aptPackage }) => `${name} is not installed: it is in package ${aptPackage}`),
      `sudo apt-get install ${[...packages].join(" ")}`,
    ]);
  }

  mkdirSync(reportFolder, { recursive: true });
  const tallies: [name: string, tally: Tally][] = [];
  for (const name of chosen) {
    console.log(`\n── ${name} ──`);
    const tally = await stages[name]!();
    tallies.push([name, tally]);
  }

  console.log("\n── results ──");
  for (const [name, { remarks }] of tallies) for (const remark of remarks) console.log(`${name}: ${remark}`);
  for (const [name, { passed, failed }] of tallies)
    console.log(`${name.padEnd(15)} ${passed} passed, ${failed} failed`);
  const total = (key: "passed" | "failed"): number => tallies.reduce((sum, [, tally]) => sum + tally[key], 0);
  console.log(`${total("passed")} passed, ${total("failed")} failed`);
  return total("failed") === 0 ? 0 : 1;
}

/** Nothing was run: that is one failure. */
function refuse(lines: string[]): number {
  for (const line of lines) console.error(line);
  console.log("0 passed, 1 failed");
  return 1;
}

async function runChecks(): Promise<Tally> {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const parts: { name: string; isFailed: boolean }[] = [];
  const names = Object.keys(manifest.scripts).filter((name) => name.startsWith("check:"));
  for (const name of [...names, "build:web"]) {
    const exitCode = await run("npm", ["run", "--silent", name]);
    console.log(`${exitCode === 0 ? "ok  " : "FAIL"} ${name}`);
    parts.push({ name, isFailed: exitCode !== 0 });
  }
  return tallyOfParts(parts);
}

/** @param files - those whose path has one of these words in it, or options; all of the project's when left out */
async function runVitest(
  project: string,
  environment: Readonly<Record<string, string>> = {},
  files: readonly string[] = [],
): Promise<Tally> {
  if (project !== "unit") providePage(pageFolders(root));
  const report = join(reportFolder, `${project}.json`);
  const exitCode = await runWithReport(
    report,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      // A project that must not run two files at a time has a part of its own.
      ...[
        "run",
        `--project=${project}`,
        `--project=${project}-alone`,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
      ],
      ...files,
    ],
    environment,
  );
  return tallyOfVitest(readReport<VitestReport>(report), exitCode);
}

async function runFuzzSmoke(): Promise<Tally> {
  const report = join(reportFolder, "fuzz.json");
  await runWithReport(report, [join(root, "fuzz/run.ts"), "--smoke", "--report", report]);
  return tallyOfParts(readReport<FuzzSummary>(report)?.targets ?? []);
}

/** Runs Node with `args`, after the report of an earlier run is out of the way. */
function runWithReport(
  report: string,
  args: string[],
  environment?: Readonly<Record<string, string>>,
): Promise<number> {
  rmSync(report, { force: true });
  return run(process.execPath, args, environment);
}

function readReport<Report>(file: string): Report | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Report) : undefined;
}

/** The exit code; 1 when a signal ended the program. */
async function run(
  command: string,
  args: string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  // What the project installed comes first, also when this script was not started through npm.
  const path = [join(root, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter);
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: path, ...environment },
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  return exitCode ?? 1;
}

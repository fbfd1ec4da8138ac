/**
 * Builds and runs the addon's own tests: sockets, datagrams and fan-out against system calls that fail, as they are and under ASan and
 * UBSan; the shared log on several threads, as it is and under TSan.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const buildFolder = join(root, "out/native-test");

const compiler = "g++";

interface NativeTest {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly args: readonly string[];
}

/** Runs all of them, whatever fails. A machine that can't compile them is told why, and fails. */
export function runNativeTests(): { readonly name: string; readonly isFailed: boolean }[] {
  if (process.platform !== "linux") {
    return [{ name: `the addon's tests: they are for Linux, and this is ${process.platform}`, isFailed: true }];
  }
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).status !== 0) {
    return [{ name: "the addon's tests: g++ is not installed, it is in package g++", isFailed: true }];
  }
  mkdirSync(buildFolder, { recursive: true });
  return nativeTests.map((test) => {
    const isFailed = !isPassed(test);
    console.log(`${isFailed ? "FAIL" : "ok  "} ${test.name}`);
    return { name: test.name, isFailed };
  });
}

function isPassed({ name, sources, flags, args }: NativeTest): boolean {
  const binary = join(buildFolder, name.replaceAll(/[^a-z]+/gi, "-"));
  const files = sources.map((source) => join(root, "native", source));
  return (
    run(compiler, [...commonFlags, ...flags, ...files, "-o", binary, "-pthread"]) &&
    run(...(canFixAddresses ? ([setArch, [...fixedAddresses, binary, ...args]] as const) : ([binary, args] as const)))
  );
}

function run(command: string, args: readonly string[]): boolean {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: timeoutMs,
  });
  if (error !== undefined) console.log(`${command}: ${error.message}`);
  else if (signal !== null) console.log(`${command} was ended by ${signal}`);
  return status === 0;
}

/** Some kernels spread addresses wider than TSan can follow; some containers allow no say in that. */
const setArch = "setarch";
const fixedAddresses = ["--addr-no-randomize"];
const canFixAddresses = spawnSync(setArch, [...fixedAddresses, "true"], { stdio: "ignore" }).status === 0;
const commonFlags = ["-std=c++17", "-g", "-Wall", "-Wextra", "-Werror", "-fno-exceptions"];
const sanitized = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
const shardSources = [
  "src/addresses.cc",
  "src/cursors.cc",
  "src/datagrams.cc",
  "src/fan_out.cc",
  "src/log.cc",
  "src/packet_fan_out.cc",
  "src/packet_plan.cc",
  "src/sockets.cc",
];
const logSources = ["test/log_race_test.cc", "src/log.cc"];
const timeoutMs = 240_000; // each takes ten seconds or so, and more where others work, too

/** `args`: how many random rounds; how many milliseconds. */
const nativeTests: readonly NativeTest[] = [
  { name: "shard", sources: ["test/shard_test.cc", ...shardSources], flags: ["-O1"], args: ["3000"] },
  {
    name: "shard under ASan and UBSan",
    sources: ["test/shard_test.cc", ...shardSources],
    flags: sanitized,
    args: ["1000"],
  },
  { name: "datagrams", sources: ["test/datagram_test.cc", ...shardSources], flags: ["-O1"], args: ["1000"] },
  {
    name: "datagrams under ASan and UBSan",
    sources: ["test/datagram_test.cc", ...shardSources],
    flags: sanitized,
    args: ["300"],
  },
  { name: "log on three threads", sources: logSources, flags: ["-O2"], args: ["2000"] },
  {
    name: "log on three threads under TSan",
    sources: logSources,
    flags: ["-O1", "-fsanitize=thread", "-Wno-tsan"],
    args: ["2000"],
  },
];

/** Programs that run beside a benchmark: each has a process id to measure, and none outlives the benchmark. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Standard error, its end. */
  readonly output: () => string;
  readonly hasExited: () => boolean;
}

/** Starts a program; disposing ends it with SIGTERM, and after two seconds for sure. */
export function startChild(program: string, args: readonly string[]): Child {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr!.on("data", (bytes: Buffer) => {
    output = (output + bytes.toString()).slice(-65_536);
  });
  child.on("error", (error) => {
    output += String(error);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} can't be started`);
  const exited = once(child, "exit");
  endWithUs(pid, exited);
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    output: () => output,
    hasExited,
    [Symbol.asyncDispose]: async () => {
      if (hasExited()) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * A launcher that keeps a program on one side of the machine: what is measured on the first core, the load on the second. Left to
 * the scheduler the two share a core now and then, which makes every wake-up cheap and the figures jump by a half.
 */
export function onCore(side: "measured" | "load"): string[] {
  if (process.platform !== "linux" || availableParallelism() < 2) return [];
  return ["taskset", "-c", side === "measured" ? "0" : "1"];
}

/** Kills `pid` when this process ends before `exited`. */
export function endWithUs(pid: number, exited: Promise<unknown>): void {
  installExits();
  running.add(pid);
  exited.then(() => running.delete(pid));
}

/** What of the process is in memory. */
export async function residentBytes(pid: number): Promise<number> {
  const [, pages = "0"] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
  return Number(pages) * pageBytes;
}

function installExits(): void {
  if (isInstalled) return;
  isInstalled = true;
  process.on("exit", () => {
    for (const pid of running) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone already
      }
    }
  });
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
}

const running = new Set<number>();
let isInstalled = false;
const stopTimeoutMs = 2_000;
const pageBytes = 4_096;

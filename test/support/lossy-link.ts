/** Two networks on this machine, joined by an emulator that loses, repeats, delays and reorders packets. Needs root. */

import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { TestFolder } from "./folder.ts";
import { materialFile } from "./material.ts";
import { waitFor } from "./wait.ts";

const run = promisify(execFile);

/** What the emulator did with the packets of one direction. */
export interface LinkCounters {
  readonly in: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

export interface LossyLink extends AsyncDisposable {
  /** The network namespaces at both ends. */
  readonly near: string;
  readonly far: string;
  /** The far end, as seen from the near one. */
  readonly farAddress: string;
  /** From now on packets from near to far fare like this; the options of the emulator, none for a perfect link. */
  shape(options: string): Promise<void>;
  /** What happened from near to far since the beginning. */
  counters(): Promise<LinkCounters>;
}

/** Undefined, and said so, where this process may not make networks, or the emulator is missing. */
export async function openLossyLink(): Promise<LossyLink | undefined> {
  const source = materialFile("netem_tun.c", "tests on lossy links");
  if (source === undefined) return undefined;
  const resources = new AsyncDisposableStack();
  try {
    const folder = resources.use(new TestFolder());
    const [emulator, control, stats] = [folder.file("emulator"), folder.file("control"), folder.file("counters")];
    const names = [`mrl${process.pid}a`, `mrl${process.pid}b`] as const;
    for (const name of names) {
      execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
      resources.defer(() => {
        execFileSync("ip", ["netns", "delete", name]);
      });
      execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
    }
    await run("mkfifo", [control]);
    await run("gcc", ["-O2", "-o", emulator, source]);
    const ends = ["--ns-a", names[0], "--ns-b", names[1]];
    const child = spawn(emulator, [...ends, "--control", control, "--stats", stats, "--seed", "7"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const exited = once(child, "exit");
    resources.defer(async () => {
      child.kill("SIGTERM");
      await exited;
    });
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
    await waitFor("the emulator", () => said.includes("ready"));
    return {
      near: names[0],
      far: names[1],
      farAddress: "10.99.0.2",
      shape: async (options) => {
        appendFileSync(control, `--dir ab ${options === "" ? "--loss 0 --dup 0 --reorder 0 --jitter 0ms" : options}\n`);
      },
      counters: async () => {
        const before = readText(stats);
        child.kill("SIGUSR1");
        const text = await waitFor("the emulator's counters", () => {
          const now = readText(stats);
          return now !== before && now.endsWith("\n") ? now : undefined;
        });
        const line = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { ab: LinkCounters };
        return line.ab;
      },
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  } catch (error) {
    await resources.disposeAsync();
    if (process.env["CI"] !== undefined) throw error;
    process.stderr.write(`tests on lossy links are left out: ${String(error)}\n`);
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

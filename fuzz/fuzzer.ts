/**
 * Fuzzes one target: runs it in a worker thread (fuzz-worker.ts) and watches from outside, because only from outside a
 * run that never ends can be ended and told.
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type FuzzJob, type FuzzReport, maxSeedBytes, watchHeaderBytes, watchWords } from "./fuzz-worker.ts";

export interface FuzzOptions {
  /** The target's module. */
  readonly url: string;
  readonly randomSeed: number;
  /** All seeds are always replayed, whatever the limits. */
  readonly seconds: number;
  readonly maxMutations: number;
}

export interface FuzzResult {
  readonly runCount: number;
  readonly seedCount: number;
  readonly seconds: number;
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzFailure {
  readonly kind: "crash" | "hang";
  /** Undefined when the target failed before its first run. */
  readonly input: Uint8Array | undefined;
  readonly reason: string;
}

/** A run that takes longer is a hang: one malformed packet must never hold up a shard. */
const hangMs = 1000;

/** Watching costs nothing at this pace, and a hang is ended soon after it is one. */
const watchEveryMs = 100;

/** Heap of one worker: enough for all seeds of a target, little enough to notice who hoards. */
const heapMegabytes = 512;

/** Replays all seeds, then mutations of them, until time is up, the count is reached, or the target fails. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const startedAtMs = Date.now();
  const endsAtMs = startedAtMs + options.seconds * 1000;
  let runCount = 0;
  for (let randomSeed = options.randomSeed; ; randomSeed++) {
    const { url, maxMutations } = options;
    const attempt = await runWorker({ url, randomSeed, maxMutations, endsAtMs });
    runCount += attempt.runCount;
    const result = { runCount, seedCount: attempt.seedCount, seconds: (Date.now() - startedAtMs) / 1000 };
    // A machine that is busy with other things makes runs look slow: a hang is one that hangs again.
    if (attempt.failure?.kind !== "hang") return { ...result, failure: attempt.failure };
    const again = attempt.failure.input && (await replay(url, attempt.failure.input));
    if (again !== undefined) return { ...result, failure: again };
    if (Date.now() >= endsAtMs) return { ...result, failure: undefined };
  }
}

/** Runs `input` alone. */
export async function replay(url: string, input: Uint8Array): Promise<FuzzFailure | undefined> {
  return (await runWorker({ url, input, randomSeed: 0, maxMutations: 0, endsAtMs: 0 })).failure;
}

interface Attempt {
  readonly runCount: number;
  readonly seedCount: number;
  readonly failure: FuzzFailure | undefined;
}

async function runWorker(job: Omit<FuzzJob, "watch">): Promise<Attempt> {
  const watch = new SharedArrayBuffer(watchHeaderBytes + maxSeedBytes);
  const words = new Int32Array(watch, 0, watchHeaderBytes / 4);
  const runCount = (): number => Atomics.load(words, watchWords.runCount);
  const lastInput = (): Uint8Array | undefined =>
    runCount() === 0 ? undefined : new Uint8Array(watch, watchHeaderBytes, words[watchWords.inputBytes]).slice();
  const worker = new Worker(new URL("./fuzz-worker.ts", import.meta.url), {
    workerData: { ...job, watch } satisfies FuzzJob,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const watching = new AbortController();
  try {
    const report = await Promise.race([
      once(worker, "message").then(([message]) => message as FuzzReport),
      watchForHang(words, watching.signal),
    ]);
    if (report === "hang") {
      const reason = `a run took longer than ${hangMs} ms`;
      return { runCount: runCount(), seedCount: 0, failure: { kind: "hang", input: lastInput(), reason } };
    }
    const seedCount = report.kind === "done" ? report.seedCount : 0;
    return { runCount: runCount(), seedCount, failure: report.kind === "crash" ? report : undefined };
  } catch (error) {
    // The thread itself died: out of memory, or the target's module can't be loaded.
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { runCount: runCount(), seedCount: 0, failure: { kind: "crash", input: lastInput(), reason } };
  } finally {
    watching.abort();
    await worker.terminate();
  }
}

/** Resolves when one run has been seen running for too long; never otherwise. */
async function watchForHang(words: Int32Array, signal: AbortSignal): Promise<"hang"> {
  let seenRun = 0;
  let seenAtMs = 0;
  while (!signal.aborted) {
    const run = Atomics.load(words, watchWords.runCount);
    const isRunning = Atomics.load(words, watchWords.isRunning) === 1;
    const nowMs = performance.now();
    if (run !== seenRun || !isRunning) {
      seenRun = run;
      seenAtMs = nowMs;
    } else if (nowMs - seenAtMs > hangMs) return "hang";
    await sleep(watchEveryMs);
  }
  return new Promise(() => {});
}

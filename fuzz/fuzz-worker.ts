/**
 * The inside of the fuzzer: one target in a thread of its own, where it may hang, run out of memory or die.
 *
 * Before each run the input is copied to the watch (see {@link Watch}), so that the fuzzer outside can read it when this
 * thread no longer answers.
 */

import v8 from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { CodedError } from "../src/bytes/coded-error.ts";
import { corpusSeeds } from "../test/support/material.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { mutate, type Random, seededRandom } from "./mutate.ts";

export interface FuzzJob {
  /** The target's module. */
  readonly url: string;
  /** Replays this alone; without it: all seeds, then mutations of them. */
  readonly input?: Uint8Array;
  readonly randomSeed: number;
  readonly maxMutations: number;
  /** When to stop, on the clock of `Date.now()`. */
  readonly endsAtMs: number;
  readonly watch: SharedArrayBuffer;
}

export type FuzzReport =
  | { readonly kind: "crash"; readonly input: Uint8Array; readonly reason: string }
  | { readonly kind: "done"; readonly seedCount: number };

/** What the thread outside sees of a run: `[runs begun, is running, input bytes]` as 32-bit words, then the input. */
export const watchWords = { runCount: 0, isRunning: 1, inputBytes: 2 } as const;
export const watchHeaderBytes = 12;
/** The largest seed of the shared material has 0.25 MB. */
export const maxSeedBytes: number = 1 << 20;

/** Mutated inputs: no parser needs more to show its states, and a run stays short. */
const maxMutatedBytes = 64 << 10;
/** What one run may allocate: a message has at most 16 MiB, and nothing is allocated because a length was declared. */
const maxRunBytes = 64 << 20;
/** New outcomes that become seeds of their own; messages may quote the input, so there is no end to them. */
const maxNewSeeds = 4096;

if (parentPort !== null) {
  const port = parentPort;
  const job = workerData as FuzzJob;
  const { target } = (await import(job.url)) as { target: FuzzTarget };
  port.postMessage(work(target, job) satisfies FuzzReport);
}

function work(target: FuzzTarget, job: FuzzJob): FuzzReport {
  const words = new Int32Array(job.watch, 0, watchHeaderBytes / 4);
  const watched = new Uint8Array(job.watch, watchHeaderBytes);
  /** The outcome of one run; its {@link Crash} when it was not allowed. */
  const run = (input: Uint8Array): string | Crash => {
    watched.set(input);
    words[watchWords.inputBytes] = input.length;
    Atomics.add(words, watchWords.runCount, 1);
    Atomics.store(words, watchWords.isRunning, 1);
    const outcome = runOnce(target, input);
    Atomics.store(words, watchWords.isRunning, 0);
    return outcome;
  };

  const corpus = job.input === undefined ? seedsOf(target) : [job.input];
  for (const input of corpus) {
    const outcome = run(input);
    if (typeof outcome !== "string") return { kind: "crash", input, reason: outcome.reason };
  }
  const seedCount = corpus.length;
  if (job.input !== undefined) return { kind: "done", seedCount };

  const random = seededRandom(job.randomSeed);
  const outcomes = new Set<string>();
  for (let count = 0; count < job.maxMutations; count++) {
    if (count % 64 === 0 && Date.now() >= job.endsAtMs) break;
    const input = mutate(random, pick(random, corpus), pick(random, corpus), maxMutatedBytes);
    const outcome = run(input);
    if (typeof outcome !== "string") return { kind: "crash", input, reason: outcome.reason };
    // Without coverage, an answer never heard before is the sign that an input is worth building on.
    if (outcomes.size < maxNewSeeds && !outcomes.has(outcome)) {
      outcomes.add(outcome);
      corpus.push(input);
    }
  }
  return { kind: "done", seedCount };
}

interface Crash {
  readonly reason: string;
}

function runOnce(target: FuzzTarget, input: Uint8Array): string | Crash {
  // A view in the middle of a larger buffer: whoever reads `.buffer` without its offset is found out.
  const surrounded = new Uint8Array(input.length + 16).fill(0xa5);
  surrounded.set(input, 7);
  const bytesBefore = v8.getHeapStatistics().external_memory;
  let outcome = "returned";
  try {
    target.run(surrounded.subarray(7, 7 + input.length));
  } catch (error) {
    if (!(error instanceof CodedError)) return { reason: describe(error) };
    outcome = `${error.code} ${error.message.replace(/\d+/g, "0")}`;
  }
  const runBytes = v8.getHeapStatistics().external_memory - bytesBefore;
  if (runBytes > maxRunBytes) return { reason: `allocated ${runBytes} bytes for an input of ${input.length}` };
  return outcome;
}

function seedsOf(target: FuzzTarget): Uint8Array[] {
  const seeds = [...target.seeds()];
  for (const corpus of target.corpora) for (const { bytes } of corpusSeeds(corpus)) seeds.push(bytes);
  if (seeds.length === 0) seeds.push(new Uint8Array(0));
  return seeds.map((seed) => seed.subarray(0, maxSeedBytes));
}

function pick(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  return corpus[random(corpus.length)]!;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}, which is no Error`;
}

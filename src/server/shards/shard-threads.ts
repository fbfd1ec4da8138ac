/** The shards that run on threads of their own: started, made known to each other, and watched. */

import { MessageChannel, Worker } from "node:worker_threads";
import { CodedError } from "../../bytes/coded-error.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ERR_SHARD_GONE } from "../../runtime/errors.ts";
import { doorbellBytes } from "../../runtime/shards/doorbell.ts";
import { type Link, linkQueueBytes, PortLink } from "../../runtime/shards/link.ts";
import type { Config } from "../config/schema.ts";
import type { LoggerSettings } from "../log/logger.ts";
import type { MediaShardCalls, PeerConnection, ServerCalls } from "./calls.ts";
import type { SharedCounts } from "./media-shard.ts";
import type { ShardThreadData } from "./shard-thread.ts";

export interface ShardThread {
  readonly index: number;
  readonly link: Link<MediaShardCalls>;
  /** Lets it end; resolves when it has. */
  close(): Promise<void>;
}

export interface ShardThreadOptions {
  readonly index: number;
  readonly config: Config;
  readonly logging: LoggerSettings;
  readonly counts: SharedCounts;
  readonly calls: ServerCalls;
  readonly onFailure: (error: unknown) => void;
  /** The thread has ended without being told to: its streams are gone, and so must the process be. */
  readonly onDeath: (error: CodedError) => void;
}

export function startShardThread(options: ShardThreadOptions): ShardThread {
  const { index, config, logging, counts, calls, onFailure, onDeath } = options;
  const { port1, port2 } = new MessageChannel();
  const queue = new SharedArrayBuffer(linkQueueBytes);
  const data: ShardThreadData = { index, config, logging, counts, port: port2, queue };
  const worker = new Worker(new URL(program, import.meta.url), {
    name: `shard ${index}`,
    workerData: data,
    transferList: [port2],
    resourceLimits: { maxYoungGenerationSizeMb },
  });
  const end = { port: port1, queue, side: 0 } as const;
  const link = new PortLink<MediaShardCalls, ServerCalls>(end, calls, systemClock.monotonicMs, onFailure);
  let isClosing = false;
  let cause: unknown;
  worker.on("error", (error) => {
    cause = error;
  });
  const exited = Promise.withResolvers<void>();
  worker.on("exit", (exitCode) => {
    link.close();
    exited.resolve();
    if (!isClosing || cause !== undefined) onDeath(deathOf(index, exitCode, cause));
  });
  return {
    index,
    link,
    close: async () => {
      isClosing = true;
      // One that is gone already, or goes now, has been reported.
      await link.call("close", undefined).catch((error: unknown) => {
        if (!(error instanceof CodedError && error.code === ERR_SHARD_GONE)) onFailure(error);
      });
      const timer = setTimeout(() => void worker.terminate(), endTimeoutMs);
      await exited.promise;
      clearTimeout(timer);
    },
  };
}

/** Says which shard, and where in it: the stack is the other thread's. */
function deathOf(index: number, exitCode: number, cause: unknown): CodedError {
  const isError = cause instanceof Error;
  const why = isError ? cause.message : cause === undefined ? `exit code ${exitCode}` : String(cause);
  const death = new CodedError(ERR_SHARD_GONE, `shard ${index} has ended by a mistake of ours: ${why}`);
  if (isError && cause.stack !== undefined) death.stack = `${death.message}\n${cause.stack}`;
  return death;
}

/**
 * Opens a way between each two of them.
 *
 * @param hold - gives a descriptor of a shard's doorbell that outlives the shard: others may ring it until they have ended, too
 */
export async function connectShards(
  shards: ReadonlyMap<number, Link<MediaShardCalls>>,
  hold: (doorbellFd: number) => number | undefined,
): Promise<void> {
  const all = await Promise.all(
    Array.from(shards, async ([index, link]) => {
      const doorbellFd = await link.call("doorbellFd", undefined);
      return { index, link, doorbellFd: doorbellFd === undefined ? undefined : hold(doorbellFd) };
    }),
  );
  for (const [place, one] of all.entries()) {
    for (const other of all.slice(place + 1)) {
      const { port1, port2 } = new MessageChannel();
      const queue = new SharedArrayBuffer(linkQueueBytes);
      const there = new SharedArrayBuffer(doorbellBytes);
      const back = new SharedArrayBuffer(doorbellBytes);
      const toOther = { index: other.index, doorbellFd: other.doorbellFd, outward: there, inward: back };
      const toOne = { index: one.index, doorbellFd: one.doorbellFd, outward: back, inward: there };
      await connect(one.link, { ...toOther, port: port1, queue, side: 0 });
      await connect(other.link, { ...toOne, port: port2, queue, side: 1 });
    }
  }
}

async function connect(link: Link<MediaShardCalls>, peer: PeerConnection): Promise<void> {
  await link.call("connect", peer, { transfer: [peer.port] });
}

/** Beside this file, under the same name whether it is compiled or not. */
const program = import.meta.url.endsWith(".ts") ? "./shard-thread-program.ts" : "./shard-thread-program.js";

/**
 * Three semi-spaces of 8 MiB. Of itself V8 doubles them up to 32 MiB each when enough survives, and players do: that was half of what
 * one seemed to cost. The main thread's are the command line's (`node --max-semi-space-size=8`).
 */
const maxYoungGenerationSizeMb = 24;

/** How long a thread that has closed everything may take to end. */
const endTimeoutMs = 1_000;

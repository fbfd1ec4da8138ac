/** What runs on a shard's thread. */

import type { MessagePort } from "node:worker_threads";
import { systemClock } from "../../runtime/clock.ts";
import { PortLink } from "../../runtime/shards/link.ts";
import type { Config } from "../config/schema.ts";
import { createLogger, type LoggerSettings } from "../log/logger.ts";
import type { MediaShardCalls, ServerCalls } from "./calls.ts";
import { MediaShard, type SharedCounts } from "./media-shard.ts";

/** What a shard's thread is started with. */
export interface ShardThreadData {
  readonly index: number;
  readonly config: Config;
  readonly logging: LoggerSettings;
  readonly counts: SharedCounts;
  readonly port: MessagePort;
  readonly queue: SharedArrayBuffer;
}

export function runShard({ index, config, logging, counts, port, queue }: ShardThreadData): void {
  /** Filled as soon as there is something to call; nothing is asked before. */
  const calls: { -readonly [Name in keyof MediaShardCalls]?: MediaShardCalls[Name] } = {};
  const controller = new PortLink<ServerCalls, MediaShardCalls>(
    { port, queue, side: 1 },
    calls as MediaShardCalls,
    systemClock.monotonicMs,
    (error) => media.onFailure(error),
  );
  const logger = createLogger({
    ...logging,
    destination: { write: (line) => controller.mention("log", line) },
  });
  const media = new MediaShard({ index, config, logger, counts }, controller);
  Object.assign(calls, media.calls);
  calls.close = async () => {
    await media.close();
    // After the answer: without its port the thread has nothing left to wait for.
    setImmediate(() => controller.close());
  };

  // It belonged to one session, which is gone; the thread is not. A throw that nobody caught ends it, and the controller sees that.
  process.on("unhandledRejection", (error) =>
    logger.error({ err: error }, "an unhandled rejection: a mistake of ours"),
  );
}

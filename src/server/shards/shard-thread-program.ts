/** The entry of a shard's thread: what the controller's thread starts once for each. */

import { enableCompileCache } from "node:module";
import { workerData } from "node:worker_threads";
import type { ShardThreadData } from "./shard-thread.ts";

enableCompileCache(); // before anything else is loaded: that is most of the start-up time

const { runShard } = await import("./shard-thread.ts");
runShard(workerData as ShardThreadData);

/** How players start and what lag they are allowed: the same two objects for all of them. */

import { defaultLagLimits } from "../kernel/cursor-table.ts";
import type { PlayOptions } from "../runtime/play.ts";
import type { Config } from "./config/schema.ts";

export interface PlayOptionsPair {
  /** At the next random access point. */
  readonly fromNow: PlayOptions;
  /** At the newest one: what a player gets who joins, unless the cache of GOPs is switched off. */
  readonly fromNewestKeyFrame: PlayOptions;
}

export function playOptionsOf({ rtmp, streaming }: Config): PlayOptionsPair {
  const lagLimits = { ...defaultLagLimits, maxJumps: streaming.maxLagJumps };
  return { fromNow: { isLive: true, lagLimits }, fromNewestKeyFrame: { isLive: !rtmp.gopCache, lagLimits } };
}

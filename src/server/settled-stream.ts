/** A stream whose tracks are known: of a publisher that has just begun, one of two is told first, or none. */

import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../bytes/coded-error.ts";
import type { StreamView } from "../kernel/egress.ts";
import { ERR_STREAM_NOT_FOUND } from "../kernel/errors.ts";
import type { TrackKind } from "../kernel/frame.ts";
import type { PeerRequest } from "../kernel/gate.ts";
import type { StreamAccess } from "../runtime/shards/shard.ts";

/** @param isCancelled - nobody waits any more. @throws what {@link StreamAccess.find} throws */
export async function findSettledStream(
  streams: StreamAccess,
  request: PeerRequest,
  nowMs: () => number,
  isCancelled: () => boolean,
): Promise<StreamView> {
  const deadline = nowMs() + maxSettleMs;
  for (;;) {
    const view = await streams.find(request);
    const has = (kind: TrackKind): boolean => view.tracks.some((track) => track.kind === kind);
    if ((has("video") && has("audio")) || view.mediaMs >= settledMediaMs) return view;
    if (nowMs() >= deadline) {
      if (has("video") || has("audio")) return view;
      throw new CodedError(ERR_STREAM_NOT_FOUND, `the publisher of ${view.name.key} has sent nothing yet`);
    }
    await delay(settlePollMs);
    if (isCancelled()) return view;
  }
}

/** Media of one kind alone, after which the other is not waited for: encoders begin both within this time. */
const settledMediaMs = 500;
/** An encoder that was accepted and sends nothing for so long is not waited for. */
const maxSettleMs = 3_000;
const settlePollMs = 50;

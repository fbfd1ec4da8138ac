/** The stream that a player asks for, once its tracks are known: a publisher that has just begun has told one of two, or none. */

import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../../bytes/coded-error.ts";
import type { StreamView } from "../../kernel/egress.ts";
import { ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import type { TrackKind } from "../../kernel/frame.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";

/**
 * @param isGone - nobody waits any more: any answer will do
 * @throws as {@link StreamAccess.find}
 */
export async function findSettled(
  streams: StreamAccess,
  request: PeerRequest,
  nowMs: () => number,
  isGone: () => boolean,
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
    if (isGone()) return view;
  }
}

/** Media of one kind alone, after which the other is not waited for: encoders begin both within this time. */
const settledMediaMs = 500;
/** An encoder that was accepted and sends nothing for so long is not waited for. */
const maxSettleMs = 3_000;
const settlePollMs = 50;

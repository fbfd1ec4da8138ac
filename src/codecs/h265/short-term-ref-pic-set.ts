/** st_ref_pic_set of H.265 (§7.3.7): nothing in it is of use here, but what follows it in the SPS is. */

import type { BitReader } from "../../bytes/bit-reader.ts";
import { atMost } from "../bounds.ts";
import { maxDpbFrames } from "../limits.ts";

/** Passes over `count` sets. Each may be predicted from the one before, so that their delta POCs must be worked out. */
export function skipShortTermRefPicSets(bits: BitReader, count: number): void {
  let previous: readonly number[] = [];
  for (let index = 0; index < count; index++) {
    previous = index > 0 && bits.flag() ? parsePredictedSet(bits, previous) : parseExplicitSet(bits);
  }
}

/** Delta POCs in the standard's order: those before the picture, nearest first, then those after it, nearest first. */
function parseExplicitSet(bits: BitReader): number[] {
  const negativeCount = atMost(bits.ue(), maxDpbFrames, "num_negative_pics");
  const positiveCount = atMost(bits.ue(), maxDpbFrames - negativeCount, "num_positive_pics");
  const deltas: number[] = [];
  for (const [count, sign] of [[negativeCount, -1] as const, [positiveCount, 1] as const]) {
    let delta = 0;
    for (let i = 0; i < count; i++) {
      delta += sign * (atMost(bits.ue(), 0x7fff, "delta_poc_minus1") + 1);
      bits.skip(1); // used_by_curr_pic_flag
      deltas.push(delta);
    }
  }
  return deltas;
}

/** Equations 7-61 and 7-62: the set is the one before it, shifted, without the pictures that are marked as not used. */
function parsePredictedSet(bits: BitReader, previous: readonly number[]): number[] {
  const negative = bits.flag();
  const magnitude = atMost(bits.ue(), 0x7fff, "abs_delta_rps_minus1") + 1;
  const shift = negative ? -magnitude : magnitude;
  const deltas: number[] = [];
  for (let j = 0; j <= previous.length; j++) {
    const usedByCurrent = bits.flag();
    const useDelta = usedByCurrent || bits.flag();
    const delta = (previous[j] ?? 0) + shift;
    if (useDelta && delta !== 0) deltas.push(delta);
  }
  atMost(deltas.length, maxDpbFrames, "number of pictures in a short-term reference picture set");
  return deltas.sort((a, b) => (a < 0 && b < 0 ? b - a : a - b));
}

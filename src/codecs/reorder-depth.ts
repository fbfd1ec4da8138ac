/** How many frames may stand before one in decoding order that are shown after it, as the configuration promises. */

import type { CodecName } from "./codec-name.ts";
import { parseAvcConfig } from "./h264/avc-config.ts";
import { parseH264Sps } from "./h264/sps.ts";
import { parseHevcConfig } from "./h265/hevc-config.ts";
import { h265NalSps } from "./h265/nal-unit.ts";
import { parseH265Sps } from "./h265/sps.ts";
import { firstParameterSet } from "./nal/parameter-set-arrays.ts";

/** 0 where the configuration does not say, and for codecs that show what they decode. Malformed is a CodedError. */
export function reorderDepthOf(codec: CodecName, config: Uint8Array): number {
  if (config.length === 0) return 0;
  if (codec === "h264") {
    const [sps] = parseAvcConfig(config).sps;
    return sps === undefined ? 0 : (parseH264Sps(sps).maxNumReorderFrames ?? 0);
  }
  if (codec === "h265") {
    const sps = firstParameterSet(parseHevcConfig(config).arrays, h265NalSps);
    return sps === undefined ? 0 : parseH265Sps(sps).maxNumReorderPics;
  }
  return 0;
}

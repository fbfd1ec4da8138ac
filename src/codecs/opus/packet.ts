/** The table of contents of an Opus packet: RFC 6716 §3.1 and §3.2. */

import { CodedError, truncatedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER } from "../errors.ts";

/** Frames in an Opus packet, 1 to 48. */
export function opusFrameCount(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) throw truncatedError(1, 0, 0);
  const code = toc & 3;
  if (code !== 3) return code === 0 ? 1 : 2;
  const second = packet[1];
  if (second === undefined) throw truncatedError(1, 1, 0);
  const count = second & 0x3f;
  if (count === 0) throw new CodedError(ERR_CODEC_FRAME_HEADER, "the Opus packet has a frame count of 0");
  return count;
}

/** Microseconds of sound in an Opus packet; a packet of more than 120 ms is refused (§3.2.5, R5). */
export function opusPacketDuration(packet: Uint8Array): number {
  const frames = opusFrameCount(packet);
  const durationUs = frames * frameDurationUs((packet[0] as number) >> 3);
  if (durationUs > maxPacketDurationUs) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `the Opus packet has ${durationUs / 1000} ms, expected at most 120`);
  }
  return durationUs;
}

/** Table 2, by configuration number. */
function frameDurationUs(config: number): number {
  if (config < 12) return silkDurationsUs[config & 3] as number;
  if (config < 16) return hybridDurationsUs[config & 1] as number;
  return celtDurationsUs[config & 3] as number;
}

const maxPacketDurationUs = 120_000;
const silkDurationsUs = [10_000, 20_000, 40_000, 60_000];
const hybridDurationsUs = [10_000, 20_000];
const celtDurationsUs = [2_500, 5_000, 10_000, 20_000];

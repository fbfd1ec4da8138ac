/** An AVC sequence header for made-up frames: 352x288, 15 fps. */

import { writeAvcConfig } from "../../src/codecs/h264/avc-config.ts";
import { writeVideoTagHeader } from "../../src/formats/flv/video-tag.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The body of the FLV tag. */
export function sequenceHeader(): Uint8Array {
  const sps = hex("6764000cac3b50b04b420000030002000003003d08");
  const [, profileIdc = 0, profileCompatibility = 0, levelIdc = 0] = sps;
  const config = writeAvcConfig({
    ...{ profileIdc, profileCompatibility, levelIdc, lengthSize: 4 },
    ...{ sps: [sps], pps: [hex("68ee3cb0")], high: undefined },
  });
  const body = new Uint8Array(5 + config.length);
  const options = {
    mode: "legacy",
    codec: "h264",
    packetType: "sequence-start",
    isKey: true,
    compositionTimeMs: 0,
  } as const;
  body.set(config, writeVideoTagHeader(body, 0, { ...options, nanosecondOffset: 0, trackId: 0 }));
  return body;
}

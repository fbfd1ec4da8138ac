/** H.264 under random bytes, taken as SPS, as avcC and as a frame; an avcC is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { avcConfigCases } from "../../src/codecs/h264/avc-config.cases.ts";
import { parseAvcConfig, writeAvcConfig } from "../../src/codecs/h264/avc-config.ts";
import { isH264KeyFrame } from "../../src/codecs/h264/nal-unit.ts";
import { h264SpsCases } from "../../src/codecs/h264/sps.cases.ts";
import { parseH264Sps } from "../../src/codecs/h264/sps.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-h264",
  covers: ["src/codecs/h264/sps.ts", "src/codecs/h264/avc-config.ts", "src/codecs/h264/nal-unit.ts"],
  corpora: ["codec_h264"],
  seeds: () => [...avcConfigCases.map(({ bytes }) => bytes), ...h264SpsCases.map(({ nal }) => nal)],
  run(bytes) {
    for (const parse of [parseSps, rewriteConfig, lookAtFrame]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function parseSps(bytes: Uint8Array): void {
  const { width, height } = parseH264Sps(bytes);
  assert(width > 0 && width <= 16_384 && height > 0 && height <= 16_384, "a picture size is out of bounds");
}

function rewriteConfig(bytes: Uint8Array): void {
  const config = parseAvcConfig(bytes);
  assert(isDeepStrictEqual(parseAvcConfig(writeAvcConfig(config)), config), "the avcC changed");
}

function lookAtFrame(bytes: Uint8Array): void {
  isH264KeyFrame(bytes, 4);
}

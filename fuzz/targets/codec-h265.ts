/** H.265 under random bytes, taken as SPS, VPS, hvcC and frame; an hvcC is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { hevcConfigCases } from "../../src/codecs/h265/hevc-config.cases.ts";
import { parseHevcConfig, writeHevcConfig } from "../../src/codecs/h265/hevc-config.ts";
import { isH265KeyFrame } from "../../src/codecs/h265/nal-unit.ts";
import { parseH265Sps } from "../../src/codecs/h265/sps.ts";
import { parseH265Vps } from "../../src/codecs/h265/vps.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-h265",
  covers: [
    "src/codecs/h265/sps.ts",
    "src/codecs/h265/vps.ts",
    "src/codecs/h265/hevc-config.ts",
    "src/codecs/h265/nal-unit.ts",
    "src/codecs/h265/profile-tier-level.ts",
    "src/codecs/nal/parameter-set-arrays.ts",
  ],
  corpora: ["codec_h265"],
  seeds: () => hevcConfigCases.flatMap(({ bytes, config }) => [bytes, ...config.arrays.flatMap(({ units }) => units)]),
  run(bytes) {
    for (const parse of [parseSps, parseH265Vps, rewriteConfig, lookAtFrame]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function parseSps(bytes: Uint8Array): void {
  const { width, height } = parseH265Sps(bytes);
  assert(width > 0 && width <= 16_384 && height > 0 && height <= 16_384, "a picture size is out of bounds");
}

function rewriteConfig(bytes: Uint8Array): void {
  const config = parseHevcConfig(bytes);
  assert(isDeepStrictEqual(parseHevcConfig(writeHevcConfig(config)), config), "the hvcC changed");
}

function lookAtFrame(bytes: Uint8Array): void {
  isH265KeyFrame(bytes, 4);
}

/** VP8 and VP9 under random bytes, taken as frame and as vpcC; a vpcC is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { isVp8KeyFrame, parseVp8FrameHeader } from "../../src/codecs/vp8/frame-header.ts";
import { isVp9KeyFrame, parseVp9FrameHeader } from "../../src/codecs/vp9/frame-header.ts";
import { parseVpcConfig, writeVpcConfig } from "../../src/codecs/vp9/vpc-config.ts";
import { vp8FrameCases, vp9FrameCases, vpcConfigCases } from "../../src/codecs/vp9/vpx.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-vpx",
  covers: ["src/codecs/vp8/frame-header.ts", "src/codecs/vp9/frame-header.ts", "src/codecs/vp9/vpc-config.ts"],
  corpora: ["codec_vp8", "codec_vp9"],
  seeds: () =>
    [...vp8FrameCases, ...vp9FrameCases].map(({ frame }) => frame).concat(vpcConfigCases.map(({ bytes }) => bytes)),
  run(bytes) {
    for (const parse of [parseVp8, parseVp9, rewriteConfig]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function parseVp8(bytes: Uint8Array): void {
  assert(parseVp8FrameHeader(bytes).isKey === isVp8KeyFrame(bytes), "key frame or not is told differently");
}

function parseVp9(bytes: Uint8Array): void {
  assert(parseVp9FrameHeader(bytes).isKey === isVp9KeyFrame(bytes), "key frame or not is told differently");
}

function rewriteConfig(bytes: Uint8Array): void {
  const config = parseVpcConfig(bytes);
  assert(isDeepStrictEqual(parseVpcConfig(writeVpcConfig(config)), config), "the vpcC changed");
}

/** VVC under random bytes, taken as SPS, vvcC and frame; a vvcC is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { isVvcKeyFrame, vvcNalDci, vvcNalOpi } from "../../src/codecs/vvc/nal-unit.ts";
import { parseVvcSps } from "../../src/codecs/vvc/sps.ts";
import { vvcConfigCases, vvcSps720p } from "../../src/codecs/vvc/vvc-config.cases.ts";
import { parseVvcConfig, vvcConfigOf, writeVvcConfig } from "../../src/codecs/vvc/vvc-config.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-vvc",
  covers: ["src/codecs/vvc/sps.ts", "src/codecs/vvc/vvc-config.ts", "src/codecs/vvc/nal-unit.ts"],
  corpora: ["codec_vvc"],
  seeds: () => [vvcSps720p, ...vvcConfigCases.map(({ bytes }) => bytes)],
  run(bytes) {
    for (const parse of [makeConfig, rewriteConfig, lookAtFrame]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

/** What a record of this SPS says is what it says when it is read. */
function makeConfig(bytes: Uint8Array): void {
  parseVvcSps(bytes);
  const config = vvcConfigOf([], [bytes], [Uint8Array.of(0, 0x81)]);
  assert(isDeepStrictEqual(parseVvcConfig(writeVvcConfig(config)), config), "the vvcC of an SPS changed");
}

function rewriteConfig(bytes: Uint8Array): void {
  const { native, ...rest } = parseVvcConfig(bytes);
  const arrays = rest.arrays.filter(({ nalType }) => nalType !== vvcNalDci && nalType !== vvcNalOpi);
  const config = { ...rest, arrays, native: native && { ...native, constraintInfo: native.constraintInfo.slice() } };
  assert(isDeepStrictEqual(parseVvcConfig(writeVvcConfig(config)), config), "the vvcC changed");
}

function lookAtFrame(bytes: Uint8Array): void {
  isVvcKeyFrame(bytes, 4);
}

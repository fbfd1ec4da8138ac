/** VVC under random bytes, taken as SPS, vvcC and frame. */

import { CodedError } from "../../src/bytes/coded-error.ts";
import { isVvcKeyFrame } from "../../src/codecs/vvc/nal-unit.ts";
import { parseVvcSps } from "../../src/codecs/vvc/sps.ts";
import { vvcConfigCases, vvcSps720p } from "../../src/codecs/vvc/vvc-config.cases.ts";
import { parseVvcConfig } from "../../src/codecs/vvc/vvc-config.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-vvc",
  covers: ["src/codecs/vvc/sps.ts", "src/codecs/vvc/vvc-config.ts", "src/codecs/vvc/nal-unit.ts"],
  corpora: ["codec_vvc"],
  seeds: () => [vvcSps720p, ...vvcConfigCases.map(({ bytes }) => bytes)],
  run(bytes) {
    for (const parse of [parseVvcSps, parseVvcConfig, lookAtFrame]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function lookAtFrame(bytes: Uint8Array): void {
  isVvcKeyFrame(bytes, 4);
}

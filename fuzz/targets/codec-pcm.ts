/** The configuration of plain samples under random bytes: what is read is written the same. */

import { assert } from "../../src/bytes/assert.ts";
import { equalBytes } from "../../src/bytes/equal-bytes.ts";
import { pcmConfigCases } from "../../src/codecs/pcm/pcm-config.cases.ts";
import { parsePcmConfig, writePcmConfig } from "../../src/codecs/pcm/pcm-config.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-pcm",
  covers: ["src/codecs/pcm/pcm-config.ts"],
  corpora: [],
  seeds: () => pcmConfigCases.map(({ bytes }) => bytes),
  run(bytes) {
    assert(equalBytes(writePcmConfig(parsePcmConfig(bytes)), bytes.subarray(0, 6)), "the configuration changed");
  },
};

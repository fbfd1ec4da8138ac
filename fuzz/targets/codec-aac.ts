/** AAC under random bytes, taken as AudioSpecificConfig and as ADTS; both are written again, and read the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import {
  adtsCases,
  audioSpecificConfigCases,
  foreignAudioSpecificConfigCases,
} from "../../src/codecs/aac/aac.cases.ts";
import { adtsHeaderLength, parseAdtsHeader, writeAdtsHeader } from "../../src/codecs/aac/adts.ts";
import { parseAudioSpecificConfig, writeAudioSpecificConfig } from "../../src/codecs/aac/audio-specific-config.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-aac",
  covers: ["src/codecs/aac/audio-specific-config.ts", "src/codecs/aac/adts.ts", "src/codecs/aac/channels.ts"],
  corpora: ["codec_aac"],
  seeds: () =>
    [...audioSpecificConfigCases, ...foreignAudioSpecificConfigCases, ...adtsCases].map(({ bytes }) => bytes),
  run(bytes) {
    for (const parse of [rewriteConfig, rewriteAdts]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function rewriteConfig(bytes: Uint8Array): void {
  const config = parseAudioSpecificConfig(bytes);
  const again = parseAudioSpecificConfig(writeAudioSpecificConfig(config));
  assert(isDeepStrictEqual(again, config), "the AudioSpecificConfig changed");
}

function rewriteAdts(bytes: Uint8Array): void {
  const header = parseAdtsHeader(bytes);
  const written = new Uint8Array(adtsHeaderLength);
  writeAdtsHeader(written, 0, header, header.frameLength - header.headerLength);
  const { objectType, sampleRate, channels, frameLength } = parseAdtsHeader(written);
  assert(objectType === header.objectType && sampleRate === header.sampleRate, "type or rate changed");
  assert(channels === header.channels, "the channels changed");
  assert(frameLength - adtsHeaderLength === header.frameLength - header.headerLength, "the length changed");
}

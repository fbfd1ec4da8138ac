/** AAC under random bytes, taken as AudioSpecificConfig, as ADTS and as LATM; what is written again is read the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import {
  adtsCases,
  audioSpecificConfigCases,
  foreignAudioSpecificConfigCases,
} from "../../src/codecs/aac/aac.cases.ts";
import { adtsHeaderLength, parseAdtsHeader, writeAdtsHeader } from "../../src/codecs/aac/adts.ts";
import { parseAudioMuxElement } from "../../src/codecs/aac/audio-mux-element.ts";
import { parseAudioSpecificConfig, writeAudioSpecificConfig } from "../../src/codecs/aac/audio-specific-config.ts";
import { streamMuxConfigCases } from "../../src/codecs/aac/latm.cases.ts";
import { parseStreamMuxConfig, writeStreamMuxConfig } from "../../src/codecs/aac/stream-mux-config.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-aac",
  covers: [
    "src/codecs/aac/audio-specific-config.ts",
    "src/codecs/aac/adts.ts",
    "src/codecs/aac/channels.ts",
    "src/codecs/aac/stream-mux-config.ts",
    "src/codecs/aac/audio-mux-element.ts",
  ],
  corpora: ["codec_aac"],
  seeds: () =>
    [...audioSpecificConfigCases, ...foreignAudioSpecificConfigCases, ...adtsCases, ...streamMuxConfigCases].map(
      ({ bytes }) => bytes,
    ),
  run(bytes) {
    for (const parse of [rewriteConfig, rewriteAdts, rewriteMuxConfig, readElement]) {
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

function rewriteMuxConfig(bytes: Uint8Array): void {
  const { audioSpecificConfig } = parseStreamMuxConfig(bytes);
  const config = parseAudioSpecificConfig(audioSpecificConfig);
  const again = parseStreamMuxConfig(writeStreamMuxConfig(audioSpecificConfig));
  const carried = parseAudioSpecificConfig(again.audioSpecificConfig);
  assert(isDeepStrictEqual(carried, { ...config, backwardCompatible: false }), "the carried configuration changed");
}

function readElement(bytes: Uint8Array): void {
  const { config, frames, restBytes } = parseAudioMuxElement(bytes, undefined, true);
  const frameBytes = frames.reduce((total, frame) => total + frame.length, 0);
  assert(frameBytes + restBytes < bytes.length, "an element has more bytes than it came in");
  assert(frames.length <= config.subFrameCount, "an element has more frames than its configuration");
}

/** MPEG audio headers under random bytes. */

import { assert } from "../../src/bytes/assert.ts";
import { mpegAudioCases } from "../../src/codecs/mp3/frame-header.cases.ts";
import { parseMpegAudioHeader } from "../../src/codecs/mp3/frame-header.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-mp3",
  covers: ["src/codecs/mp3/frame-header.ts"],
  corpora: ["codec_mpeg1audio"],
  seeds: () => mpegAudioCases.map(({ frame }) => frame),
  run: parse,
};

function parse(bytes: Uint8Array): void {
  const { frameLength, sampleRate } = parseMpegAudioHeader(bytes);
  assert(frameLength > 4 && frameLength <= 2_881 && sampleRate >= 8_000, "a frame is out of bounds");
}

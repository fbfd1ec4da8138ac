/** A track's description under random bytes: the first byte chooses the codec, the second is the length of the configuration. */

import { assert } from "../../src/bytes/assert.ts";
import type { CodecName } from "../../src/codecs/codec-name.ts";
import { trackInfoCases } from "../../src/codecs/track-info.cases.ts";
import { parseTrackInfo } from "../../src/codecs/track-info.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-track-info",
  covers: ["src/codecs/track-info.ts"],
  corpora: [],
  seeds: () =>
    trackInfoCases.map(({ codec, config, frame }) =>
      Uint8Array.of(codecs.indexOf(codec), config.length, ...config, ...frame),
    ),
  run: parse,
};

function parse(bytes: Uint8Array): void {
  const [choice = 0, configLength = 0] = bytes;
  const codec = codecs[choice % codecs.length] as CodecName;
  const config = bytes.subarray(2, 2 + configLength);
  const info = parseTrackInfo(codec, config, bytes.subarray(2 + config.length));
  assert(/^[a-z0-9-]+(\.[A-Za-z0-9]+)*$/.test(info.codecString), "the codec string would need quoting");
  for (const value of [info.width, info.height, info.fps, info.sampleRate, info.channels]) {
    assert(value === undefined || (value > 0 && Number.isFinite(value)), "a value is out of bounds");
  }
}

const codecs: readonly CodecName[] = [
  "h264",
  "h265",
  "av1",
  "vp8",
  "vp9",
  "vvc",
  "aac",
  "opus",
  "mp3",
  "ac3",
  "eac3",
  "flac",
  "g711a",
  "g711u",
  "g722",
  "lpcm",
];

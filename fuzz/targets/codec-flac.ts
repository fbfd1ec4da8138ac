/** STREAMINFO under random bytes. */

import { flacCases } from "../../src/codecs/flac/stream-info.cases.ts";
import { parseFlacStreamInfo } from "../../src/codecs/flac/stream-info.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-flac",
  covers: ["src/codecs/flac/stream-info.ts"],
  corpora: ["codec_flac"],
  seeds: () => flacCases.map(({ bytes }) => bytes),
  run: (bytes) => void parseFlacStreamInfo(bytes),
};

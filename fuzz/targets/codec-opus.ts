/** Opus under random bytes, taken as OpusHead and as packet; an OpusHead is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { opusHeadCases } from "../../src/codecs/opus/opus.cases.ts";
import { parseOpusHead, writeOpusHead } from "../../src/codecs/opus/opus-head.ts";
import { opusPacketDuration } from "../../src/codecs/opus/packet.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-opus",
  covers: ["src/codecs/opus/opus-head.ts", "src/codecs/opus/packet.ts"],
  corpora: ["codec_opus"],
  seeds: () => opusHeadCases.map(({ bytes }) => bytes),
  run(bytes) {
    for (const parse of [rewriteHead, measure]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function rewriteHead(bytes: Uint8Array): void {
  const head = parseOpusHead(bytes);
  assert(isDeepStrictEqual(parseOpusHead(writeOpusHead(head)), head), "the OpusHead changed");
}

function measure(bytes: Uint8Array): void {
  const durationUs = opusPacketDuration(bytes);
  assert(durationUs >= 2_500 && durationUs <= 120_000, "a duration is out of bounds");
}

/** AC-3 and E-AC-3 frames under random bytes. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { ac3Cases, eac3Cases } from "../../src/codecs/ac3/sync-frame.cases.ts";
import { parseAc3SyncFrame, parseEac3SyncFrame } from "../../src/codecs/ac3/sync-frame.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-ac3",
  covers: ["src/codecs/ac3/sync-frame.ts"],
  corpora: ["codec_ac3", "codec_eac3"],
  seeds: () => [...ac3Cases, ...eac3Cases].map(({ frame }) => frame),
  run(bytes) {
    for (const parse of [parseAc3, parseEac3]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function parseAc3(bytes: Uint8Array): void {
  const { frameLength, channels } = parseAc3SyncFrame(bytes);
  assert(frameLength >= 128 && frameLength <= 3_840 && channels >= 1 && channels <= 6, "a frame is out of bounds");
}

function parseEac3(bytes: Uint8Array): void {
  const { frameLength, channels } = parseEac3SyncFrame(bytes);
  assert(frameLength <= 4_096 && channels >= 1 && channels <= 6, "a frame is out of bounds");
}

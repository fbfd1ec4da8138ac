/** NAL units under random bytes, behind lengths and behind start codes; what was split is joined again, and splits the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { parseAnnexB } from "../../src/codecs/nal/annex-b.ts";
import { unescapeParameterSet } from "../../src/codecs/nal/emulation-prevention.ts";
import { NalUnitWalker, parseNalLengthSize, writeNalUnits } from "../../src/codecs/nal/length-prefixed.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-nal",
  covers: ["src/codecs/nal/annex-b.ts", "src/codecs/nal/length-prefixed.ts", "src/codecs/nal/emulation-prevention.ts"],
  corpora: ["codec_h264", "codec_h265", "codec_vvc"],
  seeds: () => [Uint8Array.fromHex("0000000267420000000168"), Uint8Array.fromHex("000000016742000003010000016801")],
  run(bytes) {
    for (const parse of [splitAnnexB, walkFrame, removeEscapes]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function splitAnnexB(bytes: Uint8Array): void {
  const units = parseAnnexB(bytes);
  const joined = Uint8Array.from(units.flatMap((unit) => [0, 0, 1, ...unit]));
  if (units.length > 0) assert(isDeepStrictEqual(parseAnnexB(joined), units), "the NAL units changed");
}

function walkFrame(bytes: Uint8Array): void {
  const [first = 0] = bytes;
  const units = walk(bytes.subarray(1), parseNalLengthSize(first));
  assert(isDeepStrictEqual(walk(writeNalUnits(units), 4), units), "the NAL units changed");
}

function removeEscapes(bytes: Uint8Array): void {
  const { length } = unescapeParameterSet(bytes);
  assert(
    length <= bytes.length && length >= Math.floor((bytes.length * 2) / 3),
    "more was removed than every third byte",
  );
}

function walk(frame: Uint8Array, lengthSize: 1 | 2 | 4): Uint8Array[] {
  const walker = new NalUnitWalker().reset(frame, lengthSize);
  const units: Uint8Array[] = [];
  while (walker.next()) units.push(frame.subarray(walker.start, walker.end));
  return units;
}

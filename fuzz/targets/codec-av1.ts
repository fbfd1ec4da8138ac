/** AV1 under random bytes, taken as sequence header, av1C and temporal unit; an av1C is written again, and reads the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { av1ConfigCases, leb128Cases, temporalUnitCases } from "../../src/codecs/av1/av1.cases.ts";
import { parseAv1Config, writeAv1Config } from "../../src/codecs/av1/av1-config.ts";
import { parseLeb128, writeLeb128 } from "../../src/codecs/av1/leb128.ts";
import { parseObus } from "../../src/codecs/av1/obu.ts";
import { parseAv1SequenceHeader } from "../../src/codecs/av1/sequence-header.ts";
import { isAv1KeyFrame, trimTemporalDelimiter } from "../../src/codecs/av1/temporal-unit.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "codec-av1",
  covers: [
    "src/codecs/av1/sequence-header.ts",
    "src/codecs/av1/av1-config.ts",
    "src/codecs/av1/obu.ts",
    "src/codecs/av1/leb128.ts",
    "src/codecs/av1/temporal-unit.ts",
  ],
  corpora: ["codec_av1"],
  seeds: () =>
    [...av1ConfigCases, ...leb128Cases].map(({ bytes }) => bytes).concat(temporalUnitCases.map(({ unit }) => unit)),
  run(bytes) {
    for (const parse of [parseAv1SequenceHeader, rewriteConfig, walkTemporalUnit, rewriteLeb128]) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
  },
};

function rewriteConfig(bytes: Uint8Array): void {
  const config = parseAv1Config(bytes);
  assert(isDeepStrictEqual(parseAv1Config(writeAv1Config(config)), config), "the av1C changed");
}

function walkTemporalUnit(bytes: Uint8Array): void {
  let length = 0;
  for (const obu of parseObus(bytes)) length += obu.bytes.length;
  assert(length === bytes.length, "the OBUs are not the whole unit");
  isAv1KeyFrame(bytes);
  trimTemporalDelimiter(bytes);
}

function rewriteLeb128(bytes: Uint8Array): void {
  const value = parseLeb128(new ByteReader(bytes));
  const writer = new ByteWriter();
  writeLeb128(writer, value);
  assert(parseLeb128(new ByteReader(writer.finish())) === value, "the leb128 value changed");
}

import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { ERR_BITS_RANGE } from "../../bytes/bit-reader.ts";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { BitWriter } from "../aac/bit-writer.ts";
import { ERR_CODEC_LIMIT, ERR_CODEC_PARAMETER_SET } from "../errors.ts";
import { h264SpsCases } from "./sps.cases.ts";
import { parseH264Sps } from "./sps.ts";

it.each(h264SpsCases)("parses $name", ({ nal, sps }) => {
  const before = nal.slice();
  expect(parseH264Sps(nal)).toEqual(sps);
  expect(nal).toEqual(before);
});

it.each(vectors("h264-sps"))("agrees with vector $id", ({ data, expect: expected }) => {
  const sps = parseH264Sps(Uint8Array.fromHex(data));
  expect(sps).toMatchObject({ ...expected, fps: expect.closeTo(expected.fps, 3) });
});

describe("refuses", () => {
  const baseline = { profile: 66, spsId: 0, frames: 1, widthInMbs: 20, heightInMbs: 12 };

  it.each([
    ["a PPS", "68ebe3cb22c0", ERR_CODEC_PARAMETER_SET],
    ["a set forbidden bit", "e764000c", ERR_CODEC_PARAMETER_SET],
    ["nothing", "", ERR_TRUNCATED],
    ["the header alone", "67640029", ERR_TRUNCATED],
    ["an Exp-Golomb code without end", "67420029000000000000000000", ERR_BITS_RANGE],
  ])("%s", (_, hex, code) => {
    expect(() => parseH264Sps(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ["17 reference frames", { ...baseline, frames: 17 }],
    ["a width above 16,384 pixels", { ...baseline, widthInMbs: 1025 }],
    ["a width of 2^32 macroblocks", { ...baseline, widthInMbs: 2 ** 32 - 1 }],
    ["a height above 16,384 pixels", { ...baseline, heightInMbs: 1025 }],
    ["cropping that leaves nothing", { ...baseline, crop: 160 }],
    ["SPS 32", { ...baseline, spsId: 32 }],
  ])("%s", (_, fields) => {
    expect(() => parseH264Sps(baselineSps(fields))).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
  });

  it("but not the largest picture", () => {
    const largest = baselineSps({ ...baseline, widthInMbs: 1024, heightInMbs: 1024 });
    expect(parseH264Sps(largest)).toMatchObject({ width: 16_384, height: 16_384, fps: undefined });
  });
});

it("does not believe 90,000 frames per second (Android)", () => {
  const bits = sequence({ profile: 66, spsId: 0, frames: 1, widthInMbs: 20, heightInMbs: 12 });
  bits.bits(1, 1).bits(0, 4).bits(1, 1); // VUI with timing
  bits
    .bits(0, 16)
    .bits(1, 16)
    .bits(180_000 >> 16, 16)
    .bits(180_000 & 0xffff, 16);
  expect(parseH264Sps(bits.bits(0, 8).finish()).fps).toBeUndefined();
});

interface BaselineFields {
  profile: number;
  spsId: number;
  frames: number;
  widthInMbs: number;
  heightInMbs: number;
  crop?: number;
}

function baselineSps(fields: BaselineFields): Uint8Array {
  return sequence(fields).bits(0, 1).bits(1, 1).finish(); // no VUI
}

function sequence({ profile, spsId, frames, widthInMbs, heightInMbs, crop }: BaselineFields): BitWriter {
  const bits = new BitWriter().bits(0x67, 8).bits(profile, 8).bits(0, 8).bits(30, 8);
  for (const value of [spsId, 0, 2, frames]) ue(bits, value); // frame number bits, picture order count type 2
  bits.bits(0, 1);
  ue(bits, widthInMbs - 1);
  ue(bits, heightInMbs - 1);
  bits
    .bits(1, 1)
    .bits(0, 1)
    .bits(crop === undefined ? 0 : 1, 1);
  if (crop !== undefined) for (const value of [crop, 0, 0, 0]) ue(bits, value);
  return bits;
}

function ue(bits: BitWriter, value: number): void {
  const code = (value + 1).toString(2);
  bits.bits(0, code.length - 1);
  for (const digit of code) bits.bits(Number(digit), 1);
}

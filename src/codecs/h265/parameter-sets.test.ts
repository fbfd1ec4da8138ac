import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { BitReader } from "../../bytes/bit-reader.ts";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_LIMIT, ERR_CODEC_PARAMETER_SET, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { hevcConfigCases } from "./hevc-config.cases.ts";
import { skipShortTermRefPicSets } from "./short-term-ref-pic-set.ts";
import { parseH265Sps } from "./sps.ts";
import { parseH265Vps } from "./vps.ts";

it.each(vectors("h265-sps"))("agrees with vector $id", ({ data, expect: expected }) => {
  const sps = parseH265Sps(Uint8Array.fromHex(data));
  expect(sps).toMatchObject({ ...expected, fps: expect.closeTo(expected.fps, 3) });
});

it.each(vectors("h265-vps"))("agrees with vector $id", ({ data, expect: expected }) => {
  expect(parseH265Vps(Uint8Array.fromHex(data))).toMatchObject(expected);
});

it("parses VPS and SPS of x265", () => {
  const [vps, sps] = hevcConfigCases[0]!.config.arrays.map((array) => array.units[0]!);
  expect(parseH265Vps(vps!)).toMatchObject({ vpsId: 0, maxLayers: 1, profileIdc: 1, levelIdc: 60, fps: undefined });
  expect(parseH265Sps(sps!)).toMatchObject({
    width: 320,
    height: 180,
    fps: 25,
    chromaFormatIdc: 1,
    bitDepthLuma: 8,
    maxNumReorderPics: 2,
  });
});

describe("refuses", () => {
  it.each([
    ["a PPS", "4401c172b46240", ERR_CODEC_PARAMETER_SET],
    ["an SPS of another layer", "420901016000000300900000030000030078", ERR_CODEC_UNSUPPORTED],
    ["the header alone", "4201", ERR_TRUNCATED],
    ["8 sub-layers", "42010f", ERR_CODEC_LIMIT],
    ["a width of 0", "42010101600000030090000003000003003cac", ERR_CODEC_LIMIT],
  ])("%s as SPS", (_, hex, code) => {
    expect(() => parseH265Sps(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
  });

  it("a VPS whose reserved bits are not set", () => {
    const nal = Uint8Array.fromHex("40010c010fff016000000300900000030000030078959809");
    expect(() => parseH265Vps(nal)).toThrow(expect.objectContaining({ code: ERR_CODEC_PARAMETER_SET }));
  });
});

describe("short-term reference picture sets", () => {
  it("that are predicted have as many pictures as their flags leave", () => {
    // Set 0: one picture at -1. Set 1: predicted, shifted by +1: -1 becomes 0, which is no delta, and 0 becomes 1.
    // Set 2: predicted from one picture, so two pairs of flags. Then a marker.
    const bits = new BitReader(bitString("010 1 1 1", "1 0 1 1 1", "1 0 1 1 1", "0101"));
    skipShortTermRefPicSets(bits, 3);
    expect(bits.bits(4)).toBe(0b0101);
  });

  it("have a limit of pictures", () => {
    const bits = new BitReader(bitString("000010010", "1"));
    expect(() => skipShortTermRefPicSets(bits, 1)).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
  });
});

/** Bytes of the digits, filled up with zeros. */
function bitString(...parts: string[]): Uint8Array {
  const digits = parts.join("").replaceAll(" ", "");
  return Uint8Array.from(digits.match(/.{1,8}/g) ?? [], (byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
}

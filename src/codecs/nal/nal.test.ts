import { describe, expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_FRAMING, ERR_CODEC_LIMIT } from "../errors.ts";
import { maxNalUnitsPerAccessUnit, maxParameterSetBytes } from "../limits.ts";
import { parseAnnexB } from "./annex-b.ts";
import { unescapeParameterSet } from "./emulation-prevention.ts";
import { NalUnitWalker, parseNalLengthSize, writeNalUnits } from "./length-prefixed.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("emulation prevention", () => {
  it.each([
    ["nothing to remove", "670102", "670102"],
    ["one", "6700000301", "67000001"],
    ["one at the end", "67000003", "670000"],
    ["two that follow each other", "6700000300000300", "670000000000"],
    ["a 3 that counts anew after a removed one", "6700000300030003", "67000000030003"],
    ["nothing in two bytes", "0000", "0000"],
  ])("removes %s", (_, escaped, plain) => {
    expect(unescapeParameterSet(hex(escaped))).toEqual(hex(plain));
  });

  it("returns the same view when there is nothing to remove", () => {
    const nal = hex("670102");
    expect(unescapeParameterSet(nal)).toBe(nal);
  });

  it("refuses a parameter set longer than any configuration record can hold", () => {
    const nal = new Uint8Array(maxParameterSetBytes + 1);
    expect(() => unescapeParameterSet(nal)).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
  });
});

describe("length-prefixed NAL units", () => {
  it.each([
    [1, "02aabb0001cc"],
    [2, "0002aabb00000001cc"],
    [4, "00000002aabb0000000000000001cc"],
  ] as const)("are walked over with lengths of %i bytes, empty ones passed over", (size, frame) => {
    expect(walk(hex(frame), size)).toEqual([hex("aabb"), hex("cc")]);
  });

  it("are truncated when a length or a unit is", () => {
    for (const frame of ["000000", "00000002aa", "ffffffff00"]) {
      expect(() => walk(hex(frame), 4)).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
    }
  });

  it("are written as they are walked over", () => {
    const units = [hex("6742"), hex("68"), hex("650000")];
    expect(walk(writeNalUnits(units), 4)).toEqual(units);
  });

  it("have a limit", () => {
    expect(walk(writeNalUnits(Array(maxNalUnitsPerAccessUnit).fill(hex("41"))), 4)).toHaveLength(512);
    const tooMany = writeNalUnits(Array(maxNalUnitsPerAccessUnit + 1).fill(hex("41")));
    expect(() => walk(tooMany, 4)).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
  });

  it("have lengths of 1, 2 or 4 bytes", () => {
    expect([0, 1, 3].map(parseNalLengthSize)).toEqual([1, 2, 4]);
    expect(() => parseNalLengthSize(2)).toThrow(expect.objectContaining({ code: ERR_CODEC_CONFIG }));
  });
});

describe("Annex B", () => {
  it.each([
    ["start codes of 3 and 4 bytes", "0000016742000000016801", ["6742", "6801"]],
    ["zeros before and after units", "00000000000167420000000000000168010000", ["6742", "6801"]],
    ["empty units", "000001000001000001674200000001", ["6742"]],
    ["a start code that is all", "000001", []],
    ["ones that are no start code", "00000167010101000101", ["67010101000101"]],
  ])("is split at %s", (_, bytes, units) => {
    expect(parseAnnexB(hex(bytes))).toEqual(units.map(hex));
  });

  it.each(["", "6742", "01", "0001", "aa0000016742"])("is refused when it starts with %j", (bytes) => {
    expect(() => parseAnnexB(hex(bytes))).toThrow(expect.objectContaining({ code: ERR_CODEC_FRAMING }));
  });

  it("has a limit, which empty units don't count for", () => {
    expect(() => parseAnnexB(hex("00000141".repeat(maxNalUnitsPerAccessUnit + 1)))).toThrow(
      expect.objectContaining({ code: ERR_CODEC_LIMIT }),
    );
    expect(parseAnnexB(hex("000001".repeat(10_000)))).toEqual([]);
  });
});

function walk(frame: Uint8Array, lengthSize: 1 | 2 | 4): Uint8Array[] {
  const walker = new NalUnitWalker().reset(frame, lengthSize);
  const units: Uint8Array[] = [];
  while (walker.next()) units.push(frame.slice(walker.start, walker.end));
  return units;
}

import { expect, test } from "vitest";
import { expGolombCases } from "./bit-reader.cases.ts";
import { BitReader, ERR_BITS_RANGE } from "./bit-reader.ts";
import { ERR_TRUNCATED } from "./coded-error.ts";

test.each(expGolombCases)("reads the Exp-Golomb code $bits at every bit offset", ({ bits, ue, se }) => {
  for (let shift = 0; shift < 8; shift++) {
    const bytes = packBits("1".repeat(shift) + bits);
    const unsigned = new BitReader(bytes, shift);
    expect(unsigned.ue()).toBe(ue);
    expect(unsigned.bitOffset).toBe(shift + bits.length);
    expect(new BitReader(bytes, shift).se()).toBe(se);
  }
});

test("more leading zeros than any standard has are refused, and a code without end is truncated", () => {
  expect(() => new BitReader(packBits(`${"0".repeat(32)}1${"0".repeat(32)}`)).ue()).toThrow(
    expect.objectContaining({ code: ERR_BITS_RANGE }),
  );
  expect(() => new BitReader(new Uint8Array(3)).ue()).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  expect(() => new BitReader(packBits("0001")).ue()).not.toThrow();
  expect(() => new BitReader(Uint8Array.of(0x01)).ue()).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
});

test("any count of bits from any offset is what the bits say", () => {
  const bytes = Uint8Array.from({ length: 9 }, (_, i) => (i * 0x9d + 0x35) & 0xff);
  const text = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  for (let offset = 0; offset <= 40; offset++) {
    for (let count = 0; count <= 32; count++) {
      const reader = new BitReader(bytes, offset);
      expect(reader.bits(count)).toBe(count === 0 ? 0 : Number.parseInt(text.slice(offset, offset + count), 2));
      expect(reader.bitsLeft).toBe(72 - offset - count);
    }
  }
});

test("32 ones are 2^32 - 1 and not -1", () => {
  expect(new BitReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff)).bits(32)).toBe(2 ** 32 - 1);
});

test("reading or skipping past the end is truncated, and the reader stays where it was", () => {
  const reader = new BitReader(Uint8Array.of(0xa5));
  reader.skip(3);
  for (const work of [() => reader.bits(6), () => reader.skip(6)]) {
    expect(work).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
    expect(reader.bitOffset).toBe(3);
  }
  expect(reader.bits(5)).toBe(0b00101);
  expect(() => reader.flag()).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
});

function packBits(text: string): Uint8Array {
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, "0");
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

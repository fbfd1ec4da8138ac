import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_FRAMING, ERR_CODEC_LIMIT, ERR_CODEC_PARAMETER_SET } from "../errors.ts";
import { maxObusPerTemporalUnit } from "../limits.ts";
import { av1ConfigCases, leb128Cases, temporalUnitCases } from "./av1.cases.ts";
import { parseAv1Config, writeAv1Config } from "./av1-config.ts";
import { leb128Length, parseLeb128, writeLeb128, writeLeb128At } from "./leb128.ts";
import { parseObus } from "./obu.ts";
import { parseAv1SequenceHeader } from "./sequence-header.ts";
import { isAv1KeyFrame, trimTemporalDelimiter } from "./temporal-unit.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("leb128", () => {
  it.each(leb128Cases)("parses and writes $value", ({ bytes, value }) => {
    expect(parseLeb128(new ByteReader(bytes))).toBe(value);
    const writer = new ByteWriter();
    writeLeb128(writer, value);
    expect(writer.finish()).toEqual(bytes);
    const memory = new Uint8Array(leb128Length(value) + 2).fill(0xee);
    expect(writeLeb128At(memory, 1, value)).toBe(1 + bytes.length);
    expect(memory).toEqual(Uint8Array.of(0xee, ...bytes, 0xee));
  });

  it("takes more bytes than needed, up to 8", () => {
    expect(parseLeb128(new ByteReader(hex("8180808080808000")))).toBe(1);
  });

  it.each([
    ["ends in the middle", "80", ERR_TRUNCATED],
    ["has 9 bytes", "808080808080808000", ERR_CODEC_FRAMING],
    ["is 2^32", "8080808010", ERR_CODEC_FRAMING],
  ])("is refused when it %s", (_, bytes, code) => {
    expect(() => parseLeb128(new ByteReader(hex(bytes)))).toThrow(expect.objectContaining({ code }));
  });
});

describe("av1C", () => {
  it.each(av1ConfigCases)("parses and writes $name", ({ bytes, config }) => {
    const before = bytes.slice();
    expect(parseAv1Config(bytes)).toEqual(config);
    expect(writeAv1Config(config)).toEqual(bytes);
    expect(bytes).toEqual(before);
  });

  it("is refused without its marker and version, and when truncated", () => {
    expect(() => parseAv1Config(hex("01000c00"))).toThrow(expect.objectContaining({ code: ERR_CODEC_CONFIG }));
    expect(() => parseAv1Config(hex("81000c"))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  });
});

describe("a sequence header", () => {
  it.each(vectors("av1-sequence-header"))("agrees with vector $id", ({ data, expect: expected }) => {
    expect(parseAv1SequenceHeader(hex(data))).toMatchObject(expected);
  });

  it("tells what av1C repeats", () => {
    const { configObus, initialPresentationDelay, ...repeated } = av1ConfigCases[0]!.config;
    expect(parseAv1SequenceHeader(configObus)).toEqual({ ...repeated, width: 320, height: 180, fps: undefined });
  });

  it.each([
    ["another OBU", "1200", ERR_CODEC_PARAMETER_SET],
    ["a set forbidden bit", "8a0b00", ERR_CODEC_FRAMING],
    ["a reserved profile", "0a01e0", ERR_CODEC_LIMIT],
    ["a size past the end", "0a0b0000", ERR_TRUNCATED],
    ["nothing in it", "0a00", ERR_TRUNCATED],
    ["a width of 65,536", "0a0b000000047ffffffffffff0", ERR_CODEC_LIMIT],
  ])("is refused with %s", (_, bytes, code) => {
    expect(() => parseAv1SequenceHeader(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });
});

describe("a temporal unit", () => {
  it.each(temporalUnitCases)("$name", ({ unit, isKey, trimmedFrom }) => {
    expect(isAv1KeyFrame(unit)).toBe(isKey);
    expect(trimTemporalDelimiter(unit)).toEqual(unit.subarray(trimmedFrom));
  });

  it("has a limit of OBUs", () => {
    const padding = hex("7a00".repeat(maxObusPerTemporalUnit));
    expect([...parseObus(padding)]).toHaveLength(maxObusPerTemporalUnit);
    const tooMany = hex("7a00".repeat(maxObusPerTemporalUnit + 1));
    expect(() => [...parseObus(tooMany)]).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
  });
});

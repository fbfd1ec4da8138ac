import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_LIMIT, ERR_CODEC_PARAMETER_SET, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { parseVvcSps } from "./sps.ts";
import { vvcConfigCases, vvcSps720p } from "./vvc-config.cases.ts";
import { parseVvcConfig, vvcConfigOf, writeVvcConfig } from "./vvc-config.ts";

it.each(vvcConfigCases)("parses $name", ({ bytes, config }) => {
  const before = bytes.slice();
  expect(parseVvcConfig(bytes)).toEqual(config);
  expect(bytes).toEqual(before);
});

it.each(vvcConfigCases)("parses $name with the version and flags of the ISO box", ({ bytes, config }) => {
  expect(parseVvcConfig(Uint8Array.of(0, 0, 0, 0, ...bytes))).toEqual(config);
});

it.each(vvcConfigCases)("calls every shorter piece of $name truncated", ({ bytes }) => {
  for (let length = 0; length < bytes.length; length++) {
    expect(() => parseVvcConfig(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  }
});

it.each([
  ["wrong reserved bits", "7f00", ERR_CODEC_CONFIG],
  ["no constraint bytes", "ff00115f0002338000", ERR_CODEC_LIMIT],
  ["a picture 16,385 wide", "ff00115f01023380004001", ERR_CODEC_LIMIT],
])("refuses a record with %s", (_, hex, code) => {
  expect(() => parseVvcConfig(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

it("parses the beginning of an SPS", () => {
  expect(parseVvcSps(vvcSps720p)).toEqual({
    spsId: 0,
    profileTierLevel: { profileIdc: 1, highTier: false, levelIdc: 51, constraintInfo: Uint8Array.of(0x80) },
    maxSubLayers: 6,
    chromaFormatIdc: 1,
    width: 1280,
    height: 720,
    bitDepth: 10,
  });
});

it.each([
  ["a PPS", "008100000501005a", ERR_CODEC_PARAMETER_SET],
  ["an SPS of another layer", "017900ad0233", ERR_CODEC_UNSUPPORTED],
  ["the header alone", "0079", ERR_TRUNCATED],
  ["8 sub-layers", "007900ed", ERR_CODEC_LIMIT],
])("refuses %s as SPS", (_, hex, code) => {
  expect(() => parseVvcSps(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

it("writes what it parses, without OPI and DCI", () => {
  const [full, bare] = vvcConfigCases.map(({ config }) => config);
  const config = { ...full!, arrays: full!.arrays.filter(({ nalType }) => nalType === 15) };
  expect(parseVvcConfig(writeVvcConfig(config))).toEqual(config);
  expect(writeVvcConfig(bare!)).toEqual(vvcConfigCases[1]!.bytes);
});

it("makes a record of parameter sets, in which nothing is said of the frame rate", () => {
  const pps = Uint8Array.fromHex("008100");
  const { native } = vvcConfigCases[0]!.config;
  const config = vvcConfigOf([], [vvcSps720p], [pps]);
  expect(config).toEqual({
    lengthSize: 4,
    native: { ...native, avgFrameRate: 0 },
    arrays: [
      { nalType: 15, complete: false, units: [vvcSps720p] },
      { nalType: 16, complete: false, units: [pps] },
    ],
  });
  expect(parseVvcConfig(writeVvcConfig(config))).toEqual(config);
  expect(() => vvcConfigOf([], [vvcSps720p], [])).toThrow(expect.objectContaining({ code: ERR_CODEC_CONFIG }));
});

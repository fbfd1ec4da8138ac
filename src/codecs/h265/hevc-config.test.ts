import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { hevcConfigCases } from "./hevc-config.cases.ts";
import { hevcConfigOf, parseHevcConfig, writeHevcConfig } from "./hevc-config.ts";

it.each(hevcConfigCases)("parses and writes $name", ({ bytes, config }) => {
  const before = bytes.slice();
  expect(parseHevcConfig(bytes)).toEqual(config);
  expect(writeHevcConfig(config)).toEqual(bytes);
  expect(bytes).toEqual(before);
});

it.each(hevcConfigCases)("calls every shorter piece of $name truncated", ({ bytes }) => {
  for (let length = 0; length < bytes.length; length++) {
    expect(() => parseHevcConfig(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  }
});

it("takes version 0, which encoders from before the standard write", () => {
  const { bytes, config } = hevcConfigCases[0]!;
  expect(parseHevcConfig(Uint8Array.of(0, ...bytes.subarray(1)))).toEqual(config);
});

it("refuses another version, and an empty parameter set", () => {
  const { bytes } = hevcConfigCases[1]!;
  const code = ERR_CODEC_CONFIG;
  expect(() => parseHevcConfig(Uint8Array.of(2, ...bytes.subarray(1)))).toThrow(expect.objectContaining({ code }));
  const empty = Uint8Array.of(...bytes.subarray(0, 22), 1, 0x20, 0, 1, 0, 0);
  expect(() => parseHevcConfig(empty)).toThrow(expect.objectContaining({ code }));
});

it("is made of parameter sets, as FFmpeg makes it of the same", () => {
  const { config } = hevcConfigCases[0]!;
  const [vps = [], sps = [], pps = []] = config.arrays.map(({ units }) => units);
  expect(hevcConfigOf(vps, sps, pps)).toEqual(config);
  expect(hevcConfigOf([], sps, pps).arrays).toHaveLength(2);
});

it("is not made without an SPS, nor without a PPS", () => {
  const [, sps = [], pps = []] = hevcConfigCases[0]!.config.arrays.map(({ units }) => units);
  const refused = expect.objectContaining({ code: ERR_CODEC_CONFIG });
  expect(() => hevcConfigOf([], [], pps)).toThrow(refused);
  expect(() => hevcConfigOf([], sps, [])).toThrow(refused);
});

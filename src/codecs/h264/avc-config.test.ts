import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { avcConfigCases } from "./avc-config.cases.ts";
import { avcConfigOf, parseAvcConfig, writeAvcConfig } from "./avc-config.ts";

it.each(avcConfigCases)("parses and writes $name", ({ bytes, config }) => {
  const before = bytes.slice();
  expect(parseAvcConfig(bytes)).toEqual(config);
  expect(writeAvcConfig(config)).toEqual(bytes);
  expect(bytes).toEqual(before);
});

it.each(avcConfigCases)("calls every shorter piece of $name truncated", ({ bytes, config }) => {
  const highPart = config.high === undefined ? 0 : 4;
  for (let length = 0; length < bytes.length - highPart; length++) {
    expect(() => parseAvcConfig(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  }
});

it.each([
  ["another version", "0064001fffe000"],
  ["lengths of 3 bytes", "0164001ffee000"],
  ["an empty SPS", "0164001fffe1000000"],
])("refuses %s", (_, hex) => {
  expect(() => parseAvcConfig(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code: ERR_CODEC_CONFIG }));
});

it("is made of parameter sets, as FFmpeg makes it of the same", () => {
  const { config } = avcConfigCases[0]!;
  expect(avcConfigOf(config.sps, config.pps)).toEqual(config);
});

it("is not made without an SPS, nor without a PPS", () => {
  const { sps, pps } = avcConfigCases[0]!.config;
  const refused = expect.objectContaining({ code: ERR_CODEC_CONFIG });
  expect(() => avcConfigOf([], pps)).toThrow(refused);
  expect(() => avcConfigOf(sps, [])).toThrow(refused);
});

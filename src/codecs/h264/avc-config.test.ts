import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { avcConfigCases } from "./avc-config.cases.ts";
import { parseAvcConfig, writeAvcConfig } from "./avc-config.ts";

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

import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_LIMIT } from "../errors.ts";
import { pcmConfigCases } from "./pcm-config.cases.ts";
import { parsePcmConfig, writePcmConfig } from "./pcm-config.ts";

it.each(pcmConfigCases)("parses and writes $name", ({ bytes, config }) => {
  const before = bytes.slice();
  expect(parsePcmConfig(bytes)).toEqual(config);
  expect(writePcmConfig(config)).toEqual(bytes);
  expect(bytes).toEqual(before);
});

it.each([
  ["five bytes", "00001f4001", ERR_TRUNCATED],
  ["a rate of 0", "000000000110", ERR_CODEC_LIMIT],
  ["a rate of 4 GHz", "ffffffff0110", ERR_CODEC_LIMIT],
  ["no channels", "00001f400010", ERR_CODEC_LIMIT],
  ["samples of 32 bits", "00001f400120", ERR_CODEC_LIMIT],
])("refuses %s", (_, hex, code) => {
  expect(() => parsePcmConfig(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

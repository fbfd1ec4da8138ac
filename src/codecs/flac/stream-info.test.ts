import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_LIMIT } from "../errors.ts";
import { flacCases } from "./stream-info.cases.ts";
import { parseFlacStreamInfo } from "./stream-info.ts";

const { bytes: block } = flacCases[0]!;

it.each(flacCases)("parses $name", ({ bytes, info }) => {
  expect(parseFlacStreamInfo(bytes)).toEqual(info);
});

it.each(["00000022", "80000022", "664c614300000022", "664c614380000022", "664c6143"])(
  "parses the block behind %s",
  (head) => {
    expect(parseFlacStreamInfo(Uint8Array.of(...Uint8Array.fromHex(head), ...block))).toEqual(flacCases[0]!.info);
  },
);

it("calls every shorter piece truncated", () => {
  for (let length = 0; length < block.length; length++) {
    const code = ERR_TRUNCATED;
    expect(() => parseFlacStreamInfo(block.subarray(0, length))).toThrow(expect.objectContaining({ code }));
  }
});

it.each([
  ["blocks of 15 samples", { 0: 0, 1: 15 }, ERR_CODEC_CONFIG],
  ["a least block above the largest", { 2: 0 }, ERR_CODEC_CONFIG],
  ["a rate of 0", { 10: 0, 11: 0, 12: 2 }, ERR_CODEC_LIMIT],
  ["a rate above 655,350", { 10: 0xff, 11: 0xff, 12: 0xf2 }, ERR_CODEC_LIMIT],
  ["3 bits per sample", { 12: 2, 13: 0x20 }, ERR_CODEC_LIMIT],
] as const)("refuses %s", (_, changes, code) => {
  const bytes = Object.assign(block.slice(), changes);
  expect(() => parseFlacStreamInfo(bytes)).toThrow(expect.objectContaining({ code }));
});

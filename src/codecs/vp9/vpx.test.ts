import { describe, expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_FRAME_HEADER, ERR_CODEC_LIMIT } from "../errors.ts";
import { isVp8KeyFrame, parseVp8FrameHeader } from "../vp8/frame-header.ts";
import { isVp9KeyFrame, parseVp9FrameHeader } from "./frame-header.ts";
import { vp9LevelOfSize } from "./level.ts";
import { parseVpcConfig, writeVpcConfig } from "./vpc-config.ts";
import { vp8FrameCases, vp9FrameCases, vpcConfigCases } from "./vpx.cases.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("vpcC", () => {
  it.each(vpcConfigCases)("parses and writes $name", ({ bytes, config }) => {
    const before = bytes.slice();
    expect(parseVpcConfig(bytes)).toEqual(config);
    expect(writeVpcConfig(config)).toEqual(bytes);
    expect(bytes).toEqual(before);
  });

  it.each(vpcConfigCases)("parses $name without version and flags", ({ bytes, config }) => {
    expect(parseVpcConfig(bytes.subarray(4))).toEqual(config);
  });

  it.each([
    ["truncated", "01000000000b8202020200", ERR_TRUNCATED],
    ["with a bit depth of 9", "01000000000b920202020000", ERR_CODEC_CONFIG],
    ["with profile 4", "01000000040b820202020000", ERR_CODEC_CONFIG],
    ["with initialization data", "01000000000b820202020001ff", ERR_CODEC_CONFIG],
  ])("is refused %s", (_, bytes, code) => {
    expect(() => parseVpcConfig(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });
});

describe("VP9", () => {
  it.each(vp9FrameCases)("parses the header of a $name", ({ frame, header }) => {
    expect(parseVp9FrameHeader(frame)).toEqual(header);
    expect(isVp9KeyFrame(frame)).toBe(header.isKey);
  });

  it.each([
    ["no frame marker", "424983420013f00b36", ERR_CODEC_FRAME_HEADER],
    ["a wrong sync code", "824983430013f00b36", ERR_CODEC_FRAME_HEADER],
    ["RGB in profile 0", "82498342e013f00b36", ERR_CODEC_FRAME_HEADER],
    ["a reserved bit in profile 3", "b8", ERR_CODEC_FRAME_HEADER],
    ["a width of 65,536", "824983420ffff00b36", ERR_CODEC_LIMIT],
    ["nothing", "", ERR_TRUNCATED],
    ["half a size", "824983420013", ERR_TRUNCATED],
  ])("refuses a frame with %s", (_, bytes, code) => {
    expect(() => parseVp9FrameHeader(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  it("estimates the level from the size", () => {
    expect(vp9LevelOfSize(0, 0)).toBe(10);
    expect(vp9LevelOfSize(1920, 1080)).toBe(40);
    expect(vp9LevelOfSize(3840, 2160)).toBe(50);
    expect(vp9LevelOfSize(16_384, 16_384)).toBe(62);
  });
});

describe("VP8", () => {
  it.each(vp8FrameCases)("parses the header of a $name", ({ frame, header }) => {
    expect(parseVp8FrameHeader(frame)).toEqual(header);
    expect(isVp8KeyFrame(frame)).toBe(header.isKey);
  });

  it.each([
    ["a wrong start code", "1062009d012b4001b400", ERR_CODEC_FRAME_HEADER],
    ["no width", "1062009d012a0000b400", ERR_CODEC_LIMIT],
    ["half a size", "1062009d012a4001b4", ERR_TRUNCATED],
    ["nothing", "", ERR_TRUNCATED],
  ])("refuses a frame with %s", (_, bytes, code) => {
    expect(() => parseVp8FrameHeader(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  it("knows that no bytes are no key frame", () => {
    expect(isVp8KeyFrame(hex(""))).toBe(false);
    expect(isVp9KeyFrame(hex(""))).toBe(false);
  });
});

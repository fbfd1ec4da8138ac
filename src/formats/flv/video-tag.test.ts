import { expect, test } from "vitest";
import { corpusSeeds, hexBytes } from "../../../test/support/material.ts";
import { AssertionError } from "../../bytes/assert.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_FLV_CODEC, ERR_FLV_MODEX, ERR_FLV_MULTITRACK, ERR_FLV_PACKET_TYPE } from "./errors.ts";
import { maxModExPerTag, maxTracksPerTag } from "./limits.ts";
import { videoTagCases } from "./video-tag.cases.ts";
import {
  canWriteVideo,
  parseVideoTag,
  type VideoTagHeaderOptions,
  videoTagHeaderLength,
  writeVideoTagHeader,
} from "./video-tag.ts";

test.each(videoTagCases)("reads: $name", ({ hex, tag }) => {
  const body = hexBytes(hex);
  const before = body.slice();
  const parsed = parseVideoTag(body);
  expect(parsed).toEqual(tag);
  expect(body).toEqual(before);
  for (const { data } of parsed.tracks) expect(data.buffer).toBe(body.buffer);
});

test.each(videoTagCases.filter(({ options }) => options))("writes: $name", ({ hex, tag, options }) => {
  const data = tag.tracks[0]?.data as Uint8Array;
  expect(writeBody(options as VideoTagHeaderOptions, data).toHex()).toBe(hex);
});

test.each([
  ["an empty body", "", ERR_TRUNCATED],
  ["half an AVC header", "170100", ERR_TRUNCATED],
  ["a FourCC that is cut", "9068766", ERR_TRUNCATED],
  ["VP6", "14", ERR_FLV_CODEC],
  ["an unknown FourCC", "906865763100", ERR_FLV_CODEC],
  ["AVC packet type 3", "1703000000", ERR_FLV_PACKET_TYPE],
  ["packet type 8", "9868766331", ERR_FLV_PACKET_TYPE],
  ["Multitrack inside Multitrack", "96066876633100", ERR_FLV_PACKET_TYPE],
  ["ModEx inside Multitrack", "96076876633100", ERR_FLV_PACKET_TYPE],
  ["multitrack form 3", "96316876633100", ERR_FLV_MULTITRACK],
  ["many tracks without a track", "961168766331", ERR_TRUNCATED],
  ["a track longer than the body", "961168766331000000ffaa", ERR_TRUNCATED],
  ["a track too short for its composition time", "96116876633100000001aa", ERR_TRUNCATED],
  ["too many tracks", `961368766331${"00000000".repeat(maxTracksPerTag + 1)}`, ERR_FLV_MULTITRACK],
  ["nanoseconds of two bytes", "a70100000368766331", ERR_FLV_MODEX],
  ["a million nanoseconds", "a7020f42400368766331", ERR_FLV_MODEX],
  ["ModEx beyond the body", "a7ffffff00", ERR_TRUNCATED],
  ["too many ModEx", `a7${"000017".repeat(maxModExPerTag + 1)}0368766331`, ERR_FLV_MODEX],
])("refuses %s", (_name, hex, code) => {
  expect(codeOf(hexBytes(hex))).toBe(code);
});

test("names the codec that it refuses", () => {
  expect(() => parseVideoTag(hexBytes("12"))).toThrow("video codec Sorenson H.263 (id 2) is not supported");
  expect(() => parseVideoTag(hexBytes("9068657631"))).toThrow('video codec "hev1" (0x68657631) is not supported');
  expect(() => parseVideoTag(hexBytes("900a000041"))).toThrow('"???A" (0x0a000041)');
});

test("knows what each mode can carry", () => {
  expect(canWriteVideo("legacy", "h264")).toBe(true);
  expect(canWriteVideo("legacy", "h265")).toBe(false);
  expect(canWriteVideo("legacy-hevc12", "h265")).toBe(true);
  expect(canWriteVideo("legacy-hevc12", "av1")).toBe(false);
  expect(canWriteVideo("enhanced", "vvc")).toBe(true);
});

test("what a mode cannot carry is our own bug", () => {
  const options = videoTagCases[0]?.options as VideoTagHeaderOptions;
  const target = new Uint8Array(32);
  for (const wrong of [{ codec: "av1" }, { trackId: 1 }, { packetType: "metadata" }] as const) {
    expect(() => writeVideoTagHeader(target, 0, { ...options, ...wrong })).toThrow(AssertionError);
  }
});

test("seeds are read, or refused with a code", () => {
  for (const { bytes } of corpusSeeds("flv_tag_body")) codeOf(bytes);
});

function writeBody(options: VideoTagHeaderOptions, data: Uint8Array): Uint8Array {
  const headerLength = videoTagHeaderLength(options);
  const body = new Uint8Array(3 + headerLength + data.length);
  expect(writeVideoTagHeader(body, 3, options)).toBe(3 + headerLength);
  body.set(data, 3 + headerLength);
  return body.subarray(3);
}

function codeOf(body: Uint8Array): string | undefined {
  try {
    parseVideoTag(body);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

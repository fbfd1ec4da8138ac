import { expect, test } from "vitest";
import { corpusSeeds, hexBytes } from "../../../test/support/material.ts";
import { AssertionError } from "../../bytes/assert.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { audioTagCases } from "./audio-tag.cases.ts";
import {
  type AudioTagHeaderOptions,
  audioTagHeaderLength,
  canWriteAudio,
  parseAudioTag,
  writeAudioTagHeader,
} from "./audio-tag.ts";
import { ERR_FLV_CODEC, ERR_FLV_MULTITRACK, ERR_FLV_PACKET_TYPE } from "./errors.ts";
import { maxTracksPerTag } from "./limits.ts";

test.each(audioTagCases)("reads: $name", ({ hex, tag }) => {
  const body = hexBytes(hex);
  const before = body.slice();
  const parsed = parseAudioTag(body);
  expect(parsed).toEqual(tag);
  expect(body).toEqual(before);
  for (const { data } of parsed.tracks) expect(data.buffer).toBe(body.buffer);
});

test.each(audioTagCases.filter(({ options }) => options))("writes: $name", ({ hex, tag, options }) => {
  const data = tag.tracks[0]?.data as Uint8Array;
  const headerLength = audioTagHeaderLength(options as AudioTagHeaderOptions);
  const body = new Uint8Array(3 + headerLength + data.length);
  expect(writeAudioTagHeader(body, 3, options as AudioTagHeaderOptions)).toBe(3 + headerLength);
  body.set(data, 3 + headerLength);
  expect(body.subarray(3).toHex()).toBe(hex);
});

test.each([
  ["an empty body, RTMP's message of silence", "", ERR_TRUNCATED],
  ["AAC without its packet type", "af", ERR_TRUNCATED],
  ["a FourCC that is cut", "904f70", ERR_TRUNCATED],
  ["an unknown FourCC", "9053706578", ERR_FLV_CODEC],
  ["AAC packet type 2", "af02", ERR_FLV_PACKET_TYPE],
  ["packet type 3", "934f707573", ERR_FLV_PACKET_TYPE],
  ["packet type 6", "964f707573", ERR_FLV_PACKET_TYPE],
  ["Multitrack inside Multitrack", "95054f70757300", ERR_FLV_PACKET_TYPE],
  ["multitrack form 15", "95f14f70757300", ERR_FLV_MULTITRACK],
  ["a track longer than the body", "95114f707573000000ffaa", ERR_TRUNCATED],
  ["too many tracks", `95114f707573${"00000000".repeat(maxTracksPerTag + 1)}`, ERR_FLV_MULTITRACK],
])("refuses %s", (_name, hex, code) => {
  expect(codeOf(hexBytes(hex))).toBe(code);
});

test.each([
  ["7f", "audio codec G.711 A-law (id 7) is not supported"],
  ["8f", "audio codec G.711 mu-law (id 8) is not supported"],
  ["b6", "audio codec Speex (id 11) is not supported"],
  ["c0", "audio codec unknown (id 12) is not supported"],
])("names the codec that it refuses: %s", (hex, message) => {
  expect(() => parseAudioTag(hexBytes(hex))).toThrow(message);
});

test("knows what each mode can carry", () => {
  expect(canWriteAudio("legacy", "aac")).toBe(true);
  expect(canWriteAudio("legacy", "mp3")).toBe(true);
  expect(canWriteAudio("legacy", "opus")).toBe(false);
  expect(canWriteAudio("enhanced", "opus")).toBe(true);
});

test("what a mode cannot carry is our own bug", () => {
  const options = audioTagCases[0]?.options as AudioTagHeaderOptions;
  const target = new Uint8Array(32);
  for (const wrong of [{ codec: "opus" }, { codec: "mp3" }, { trackId: 1 }, { packetType: "sequence-end" }] as const) {
    expect(() => writeAudioTagHeader(target, 0, { ...options, ...wrong })).toThrow(AssertionError);
  }
});

test("seeds are read, or refused with a code", () => {
  for (const { bytes } of corpusSeeds("flv_tag_body")) codeOf(bytes);
});

function codeOf(body: Uint8Array): string | undefined {
  try {
    parseAudioTag(body);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

import { expect, test } from "vitest";
import { corpusSeeds, hexBytes } from "../../../test/support/material.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_FLV_ENCRYPTED, ERR_FLV_HEADER, ERR_FLV_TAG_TOO_LONG } from "./errors.ts";
import { FlvReader, type FlvTag } from "./flv-reader.ts";
import {
  flvHeaderLength,
  flvTagHeaderLength,
  flvTagTrailerLength,
  flvTagType,
  writeFlvHeader,
  writeFlvTagHeader,
  writeFlvTagTrailer,
} from "./tag.ts";

const tags: readonly FlvTag[] = [
  { type: flvTagType.script, timestampMs: 0, body: hexBytes("02000161") },
  { type: flvTagType.video, timestampMs: 0xff_ffff, body: hexBytes("1700000000aabb") },
  { type: flvTagType.audio, timestampMs: 0x100_0000, body: hexBytes("af0121") },
  { type: flvTagType.audio, timestampMs: 0xffff_ffff, body: new Uint8Array(0) },
  { type: flvTagType.video, timestampMs: 0, body: new Uint8Array(70_000).fill(0x27) },
];

test("a file is read as it was written", () => {
  const reader = new FlvReader();
  reader.handle(writeFile(tags));
  expect(pollAll(reader)).toEqual(tags);
  expect(reader.header).toEqual({ hasAudio: true, hasVideo: true, dataOffset: 9 });
  expect(reader.heldBytes).toBe(flvTagTrailerLength);
});

test("random pieces give the same tags", () => {
  const file = writeFile(tags);
  for (let seed = 1; seed <= 50; seed++) expect(readInPieces(file, seed), `seed ${seed}`).toEqual(tags);
});

test("a tag is given before the size behind it has come", () => {
  const reader = new FlvReader();
  const file = writeFile(tags.slice(0, 1));
  reader.handle(file.subarray(0, file.length - flvTagTrailerLength));
  expect(pollAll(reader)).toEqual(tags.slice(0, 1));
});

test("bodies are the receiver's own", () => {
  const reader = new FlvReader();
  const file = writeFile(tags);
  reader.handle(file);
  const first = reader.poll();
  file.fill(0);
  reader.handle(writeFile(tags));
  expect(first).toEqual(tags[0]);
});

test("a declared length allocates nothing", () => {
  const reader = new FlvReader();
  reader.handle(hexBytes("464c5601050000000900000000 09ffffff00000000000000".replace(" ", "")));
  expect(reader.poll()).toBeUndefined();
  expect(reader.heldBytes).toBe(15);
});

test("a longer header is skipped", () => {
  const reader = new FlvReader();
  reader.handle(hexBytes("464c5601010000000baaaa"));
  expect(pollAll(reader)).toEqual([]);
  reader.handle(writeFile(tags).subarray(9));
  expect(pollAll(reader)).toEqual(tags);
  expect(reader.header).toEqual({ hasAudio: false, hasVideo: true, dataOffset: 11 });
});

test.each([
  ["another file", "474554202f20485454", ERR_FLV_HEADER],
  ["another version", "464c5602050000000900000000", ERR_FLV_HEADER],
  ["a header of 8 bytes", "464c5601050000000800000000", ERR_FLV_HEADER],
  ["a header of 4 GiB", "464c560105ffffffff00000000", ERR_FLV_HEADER],
  ["an encrypted tag", "464c56010500000009000000002900000000000000000000", ERR_FLV_ENCRYPTED],
  ["a tag beyond the reader's limit", "464c56010500000009000000000900006500000000000000", ERR_FLV_TAG_TOO_LONG],
])("refuses %s, each time", (_name, hex, code) => {
  const reader = new FlvReader(100);
  reader.handle(hexBytes(hex));
  expect(codeOf(reader)).toBe(code);
  expect(codeOf(reader)).toBe(code);
});

test("seeds are read, or refused with a code", () => {
  for (const { bytes } of corpusSeeds("flv")) {
    const reader = new FlvReader();
    reader.handle(bytes);
    codeOf(reader);
  }
});

function writeFile(content: readonly FlvTag[]): Uint8Array {
  const perTag = flvTagHeaderLength + flvTagTrailerLength;
  const length = content.reduce((sum, { body }) => sum + perTag + body.length, flvHeaderLength);
  const file = new Uint8Array(length);
  let at = writeFlvHeader(file, 0, true, true);
  for (const { type, timestampMs, body } of content) {
    at = writeFlvTagHeader(file, at, type, body.length, timestampMs);
    file.set(body, at);
    at = writeFlvTagTrailer(file, at + body.length, body.length);
  }
  expect(at).toBe(length);
  return file;
}

function readInPieces(file: Uint8Array, seed: number): FlvTag[] {
  const reader = new FlvReader();
  const read: FlvTag[] = [];
  let state = seed;
  for (let at = 0; at < file.length; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const length = 1 + ((state >>> 16) % (state % 3 === 0 ? 5000 : 20));
    reader.handle(file.subarray(at, at + length));
    read.push(...pollAll(reader));
    at += length;
  }
  return read;
}

function pollAll(reader: FlvReader): FlvTag[] {
  const read: FlvTag[] = [];
  for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) read.push(tag);
  return read;
}

function codeOf(reader: FlvReader): string | undefined {
  try {
    pollAll(reader);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

import { describe, expect, test } from "vitest";
import { tagBytes, tagCases } from "./flv-splitter.cases.ts";
import { FlvSplitter, type FlvTag, flvFileHeader, setTimestamp } from "./flv-splitter.ts";

const header = flvFileHeader({ hasAudio: true, hasVideo: true });
const stream = Uint8Array.from([...header, ...tagCases.flatMap(tagBytes)]);

describe("FlvSplitter", () => {
  test.each(tagCases)("reads $name", (tagCase) => {
    const bytes = tagBytes(tagCase);
    const [tag, ...more] = new FlvSplitter().push(Uint8Array.from([...header, ...bytes]));
    expect(more).toEqual([]);
    expect(tag).toMatchObject({ ...tagCase.read, timestampMs: tagCase.timestampMs });
    expect([...(tag?.bytes ?? [])]).toEqual(bytes);
    expect([...(tag?.configuration ?? [])]).toEqual(tagCase.configuration ?? []);
  });

  test.each([1, 2, 7, 13, 64, 1_000])("reads the same in pieces of %i bytes", (size) => {
    const splitter = new FlvSplitter();
    const tags: FlvTag[] = [];
    const input = stream.slice();
    for (let at = 0; at < input.length; at += size) tags.push(...splitter.push(input.subarray(at, at + size)));
    expect(tags.map(({ timestampMs, role }) => [timestampMs, role])).toEqual(
      tagCases.map(({ timestampMs, read }) => [timestampMs, read.role]),
    );
    expect(splitter.header).toEqual({ hasAudio: true, hasVideo: true });
    expect(input).toEqual(stream);
  });

  test("keeps no view of what it was given", () => {
    const input = stream.slice();
    const tags = new FlvSplitter().push(input);
    input.fill(0);
    expect([...(tags[0]?.bytes ?? [])]).toEqual(tagBytes(tagCases[0]!));
  });

  test("refuses what is not FLV", () => {
    expect(() => new FlvSplitter().push(new TextEncoder().encode("<!doctype html>"))).toThrow("not FLV");
  });

  test("refuses a tag that no encoder sends, before its bytes have come", () => {
    const splitter = new FlvSplitter();
    const huge = Uint8Array.of(9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0);
    expect(() => splitter.push(Uint8Array.from([...header, ...huge]))).toThrow("damaged");
  });
});

test("setTimestamp writes all 32 bits", () => {
  const [tag] = new FlvSplitter().push(stream);
  setTimestamp(tag!.bytes, 0xfedc_ba98);
  const again = new FlvSplitter().push(Uint8Array.from([...header, ...tag!.bytes]));
  expect(again[0]?.timestampMs).toBe(0xfedc_ba98);
});

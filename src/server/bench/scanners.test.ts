/** Both scanners beside the readers that keep everything: same tags, whatever the pieces. */

import { describe, expect, test } from "vitest";
import { FlvReader } from "../../formats/flv/flv-reader.ts";
import { flvHeaderLength, writeFlvHeader, writeFlvTagHeader, writeFlvTagTrailer } from "../../formats/flv/tag.ts";
import { badChunkCases, chunkCases } from "../../protocols/rtmp/chunk-reader.cases.ts";
import { randomPieces, seededRandom } from "../../protocols/rtmp/pair.cases.ts";
import { FlvScanner } from "./flv-scanner.ts";
import { MediaChecks } from "./media-checks.ts";
import { RtmpScanner } from "./rtmp-scanner.ts";

const player = 1; // of three: a neighbour's row would show

describe("RTMP", () => {
  test.each(chunkCases)("$what", ({ hex, messages }) => {
    const bytes = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    const media = messages.filter(([type]) => type === 8 || type === 9).length;
    const kept = messages
      .filter(([type]) => type < 8 || type === 17 || type === 20)
      .map(([type, , , payload]) => [type, payload]);
    for (const pieces of [
      [bytes],
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
      [...randomPieces(bytes, seededRandom(7))],
    ]) {
      expect(scanRtmp(pieces)).toMatchObject({ tagCount: media, kept });
    }
  });

  // What is too much to keep for a reader is nothing to a scanner: it refuses what is wrong, not what is much.
  test.each(badChunkCases.filter(({ code }) => code === "ERR_RTMP_CHUNK_ORDER"))("refuses $what", ({ hex }) => {
    expect(scanRtmp([Uint8Array.fromHex(hex.replaceAll(" ", ""))]).code).toBe("ERR_BENCH_FRAMING");
  });

  test.each([
    ["a type that does not exist", "06 000000 000001 0a 01000000 00"],
    ["a command longer than any", "03 000000 002001 14 01000000 00"],
    [
      "nine chunk streams",
      Array.from({ length: 9 }, (_, i) => `${(i + 2).toString(16).padStart(2, "0")} 000000 000000 09 01000000`).join(
        "",
      ),
    ],
  ])("refuses %s", (_what, hex) => {
    expect(scanRtmp([Uint8Array.fromHex(hex.replaceAll(" ", ""))]).code).toBe("ERR_BENCH_FRAMING");
  });

  function scanRtmp(pieces: Iterable<Uint8Array>): { tagCount: number; kept: unknown[]; code?: string } {
    const checks = new MediaChecks(3, 500);
    const kept: unknown[] = [];
    const scanner = new RtmpScanner(3, checks, (who, type, payload) => {
      expect(who).toBe(player);
      kept.push([type, payload.toHex()]);
    });
    scanner.reset(player);
    try {
      for (const piece of pieces) scanner.scan(player, piece, 0, piece.length, 1);
    } catch (error) {
      return { tagCount: checks.tagCount, kept, code: (error as { code: string }).code };
    }
    return { tagCount: checks.tagCount, kept };
  }
});

describe("FLV", () => {
  test("counts the tags of a good stream, in pieces of any size, and for the next one in the row again", () => {
    const bytes = flv([...stream(50)]);
    const scanner = new FlvScanner(3, new MediaChecks(3, 500));
    expect(readAll(bytes)).toBe(101);
    for (const size of [1, 2, 14, 15, 16, 1_000, bytes.length]) {
      const checks = new MediaChecks(3, 500);
      const other = new FlvScanner(3, checks);
      other.reset(player);
      for (let at = 0; at < bytes.length; at += size)
        other.scan(player, bytes.subarray(at, at + size), 0, Math.min(size, bytes.length - at), 5);
      expect([checks.tagCount, checks.backwardsCount, checks.gapCount, checks.longestGapMs]).toEqual([100, 0, 0, 40]);
      expect([checks.firstMediaAtMs[player], checks.firstKeyAtMs[player], checks.firstMediaAtMs[0]]).toEqual([5, 5, 0]);
    }
    for (let i = 0; i < 2; i++) {
      scanner.reset(player);
      scanner.scan(player, bytes, 0, bytes.length - i * 7, 5);
    }
  });

  test.each([
    ["a byte that is missing", (bytes: Uint8Array) => without(bytes, 200)],
    ["a byte too many", (bytes: Uint8Array) => Uint8Array.of(...bytes.subarray(0, 200), 0, ...bytes.subarray(200))],
    ["a size that does not agree", (bytes: Uint8Array) => changed(bytes, 13 + 11 + 20 + 3, 1)],
    ["a tag type that does not exist", (bytes: Uint8Array) => changed(bytes, 13, 10)],
    ["a stream id", (bytes: Uint8Array) => changed(bytes, 13 + 10, 1)],
    ["a first size that is not 0", (bytes: Uint8Array) => changed(bytes, 12, 1)],
  ])("refuses %s", (_what, tear) => {
    const torn = tear(flv([...stream(50)]));
    const scanner = new FlvScanner(3, new MediaChecks(3, 500));
    scanner.reset(player);
    expect(() => scanner.scan(player, torn, 0, torn.length, 0)).toThrow(
      expect.objectContaining({ code: "ERR_BENCH_FRAMING" }),
    );
  });

  test("refuses what is no FLV", () => {
    const scanner = new FlvScanner(3, new MediaChecks(3, 500));
    scanner.reset(player);
    const html = new TextEncoder().encode("<!DOCTYPE html>");
    expect(() => scanner.scan(player, html, 0, html.length, 0)).toThrow(
      expect.objectContaining({ code: "ERR_FLV_HEADER" }),
    );
  });
});

describe("timestamps", () => {
  test.each([
    ["a gap that is too long", [0, 40, 600, 640], [0, 1, 560]],
    ["a gap that is allowed", [0, 40, 540, 580], [0, 0, 500]],
    ["time that goes back, and the way forward again", [0, 40, 20, 60], [1, 0, 40]],
    ["time that stands", [0, 40, 40, 80], [0, 0, 40]],
    ["the wrap at 2^32", [0xffff_ffd8, 0, 40], [0, 0, 40]],
    ["the step over 2^31", [0x7fff_fff0, 0x8000_0018], [0, 0, 40]],
  ])("%s", (_what, times, expected) => {
    const checks = checksOf(times.map((timeMs) => ({ type: 9, timeMs, body: picture })));
    expect([checks.backwardsCount, checks.gapCount, checks.longestGapMs]).toEqual(expected);
  });

  test("of configurations and metadata say nothing, and those of audio and video are apart", () => {
    const tags: Tag[] = [
      { type: 18, timeMs: 0, body: picture },
      { type: 9, timeMs: 0, body: Uint8Array.of(0x17, 0, 0, 0, 0) },
      { type: 8, timeMs: 0, body: Uint8Array.of(0xaf, 0) },
      { type: 9, timeMs: 0, body: Uint8Array.of(0x90, 0x61, 0x76, 0x63, 0x31) },
      { type: 9, timeMs: 90_000, body: picture },
      { type: 8, timeMs: 80_000, body: Uint8Array.of(0xaf, 1) },
      { type: 9, timeMs: 90_040, body: picture },
      { type: 9, timeMs: 0, body: Uint8Array.of(0x17, 0, 0, 0, 0) },
      { type: 8, timeMs: 80_021, body: Uint8Array.of(0xaf, 1) },
    ];
    const checks = checksOf(tags);
    expect([checks.backwardsCount, checks.gapCount, checks.longestGapMs]).toEqual([0, 0, 40]);
  });

  function checksOf(tags: readonly Tag[]): MediaChecks {
    const checks = new MediaChecks(3, 500);
    const scanner = new FlvScanner(3, checks);
    scanner.reset(player);
    const bytes = flv(tags);
    scanner.scan(player, bytes, 0, bytes.length, 0);
    return checks;
  }
});

interface Tag {
  readonly type: number;
  readonly timeMs: number;
  readonly body: Uint8Array;
}

const picture = Uint8Array.of(0x27, 1, 0, 0, 0, 9, 9, 9);

function* stream(pictureCount: number): Generator<Tag> {
  yield { type: 18, timeMs: 0, body: new Uint8Array(20) };
  for (let i = 0; i < pictureCount; i++) {
    const body = new Uint8Array(100 + i).fill(1);
    body[0] = i % 25 === 0 ? 0x17 : 0x27;
    yield { type: 9, timeMs: i * 40, body };
    yield { type: 8, timeMs: i * 40, body: Uint8Array.of(0xaf, 1, 2, 3) };
  }
}

function flv(tags: readonly Tag[]): Uint8Array {
  const bytes = new Uint8Array(tags.reduce((sum, { body }) => sum + 15 + body.length, flvHeaderLength));
  let at = writeFlvHeader(bytes, 0, true, true);
  for (const { type, timeMs, body } of tags) {
    at = writeFlvTagHeader(bytes, at, type, body.length, timeMs);
    bytes.set(body, at);
    at = writeFlvTagTrailer(bytes, at + body.length, body.length);
  }
  return bytes;
}

function readAll(bytes: Uint8Array): number {
  const reader = new FlvReader();
  reader.handle(bytes);
  let count = 0;
  while (reader.poll() !== undefined) count++;
  return count;
}

function without(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1));
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

import { describe, expect, test } from "vitest";
import { tagBytes, tagCases } from "./flv-splitter.cases.ts";
import { FlvSplitter, type FlvTag, flvFileHeader } from "./flv-splitter.ts";
import { Timeline } from "./timeline.ts";

const frame = tagCases.find(({ read }) => read.role === "frame")!;

function frameAt(timestampMs: number): FlvTag {
  const header = flvFileHeader({ hasAudio: false, hasVideo: true });
  return new FlvSplitter().push(Uint8Array.from([...header, ...tagBytes({ ...frame, timestampMs })]))[0]!;
}

/** The times a player sees for these times of an encoder; "jump" where it has to start again. */
function rebased(...timesMs: number[]): (number | "jump")[] {
  const timeline = new Timeline();
  return timesMs.map((timeMs) => {
    const tag = frameAt(timeMs);
    if (!timeline.rebase(tag)) return "jump";
    const header = flvFileHeader({ hasAudio: false, hasVideo: true });
    return new FlvSplitter().push(Uint8Array.from([...header, ...tag.bytes]))[0]!.timestampMs;
  });
}

describe("Timeline", () => {
  test("starts near zero wherever the encoder is", () => {
    expect(rebased(5_000_000, 5_000_040)).toEqual([1_000, 1_040]);
  });

  test("keeps order for a track that began a little earlier", () => {
    expect(rebased(5_000_000, 4_999_500, 4_998_000)).toEqual([1_000, 500, 0]);
  });

  test("goes on across 2^31 and 2^32", () => {
    expect(rebased(2 ** 31 - 20, 2 ** 31 + 20)).toEqual([1_000, 1_040]);
    expect(rebased(2 ** 32 - 20, 20)).toEqual([1_000, 1_040]);
  });

  test("reports a jump in either direction", () => {
    expect(rebased(50_000, 61_000)).toEqual([1_000, "jump"]);
    expect(rebased(50_000, 10)).toEqual([1_000, "jump"]);
  });
});

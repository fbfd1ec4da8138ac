import { describe, expect, test } from "vitest";
import { textOf, videoFormat } from "../../test/support/kernel.ts";
import { seededNumbers } from "../../test/support/log-stress.ts";
import type { Frame, Track } from "./frame.ts";
import { FramePieces } from "./frame-pieces.ts";
import { FrameWindow, type FrameWindowLimits } from "./frame-window.ts";
import { MemoryBudget } from "./memory-budget.ts";

const track: Track = { kind: "video", number: 0, format: videoFormat };
const roomy: FrameWindowLimits = { maxBytes: 10_000, maxFrames: 1_000, slackBytes: 10_000, slackFrames: 1_000 };

function frame(length: number, isKey = false): Frame {
  const data = new Uint8Array(length).fill(isKey ? 0x4b : 0x2d);
  return { type: "frame", track, format: videoFormat, ptsTicks: 0, dtsTicks: 0, isKey, data };
}

function windowOf(limits: Partial<FrameWindowLimits>, budget = new MemoryBudget(1_000_000)): FrameWindow {
  return new FrameWindow({ ...roomy, ...limits }, budget);
}

/** `K` pushes a key frame of ten bytes, `-` another frame of ten bytes. */
function push(window: FrameWindow, frames: string): void {
  for (const letter of frames) window.push(frame(10, letter === "K"), letter === "K");
}

function contents(window: FrameWindow): string {
  let text = "";
  for (let at = window.firstSequence; at < window.nextSequence; at++) {
    text += textOf((window.get(at) as Frame).data.subarray(0, 1));
  }
  return text;
}

describe("the window", () => {
  test("keeps the current GOP and the frames before it, up to the slack", () => {
    const window = windowOf({ slackFrames: 3 });
    push(window, "K----K--");
    expect(contents(window)).toBe("---K--");
    push(window, "------");
    expect(contents(window)).toBe("---K--------");
    push(window, "K");
    expect(contents(window)).toBe("---K");
  });

  test("keeps the slack beside a GOP that is larger than it: an iterator a little behind survives every key frame", () => {
    const window = windowOf({ slackBytes: 30 });
    push(window, "K---------");
    const behind = window.nextSequence - 2;
    push(window, "K");
    expect(window.get(behind)).toBeDefined();
    expect(contents(window)).toBe("---K");
    window.push(frame(500, true), true);
    expect(contents(window)).toBe("--KK");
  });

  test("keeps no more than the slack while there is no random access point", () => {
    const window = windowOf({ slackFrames: 4 });
    push(window, "----------");
    expect(window.frameCount).toBe(4);
    expect([window.newestRandomAccess, window.oldestRandomAccess]).toEqual([-1, -1]);
  });

  test("lets a GOP's beginning go when the GOP is beyond the limits, and then there is no point to start at", () => {
    const window = windowOf({ maxFrames: 5, slackFrames: 2 });
    push(window, "K----");
    expect(window.newestRandomAccess).toBe(0);
    push(window, "-");
    expect(window.newestRandomAccess).toBe(-1);
    push(window, "--");
    expect(window.frameCount).toBe(2);
    push(window, "K");
    expect(contents(window)).toBe("--K");
    const bytes = windowOf({ maxBytes: 50, slackBytes: 20 });
    push(bytes, "K-----");
    expect(bytes.newestRandomAccess).toBe(-1);
    expect(bytes.byteLength).toBe(20);
  });

  test("keeps the newest frame, whatever its size", () => {
    const window = windowOf({ maxBytes: 50 });
    push(window, "K--");
    window.push(frame(1_000), false);
    expect(window.frameCount).toBe(1);
    expect(window.byteLength).toBe(1_000);
  });

  test("knows the oldest and the newest random access point", () => {
    const window = windowOf({ slackFrames: 4 });
    push(window, "K-K-K-");
    expect([window.oldestRandomAccess, window.newestRandomAccess]).toEqual([0, 4]);
    push(window, "K");
    expect([window.oldestRandomAccess, window.newestRandomAccess]).toEqual([2, 6]);
  });

  test("gives nothing for what is gone or not there yet", () => {
    const window = windowOf({ slackFrames: 1 });
    push(window, "K-K-K");
    expect([window.get(0), window.get(2), window.get(5), window.get(-1)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(window.get(3)).toBeDefined();
  });
});

describe("the bytes of frames", () => {
  /** A frame whose bytes say which it is. */
  function numbered(i: number, length: number): Frame {
    return { ...frame(length), ptsTicks: i + 1, dtsTicks: i, data: new Uint8Array(length).fill(i) };
  }

  test("are copied: the publisher may use its memory again", () => {
    const window = windowOf({});
    const lent = numbered(1, 10);
    window.push(lent, true);
    lent.data.fill(0xee);
    expect(window.get(0)).toEqual(numbered(1, 10));
    expect(window.get(0)).toBe(window.get(0)); // however many ask for it
  });

  test("are kept as they are for who has asked, long after the frame has left", () => {
    const window = windowOf({ slackFrames: 2, maxBytes: 10_000_000, slackBytes: 1_000_000 });
    const kept: Frame[] = [];
    for (let i = 0; i < 2_000; i++) {
      window.push(numbered(i, 1_000), i % 10 === 0);
      if (i % 97 === 0) kept.push(window.get(i) as Frame);
    }
    expect(kept).toEqual(kept.map((_, k) => numbered(k * 97, 1_000)));
  });

  test("stand in memory that is used again, when nobody has asked", () => {
    const pieces = new FramePieces();
    const window = new FrameWindow({ ...roomy, maxBytes: 1e6, slackFrames: 2 }, new MemoryBudget(1e8), pieces);
    const memories = new Set<ArrayBufferLike>();
    for (let i = 0; i < 5_000; i++) window.push(numbered(i, 1_000), i % 200 === 0);
    expect(pieces.freeBytes).toBeGreaterThan(0);
    const freeBytes = pieces.freeBytes;
    for (let i = 0; i < 200; i++) window.push(numbered(i, 1_000), i === 0);
    expect(pieces.freeBytes).toBe(freeBytes); // a GOP came, and a GOP left
    window.clear();
    while (pieces.freeBytes > 0) memories.add(pieces.take(1, "small").bytes.buffer);
    expect(memories.size).toBeLessThanOrEqual(10); // two GOPs of 200 KB in pieces of 64 KiB
  });

  test("and the frames' tracks and formats are right, however often a publisher changes them", () => {
    const window = windowOf({ slackFrames: 5 });
    const formats = Array.from({ length: 500 }, () => ({ ...videoFormat }));
    for (const [i, format] of formats.entries()) {
      window.push({ ...numbered(i, 10), format }, i % 10 === 0);
      if (i % 50 !== 49) continue; // nobody has asked for these yet
      for (let at = window.firstSequence; at < window.nextSequence; at++) {
        expect(window.get(at)?.format).toBe(formats[at]);
        expect(window.get(at)?.track).toBe(track);
      }
    }
  });

  test("of any length fit, also those that are longer than a piece", () => {
    const window = windowOf({ maxBytes: 1e8, slackBytes: 1e8 }, new MemoryBudget(1e9));
    const lengths = [65_536, 1, 65_535, 0, 70_000, 300_000, 262_144, 3, 2_000_000, 65_536, 262_145, 5];
    for (const [i, length] of lengths.entries()) window.push(numbered(i, length), i === 0);
    for (const [i, length] of lengths.entries()) {
      const { data } = window.get(i) as Frame;
      expect([data.length, data.every((byte) => byte === i)]).toEqual([length, true]);
    }
  });
});

describe("the memory budget", () => {
  test("counts what the window holds, and has it back when it is cleared", () => {
    const budget = new MemoryBudget(1_000_000);
    const window = windowOf({ slackFrames: 2 }, budget);
    push(window, "K---K--");
    expect(budget.usedBytes).toBe(window.byteLength);
    window.clear();
    expect([budget.usedBytes, window.byteLength, window.frameCount]).toEqual([0, 0, 0]);
    push(window, "K-");
    expect(contents(window)).toBe("K-");
  });

  test("makes a window keep what it can, the newest frame always", () => {
    const budget = new MemoryBudget(35);
    const window = windowOf({}, budget);
    push(window, "K-----");
    expect(window.frameCount).toBe(3);
    budget.reserve(30);
    push(window, "-");
    expect(window.frameCount).toBe(1);
    expect(budget.usedBytes).toBe(40);
  });
});

test("whatever comes, the books are right", () => {
  const next = seededNumbers(99);
  const budget = new MemoryBudget(4_000);
  const limits = { maxBytes: 3_000, maxFrames: 60, slackBytes: 500, slackFrames: 20 };
  const window = windowOf(limits, budget);
  for (let i = 0; i < 20_000; i++) {
    const isKey = next() % 30 === 0;
    window.push(frame(next() % 200, isKey), isKey);
    let byteLength = 0;
    let slackBytes = 0;
    let slackFrames = 0;
    const gopStart = window.newestRandomAccess < 0 ? window.nextSequence : window.newestRandomAccess;
    for (let at = window.firstSequence; at < window.nextSequence; at++) {
      const { length } = (window.get(at) as Frame).data;
      byteLength += length;
      if (at >= gopStart) continue;
      slackBytes += length;
      slackFrames++;
    }
    expect(window.byteLength).toBe(byteLength);
    expect(budget.usedBytes).toBe(byteLength);
    if (window.frameCount === 1) continue;
    expect(byteLength).toBeLessThanOrEqual(limits.maxBytes);
    expect(window.frameCount).toBeLessThanOrEqual(limits.maxFrames);
    expect(slackBytes).toBeLessThanOrEqual(limits.slackBytes);
    expect(slackFrames).toBeLessThanOrEqual(limits.slackFrames);
  }
});

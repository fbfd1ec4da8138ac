/** The pacer on a clock that is turned by hand; a flush takes as long as the test says. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { everyFrame, FlushPacer, type FlushPacing } from "./flush-pacer.ts";

let nowMs: number;
let flushTookMs: number;
let flushedAtMs: number[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate", "setTimeout", "clearTimeout"] });
  nowMs = 1_000;
  flushTookMs = 0;
  flushedAtMs = [];
});

afterEach(() => {
  vi.useRealTimers();
});

test("idle, each request flushes in the next turn, however many there were", () => {
  const pacer = newPacer({ minIntervalMs: 0, latencyBudgetMs: 100 });
  for (let i = 0; i < 3; i++) {
    pacer.request();
    pacer.request();
    expect(flushedAtMs).toHaveLength(i); // what the publisher sends in the same turn goes along
    pass(0);
    expect(flushedAtMs).toHaveLength(i + 1);
    pass(40);
  }
  expect(flushedAtMs).toEqual([1_000, 1_040, 1_080]);
});

test("a request that comes while a flush runs is not lost", () => {
  const pacer: FlushPacer = new FlushPacer(
    everyFrame,
    () => nowMs,
    () => {
      if (flushedAtMs.push(nowMs) === 1) pacer.request();
      return true;
    },
  );
  pacer.request();
  pass(1);
  expect(flushedAtMs).toHaveLength(2);
});

test("a flush of several turns is one flush: nothing else begins meanwhile, and the interval follows from all of it", () => {
  const parts: number[] = [];
  const pacer = new FlushPacer(
    { minIntervalMs: 0, latencyBudgetMs: 100 },
    () => nowMs,
    () => {
      parts.push(nowMs);
      nowMs += 10;
      pacer.request();
      return parts.length % 3 === 0;
    },
  );
  pacer.request();
  pass(16); // the others have eight turns of a millisecond each
  expect(parts).toEqual([1_000, 1_018, 1_036]);
  pass(13);
  expect(parts).toHaveLength(3);
  pass(1);
  expect(parts.slice(3)).toEqual([1_060]); // twice the 30 ms it worked, from its beginning
});

test("between two parts of a flush the others have as much time as the part took, when their turns are long", () => {
  const parts: number[] = [];
  const pacer = new FlushPacer(
    everyFrame,
    () => nowMs,
    () => {
      parts.push(nowMs);
      nowMs += 10;
      return parts.length === 3;
    },
  );
  pacer.request();
  pass(0);
  for (let turn = 0; turn < 6; turn++) {
    nowMs += 4;
    pass(1);
  }
  expect(parts).toEqual([1_000, 1_020, 1_040]);
});

test("busy, the interval grows with what a flush takes, up to the budget, and shrinks again", () => {
  const pacer = newPacer({ minIntervalMs: 0, latencyBudgetMs: 100 });
  const intervals: number[] = [];
  for (const tookMs of [0, 10, 20, 40, 49, 60, 200, 200, 40, 10, 0, 0]) {
    flushTookMs = tookMs;
    intervals.push(intervalAfterOneFlush(pacer));
  }
  // Twice what sending takes, so that half of the time is left; beyond the budget one flush follows the other.
  expect(intervals).toEqual([0, 20, 40, 80, 98, 100, 200, 200, 80, 20, 0, 0]);
});

test("no frame waits longer than the budget for its flush to begin, whatever the load", () => {
  const latencyBudgetMs = 50;
  const pacer = newPacer({ minIntervalMs: 0, latencyBudgetMs });
  for (const tookMs of [5, 24, 25, 26, 49, 50, 51, 500]) {
    flushTookMs = tookMs;
    pacer.request();
    pass(latencyBudgetMs);
    const askedAtMs = nowMs;
    const flushCount = flushedAtMs.length;
    pacer.request();
    pass(latencyBudgetMs);
    expect(flushedAtMs).toHaveLength(flushCount + 1);
    expect((flushedAtMs[flushCount] as number) - askedAtMs).toBeLessThanOrEqual(latencyBudgetMs);
  }
});

test("every frame means that: nothing waits, however busy", () => {
  const pacer = newPacer(everyFrame);
  flushTookMs = 30;
  for (let i = 0; i < 5; i++) expect(intervalAfterOneFlush(pacer)).toBe(30);
});

test("the least interval is kept, also when idle, and when it is longer than the budget", () => {
  for (const latencyBudgetMs of [100, 500]) {
    const pacer = newPacer({ minIntervalMs: 350, latencyBudgetMs });
    expect(intervalAfterOneFlush(pacer)).toBe(350);
    expect(intervalAfterOneFlush(pacer)).toBe(350);
    pacer.stop();
    pass(1_000);
  }
});

test("after stop() nothing is flushed", () => {
  const pacer = newPacer({ minIntervalMs: 10, latencyBudgetMs: 100 });
  pacer.request();
  pacer.stop();
  pass(1_000);
  expect(flushedAtMs).toEqual([]);
});

function newPacer(pacing: FlushPacing): FlushPacer {
  return new FlushPacer(
    pacing,
    () => nowMs,
    () => {
      flushedAtMs.push(nowMs);
      nowMs += flushTookMs;
      return true;
    },
  );
}

/** With a frame waiting at all times: from the beginning of one flush to that of the next. */
function intervalAfterOneFlush(pacer: FlushPacer): number {
  const count = flushedAtMs.length;
  pacer.request();
  for (let i = 0; flushedAtMs.length === count; i++) pass(i === 0 ? 0 : 1);
  const tookMs = flushTookMs;
  flushTookMs = 0;
  pacer.request();
  for (let i = 0; flushedAtMs.length === count + 1; i++) pass(i === 0 ? 0 : 1);
  flushTookMs = tookMs;
  return (flushedAtMs[count + 1] as number) - (flushedAtMs[count] as number);
}

/** Lets so much time pass, a millisecond at a time, for the clock and the timers alike. */
function pass(milliseconds: number): void {
  vi.advanceTimersByTime(0);
  for (let i = 0; i < milliseconds; i++) {
    nowMs++;
    vi.advanceTimersByTime(1);
  }
}

/** The pacer on a clock that is turned by hand; publishers send all the time, and reading costs what the test says. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { maxReadIntervalMs } from "./limits.ts";
import { ReadPacer } from "./read-pacer.ts";

let nowMs: number;
let isPaused: boolean;
let hasPublishers: boolean;
let readAtMs: number[];
/** What one read costs, given the milliseconds of media that have come. */
let costMs: (mediaMs: number) => number;
let pacer: ReadPacer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  nowMs = 1_000;
  isPaused = false;
  hasPublishers = true;
  readAtMs = [];
  costMs = () => 0;
  pacer = newPacer(100);
});

afterEach(() => {
  pacer.stop();
  vi.useRealTimers();
});

test("a shard that has little to read reads at once", () => {
  costMs = () => 0.03;
  pass(1_000);
  expect([isPaused, pacer.intervalMs]).toEqual([false, 0]);
  expect(readAtMs).toHaveLength(1_000);
});

test("a busy one reads less often, as long as that is not enough, up to the limit; and at once again when it is calm", () => {
  // Half of the thread when each message is read by itself: most of it the call, and not the bytes.
  costMs = (mediaMs) => 0.4 + 0.1 * mediaMs;
  pass(200);
  expect(pacer.intervalMs).toBeGreaterThanOrEqual(1);
  pass(3_000);
  expect(pacer.intervalMs).toBe(maxReadIntervalMs); // it never gets below a tenth
  expect(gaps().at(-1)).toBeGreaterThan(0.8 * maxReadIntervalMs); // less what reading took: the timers' clock stood still
  costMs = () => 0;
  pass(2_000);
  expect([isPaused, pacer.intervalMs]).toEqual([false, 0]);
  expect(gaps().at(-1)).toBe(1);
});

test("the interval comes to rest where reading costs enough and not too much", () => {
  costMs = () => 0.5;
  pass(2_000);
  const resting = pacer.intervalMs;
  expect(resting).toBe(8); // 0.5 of 8 ms are 6 %
  for (let i = 0; i < 20; i++) {
    pass(100);
    expect(pacer.intervalMs).toBe(resting);
  }
});

test("with no latency budget nothing waits, however busy", () => {
  pacer = newPacer(0);
  costMs = () => 0.9;
  pass(1_000);
  expect([isPaused, pacer.intervalMs]).toEqual([false, 0]);
});

test("half of the latency budget is the most that reading takes of it", () => {
  pacer = newPacer(20);
  costMs = () => 5;
  pass(3_000);
  expect(pacer.intervalMs).toBe(10);
});

test("nothing is read sooner than it can be sent; a long wait is cut into parts that end with it", () => {
  pacer.handleFlush(nowMs + 350);
  expect(isPaused).toBe(true);
  pass(349);
  expect(readAtMs).toEqual([1_050, 1_100, 1_150, 1_200, 1_250, 1_300]);
  pass(1);
  expect(readAtMs.at(-1)).toBe(1_350);
  expect(isPaused).toBe(false); // what comes now may be the first frame of the next flush
  pacer.handleFlush(nowMs + 12);
  pass(11);
  expect(readAtMs).toHaveLength(7);
  pass(1);
  expect(readAtMs).toHaveLength(8);
});

test("a flush that may be at once pauses nothing, and nothing is paused where nobody brings much", () => {
  pacer.handleFlush(nowMs);
  pacer.handleFlush(nowMs + 0.9);
  expect(isPaused).toBe(false);
  hasPublishers = false;
  pacer.handleFlush(nowMs + 350);
  expect([isPaused, vi.getTimerCount()]).toEqual([false, 0]);
});

test("a few publishers are read at once, also on a machine that is busy with something else", () => {
  const perSecond = 200;
  for (let i = 0; i < perSecond; i++) {
    nowMs += 1_000 / perSecond;
    pacer.handleTurn(nowMs - 2, true);
  }
  expect([isPaused, pacer.intervalMs]).toEqual([false, 0]);
});

test("a reading of several turns is one: nothing is paused before its end", () => {
  for (let i = 0; i < 100; i++) {
    nowMs++;
    pacer.handleTurn(nowMs - 1, false);
  }
  expect([isPaused, pacer.intervalMs]).toEqual([false, 0]);
  pacer.handleTurn(nowMs, true);
  expect(pacer.intervalMs).toBe(1);
  expect(isPaused).toBe(false); // it took longer than the interval
});

test("after stop() nothing is read", () => {
  pacer.handleFlush(nowMs + 50);
  pacer.stop();
  pass(100);
  expect(readAtMs).toEqual([]);
});

function newPacer(latencyBudgetMs: number): ReadPacer {
  return new ReadPacer({ minIntervalMs: 0, latencyBudgetMs }, () => nowMs, {
    pause: (wanted) => {
      isPaused = wanted && hasPublishers;
      return isPaused;
    },
    read,
  });
}

/** What reading takes is seen by the clock of the pacer, and not by that of the timers: they are whole milliseconds apart. */
function read(): void {
  const startedMs = nowMs;
  const mediaMs = startedMs - (readAtMs.at(-1) ?? startedMs - 1);
  readAtMs.push(startedMs);
  nowMs += costMs(mediaMs);
  pacer.handleTurn(startedMs, true);
  nowMs = startedMs;
}

/** Lets so much time pass, a millisecond at a time; unless reading is paused, something comes in each. */
function pass(milliseconds: number): void {
  for (let i = 0; i < milliseconds; i++) {
    nowMs++;
    vi.advanceTimersByTime(1);
    if (!isPaused && readAtMs.at(-1) !== nowMs) read();
  }
}

function gaps(): number[] {
  return readAtMs.slice(1).map((atMs, i) => atMs - (readAtMs[i] as number));
}

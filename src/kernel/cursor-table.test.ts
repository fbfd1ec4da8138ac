import { beforeEach, describe, expect, test } from "vitest";
import { append, bytesOf, textOf } from "../../test/support/kernel.ts";
import { AssertionError } from "../bytes/assert.ts";
import { CursorTable, cursorSteps, type LagLimits } from "./cursor-table.ts";
import { EgressLog } from "./egress-log.ts";
import { entryFlags } from "./log-layout.ts";
import { LogReader } from "./log-reader.ts";

const { idle, ready, jumped, evicted } = cursorSteps;
const { key, preamble } = entryFlags;

const limits: LagLimits = { maxJumps: 2, maxSkippedBytes: 10_000, stallTimeoutMs: 1_000, forgiveAfterMs: 5_000 };

let log: EgressLog;
let reader: LogReader;
let table: CursorTable;
let nowMs: number;

beforeEach(() => {
  log = new EgressLog({ initialBytes: 128, initialEntries: 64, maxBytes: 128 });
  reader = new LogReader(log.memory);
  table = new CursorTable(4);
  nowMs = 0;
});

function open(isLive = false): number {
  reader.refresh();
  return table.open(reader, isLive, nowMs);
}

function step(index: number): number {
  reader.memory = log.memory;
  reader.refresh();
  return table.step(index, reader, limits, nowMs);
}

/** Takes all there is; what a socket would get. */
function take(index: number): string {
  expect(step(index)).toBe(ready);
  const entry = table.entries[index] as number;
  const gathered = reader.gather(entry, table.isStarting(index), 10_000);
  table.advance(index, gathered.endEntry, gathered.endPosition, gathered.byteLength, nowMs);
  return gathered.views.map(textOf).join("");
}

/** A key frame with its preamble, and `count` frames of ten bytes. */
function appendGop(name: string, count: number): void {
  append(log, bytesOf("<P>"), preamble);
  append(log, bytesOf(`K${name}`), key);
  for (let i = 0; i < count; i++) append(log, bytesOf(`${name}${"-".repeat(9)}`), 0);
}

describe("a new cursor", () => {
  test("starts at the newest random access point, with its preamble", () => {
    appendGop("1", 1);
    appendGop("2", 1);
    const cursor = open();
    expect(table.lagBytes(cursor, reader)).toBe(15);
    expect(take(cursor)).toBe("<P>K22---------");
    expect(step(cursor)).toBe(idle);
    expect(table.lagBytes(cursor, reader)).toBe(0);
  });

  test("gets the preamble once: those of later points are for others", () => {
    appendGop("1", 0);
    const cursor = open();
    expect(take(cursor)).toBe("<P>K1");
    appendGop("2", 0);
    appendGop("3", 0);
    expect(take(cursor)).toBe("K2K3");
  });

  test("waits for the first point when there is none yet", () => {
    append(log, bytesOf("x"), 0);
    const cursor = open();
    expect(step(cursor)).toBe(idle);
    append(log, bytesOf("y"), 0);
    expect(step(cursor)).toBe(idle);
    appendGop("1", 1);
    expect(take(cursor)).toBe("<P>K11---------");
  });

  test("that wants to be live waits for the next point, and passes over the one that is there", () => {
    appendGop("1", 1);
    const cursor = open(true);
    append(log, bytesOf("x"), 0);
    expect(step(cursor)).toBe(idle);
    appendGop("2", 0);
    expect(take(cursor)).toBe("<P>K2");
  });

  test("is refused when the table is full, and a closed one makes room", () => {
    const cursors = [open(), open(), open(), open()];
    expect(new Set(cursors).size).toBe(4);
    expect(open()).toBe(-1);
    expect(table.count).toBe(4);
    table.close(cursors[1] as number);
    expect(table.count).toBe(3);
    expect(open()).toBe(cursors[1]);
  });

  test("has nothing left of the one whose place it takes", () => {
    appendGop("1", 2);
    const before = open();
    take(before);
    for (let i = 0; i < 30; i++) append(log, new Uint8Array(10), 0);
    expect(step(before)).toBe(jumped);
    table.close(before);
    appendGop("2", 0);
    const after = open();
    expect(after).toBe(before);
    expect([table.jumpCounts[after], table.skippedBytes[after], table.sentBytes[after]]).toEqual([0, 0, 0]);
    expect(take(after)).toBe("<P>K2");
  });

  test("can't be closed twice", () => {
    const cursor = open();
    table.close(cursor);
    expect(() => table.close(cursor)).toThrow(AssertionError);
  });
});

describe("a lapped cursor", () => {
  test("jumps to the newest random access point, with its preamble, and the skipped bytes are counted", () => {
    appendGop("1", 1);
    const cursor = open();
    take(cursor);
    const at = table.positions[cursor] as number;
    for (let i = 0; i < 12; i++) append(log, new Uint8Array(10), 0);
    appendGop("2", 1);
    expect(step(cursor)).toBe(jumped);
    expect(table.skippedBytes[cursor]).toBe(120);
    expect(table.positions[cursor]).toBe(at + 120);
    expect(take(cursor)).toBe("<P>K22---------");
  });

  test("waits for the next point when the newest is out of reach as well", () => {
    appendGop("1", 0);
    const cursor = open();
    take(cursor);
    for (let i = 0; i < 30; i++) append(log, new Uint8Array(10), 0);
    expect(step(cursor)).toBe(jumped);
    expect(step(cursor)).toBe(idle);
    append(log, new Uint8Array(10), 0);
    expect(step(cursor)).toBe(idle);
    appendGop("2", 0);
    expect(take(cursor)).toBe("<P>K2");
  });

  test("counts as lapped within the guard distance, before a byte of it is gone", () => {
    for (let i = 0; i < 20; i++) append(log, new Uint8Array(10), 0);
    append(log, bytesOf("K"), key);
    const cursor = open();
    const entry = table.entries[cursor] as number;
    const position = table.positions[cursor] as number;
    append(log, new Uint8Array(111), 0); // 112 of 128 bytes; the guard is 16
    expect(step(cursor)).toBe(ready);
    append(log, new Uint8Array(1), 0);
    expect(reader.isIntact(entry, position)).toBe(true);
    expect(step(cursor)).toBe(jumped);
  });

  test("is not lapped by a log that has not come round once", () => {
    append(log, bytesOf("K"), key);
    const cursor = open();
    append(log, new Uint8Array(111), 0);
    append(log, new Uint8Array(16), 0);
    expect(take(cursor)).toHaveLength(128);
  });
});

describe("eviction", () => {
  function lap(cursor: number): number {
    for (let i = 0; i < 13; i++) append(log, new Uint8Array(10), 0);
    appendGop("x", 0);
    return step(cursor);
  }

  test("comes after the allowed number of jumps", () => {
    appendGop("1", 0);
    const cursor = open();
    take(cursor);
    expect(lap(cursor)).toBe(jumped);
    take(cursor);
    expect(lap(cursor)).toBe(jumped);
    take(cursor);
    expect(lap(cursor)).toBe(evicted);
  });

  test("comes after too many skipped bytes, however few the jumps", () => {
    appendGop("1", 0);
    const cursor = open();
    take(cursor);
    for (let i = 0; i < 1_001; i++) append(log, new Uint8Array(10), 0);
    expect(step(cursor)).toBe(evicted);
  });

  test("forgets jumps after a while without one, also for a cursor that is never at the tail", () => {
    appendGop("1", 0);
    const cursor = open();
    for (let round = 0; round < 10; round++) {
      take(cursor);
      expect(lap(cursor)).toBe(jumped);
      nowMs += limits.forgiveAfterMs + 1;
      expect(step(cursor)).toBe(ready);
      expect([table.jumpCounts[cursor], table.skippedBytes[cursor]]).toEqual([0, 0]);
    }
  });

  test("does not forget jumps that come within that time of each other", () => {
    appendGop("1", 0);
    const cursor = open();
    const steps: number[] = [];
    for (let round = 0; round < 3; round++) {
      take(cursor);
      nowMs += limits.forgiveAfterMs - 1;
      steps.push(lap(cursor));
    }
    expect(steps).toEqual([jumped, jumped, evicted]);
  });

  test("a cursor stalls when it takes nothing, not when there is nothing to take", () => {
    appendGop("1", 0);
    const cursor = open();
    take(cursor);
    nowMs = 5_000;
    expect(step(cursor)).toBe(idle);
    expect(table.isStalled(cursor, limits, nowMs)).toBe(false);
    append(log, bytesOf("x"), 0);
    nowMs = 6_000;
    expect(table.isStalled(cursor, limits, nowMs)).toBe(false);
    nowMs = 6_001;
    expect(table.isStalled(cursor, limits, nowMs)).toBe(true);
    take(cursor);
    expect(table.isStalled(cursor, limits, nowMs)).toBe(false);
  });
});

test("growth of the ring is nothing to a cursor", () => {
  log = new EgressLog({ initialBytes: 64, initialEntries: 8, maxBytes: 65_536 });
  reader = new LogReader(log.memory);
  appendGop("1", 0);
  const cursor = open();
  let received = take(cursor);
  let sent = "<P>K1";
  for (let i = 0; i < 200; i++) {
    append(log, bytesOf(`frame ${i}.`), 0);
    sent += `frame ${i}.`;
    if (i % 7 === 0) received += take(cursor);
  }
  received += take(cursor);
  expect(received).toBe(sent);
  expect(log.growthCount).toBeGreaterThan(2);
  expect(table.sentBytes[cursor]).toBe(sent.length);
});

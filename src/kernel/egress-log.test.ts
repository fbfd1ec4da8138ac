import { describe, expect, test } from "vitest";
import { append, bytesOf, codeOf, startText, textOf } from "../../test/support/kernel.ts";
import { AssertionError } from "../bytes/assert.ts";
import { EgressLog } from "./egress-log.ts";
import { ERR_LOG_ENTRY_TOO_LARGE, ERR_MEMORY_LIMIT } from "./errors.ts";
import { entryFlags, logMemoryBytes } from "./log-layout.ts";
import { LogReader } from "./log-reader.ts";
import { MemoryBudget } from "./memory-budget.ts";

const { key, preamble, config } = entryFlags;

function readerOf(log: EgressLog): LogReader {
  const reader = new LogReader(log.memory);
  reader.refresh();
  return reader;
}

describe("an entry", () => {
  test("comes out as it went in, with its time and flags, across the end of the ring too", () => {
    const log = new EgressLog({ initialBytes: 64, initialEntries: 4, maxBytes: 64 });
    for (let number = 0; number < 40; number++) {
      const text = `entry ${number} ${"x".repeat(number % 30)}`;
      log.claim(text.length, config, number * 40);
      log.write(bytesOf(`__${text}__`), 2, 2 + 3);
      log.write(bytesOf(text), 3);
      log.commit();
      const reader = readerOf(log);
      expect(reader.gather(number, false, 1).views.map(textOf).join("")).toBe(text);
      expect([reader.timeOf(number), reader.lengthOf(number), reader.flagsOf(number)]).toEqual([
        number * 40,
        text.length,
        config,
      ]);
    }
  });

  test("is not there for readers before it is committed", () => {
    const log = new EgressLog({ maxBytes: 65_536 });
    log.claim(3, key, 0);
    log.write(bytesOf("abc"));
    expect(readerOf(log)).toMatchObject({ tail: 0, entryTail: 0, newestRandomAccessEntry: -1 });
    log.commit();
    expect(readerOf(log)).toMatchObject({ tail: 3, entryTail: 1, newestRandomAccessEntry: 0 });
  });

  test("that no ring can hold is refused, and the log goes on", () => {
    const log = new EgressLog({ initialBytes: 64, maxBytes: 128 });
    append(log, bytesOf("K"), key);
    expect(codeOf(() => log.claim(113, 0, 0))).toBe(ERR_LOG_ENTRY_TOO_LARGE);
    append(log, new Uint8Array(112), key);
    expect(log.entryTail).toBe(2);
  });

  const claim = (log: EgressLog): void => log.claim(2, 0, 0);
  const write = (log: EgressLog): void => log.write(bytesOf("a"));
  const commit = (log: EgressLog): void => log.commit();

  test.each<[string, ((log: EgressLog) => void)[]]>([
    ["claiming twice", [claim, claim]],
    ["claiming again what is written but not committed", [claim, write, write, claim]],
    ["writing more than was claimed", [claim, write, write, write]],
    ["writing without a claim", [write]],
    ["committing half an entry", [claim, write, commit]],
    ["committing nothing", [commit]],
    ["committing twice", [claim, write, write, commit, commit]],
    ["claiming on a closed log", [(log) => log.close(), claim]],
  ])("%s is our own mistake", (_name, steps) => {
    const log = new EgressLog({ maxBytes: 1_024 });
    const last = steps.pop() as (log: EgressLog) => void;
    for (const step of steps) step(log);
    expect(() => last(log)).toThrow(AssertionError);
  });
});

describe("a random access point", () => {
  test("is a key with the preamble before it, or a key alone", () => {
    const log = new EgressLog({ maxBytes: 65_536 });
    append(log, bytesOf("x"), 0);
    expect(startText(log)).toBe("");
    append(log, bytesOf("K1"), key);
    expect(startText(log)).toBe("K1");
    append(log, bytesOf("<P>"), preamble);
    append(log, bytesOf("K2"), key);
    append(log, bytesOf("y"), 0);
    expect(startText(log)).toBe("<P>K2y");
    append(log, bytesOf("<c>"), config);
    append(log, bytesOf("K3"), key);
    expect(startText(log)).toBe("K3");
  });

  test("has its preamble skipped by those who come from before", () => {
    const log = new EgressLog({ maxBytes: 65_536 });
    append(log, bytesOf("K1"), key);
    append(log, bytesOf("<P>"), preamble);
    append(log, bytesOf("K2"), key);
    const gathered = readerOf(log).gather(0, true, 1_000);
    expect(gathered.views.map(textOf)).toEqual(["K1", "K2"]);
    expect(gathered).toMatchObject({ byteLength: 4, endEntry: 3, endPosition: 7 });
  });
});

describe("gathering", () => {
  test("ends with whole entries, at least one, and neighbours are one view", () => {
    const log = new EgressLog({ initialBytes: 32, maxBytes: 32 });
    for (const word of ["aaaa", "bbbb", "cccc"]) append(log, bytesOf(word), 0);
    const reader = readerOf(log);
    expect(reader.gather(0, false, 1)).toMatchObject({ byteLength: 4, endEntry: 1 });
    expect(reader.gather(0, false, 5)).toMatchObject({ byteLength: 8, endEntry: 2 });
    expect(reader.gather(0, false, 100).views.map(textOf)).toEqual(["aaaabbbbcccc"]);
    expect(reader.gather(3, false, 100)).toMatchObject({ byteLength: 0, endEntry: 3, endPosition: 12, views: [] });
  });
});

describe("growth", () => {
  test("keeps the current GOP, so that who comes last sees it from its beginning", () => {
    const log = new EgressLog({ initialBytes: 64, initialEntries: 8, maxBytes: 65_536 });
    let expected = "";
    for (let gop = 0; gop < 20; gop++) {
      expected = `<K${gop}>`;
      append(log, bytesOf(expected), key);
      for (let frame = 0; frame < gop * 3; frame++) {
        append(log, bytesOf(`frame ${frame}.`), 0);
        expected += `frame ${frame}.`;
        expect(startText(log)).toBe(expected);
      }
    }
    expect(log.growthCount).toBeGreaterThan(3);
  });

  test("does not happen for a stream whose GOPs fit", () => {
    const log = new EgressLog({ initialBytes: 256, initialEntries: 32, maxBytes: 65_536 });
    for (let i = 0; i < 1_000; i++) append(log, bytesOf("0123456789"), i % 10 === 0 ? key : 0);
    expect(log.growthCount).toBe(0);
  });

  test("stops at the limit; from then on the oldest bytes go, and there is no point to start at until the next key", () => {
    const log = new EgressLog({ initialBytes: 64, maxBytes: 128 });
    append(log, bytesOf("K"), key);
    for (let i = 0; i < 100; i++) append(log, bytesOf("0123456789"), 0);
    expect(log.memory.capacity).toBe(128);
    expect(readerOf(log).randomAccessEntry()).toBe(-1);
    append(log, bytesOf("K2"), key);
    expect(startText(log)).toBe("K2");
  });

  test("does not go on in the table of entries when the GOP's beginning is lost anyway", () => {
    const log = new EgressLog({ initialBytes: 4_096, initialEntries: 4, maxBytes: 4_096 });
    append(log, bytesOf("K"), key);
    for (let i = 0; i < 1_000; i++) append(log, new Uint8Array(500), 0);
    expect(log.memory.entryCapacity).toBeLessThanOrEqual(16);
  });

  test("that the budget refuses leaves the log in its old ring", () => {
    const budget = new MemoryBudget(logMemoryBytes(64, 8) + 50);
    const log = new EgressLog({ initialBytes: 64, initialEntries: 8, maxBytes: 4_096, budget });
    append(log, bytesOf("K"), key);
    for (let i = 0; i < 20; i++) append(log, bytesOf("0123456789"), 0);
    expect(log.growthCount).toBe(0);
    expect(log.entryTail).toBe(21);
    expect(budget.refusedCount).toBeGreaterThan(0);
    expect(codeOf(() => log.claim(60, 0, 0))).toBe(ERR_MEMORY_LIMIT);
    append(log, bytesOf("K2"), key);
    expect(startText(log)).toBe("K2");
  });
});

describe("the memory budget", () => {
  test("counts the ring from its first byte to its closing", () => {
    const budget = new MemoryBudget(1_000_000);
    const log = new EgressLog({ initialBytes: 64, initialEntries: 8, maxBytes: 65_536, budget });
    expect(budget.usedBytes).toBe(logMemoryBytes(64, 8));
    append(log, bytesOf("K"), key);
    append(log, new Uint8Array(1_000), 0);
    expect(budget.usedBytes).toBe(log.byteLength);
    log.close();
    log.close();
    expect(budget.usedBytes).toBe(0);
    expect(log.isClosed).toBe(true);
  });

  test("refuses a log that does not fit", () => {
    const budget = new MemoryBudget(1_000);
    expect(codeOf(() => new EgressLog({ maxBytes: 65_536, budget }))).toBe(ERR_MEMORY_LIMIT);
    expect(budget.usedBytes).toBe(0);
  });
});

test("doorbells ring when they are told to, until they are taken down", () => {
  const log = new EgressLog({ maxBytes: 65_536 });
  const rung: string[] = [];
  const takeDown = log.addDoorbell(() => rung.push("a"));
  log.addDoorbell(() => rung.push("b"));
  append(log, bytesOf("K"), key);
  expect(rung).toEqual([]);
  log.ringDoorbells();
  takeDown();
  log.ringDoorbells();
  log.close();
  log.ringDoorbells();
  expect(rung).toEqual(["a", "b", "b"]);
});

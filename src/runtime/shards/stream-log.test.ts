/** A log whose writer changes under its readers: own, of another thread, grown, given up, and own again. */

import { describe, expect, test } from "vitest";
import { append, bytesOf, textOf } from "../../../test/support/kernel.ts";
import { EgressLog } from "../../kernel/egress-log.ts";
import { entryFlags } from "../../kernel/log-layout.ts";
import { openLogMemory } from "../../kernel/log-memory.ts";
import { LogReader } from "../../kernel/log-reader.ts";
import { StreamLog } from "./stream-log.ts";

describe("a stream's log", () => {
  test("is the one of this thread, and rings with it", () => {
    const { log, rings } = open();
    const own = written("Ka");
    log.attachOwn(own);
    expect([log.isForeign, log.tail, rings()]).toEqual([false, 2, 1]);
    write(own, "b");
    expect([log.tail, rings(), log.memory]).toEqual([3, 2, own.memory]);
  });

  test("is read in place on another thread, through every growth", () => {
    const { log, rings } = open();
    const writer = written("Ka");
    log.attachForeign(sent(writer));
    expect([log.isForeign, log.tail, textFrom(log), rings()]).toEqual([true, 2, "Ka", 1]);
    write(writer, "b");
    expect([log.tail, rings()]).toEqual([3, 1]); // nobody rang here
    log.ring();
    const before = log.memory;
    const { generation } = log;
    write(writer, "x".repeat(100_000));
    expect(log.tail).toBe(3); // what was there stays readable until the news is here
    log.grow(sent(writer));
    expect([log.memory === before, log.generation === generation, log.tail]).toEqual([false, true, 100_003]);
    expect(textFrom(log)).toBe(`Kab${"x".repeat(100_000)}`);
    expect(rings()).toBe(3);
  });

  test("stays readable while its stream moves, and has another generation when it is there", () => {
    const { log, rings } = open();
    const own = written("Ka");
    log.attachOwn(own);
    const first = log.generation;
    log.detach();
    log.detach();
    own.close();
    expect([textFrom(log), log.generation, log.isForeign, rings()]).toEqual(["Ka", first, true, 1]);
    const away = written("Kz");
    log.attachForeign(sent(away));
    const second = log.generation;
    log.detach();
    expect(textFrom(log)).toBe("Kz");
    const back = written("Ky");
    log.attachOwn(back);
    expect(new Set([first, second, log.generation]).size).toBe(3);
    expect([log.isForeign, textFrom(log), rings()]).toEqual([false, "Ky", 3]);
  });

  test("hears nothing more of a log that it left", () => {
    const { log, rings } = open();
    const [first, second] = [written("K1"), written("K2")];
    log.attachOwn(first);
    log.attachOwn(second);
    first.ringDoorbells();
    expect(rings()).toBe(2);
    log.close();
    second.ringDoorbells();
    expect([rings(), log.isClosed, textFrom(log)]).toEqual([2, true, "K2"]);
  });

  test("rings nobody who has gone, also when he goes while it rings", () => {
    const { log } = open();
    const heard: string[] = [];
    const remove = log.addDoorbell(() => {
      heard.push("first");
      remove();
      removeOther();
    });
    const removeOther = log.addDoorbell(() => heard.push("other"));
    log.attachOwn(written("K"));
    log.ring();
    expect(heard).toEqual(["first"]);
  });

  test("has no memory before it was attached: that would be a mistake of ours", () => {
    const { log } = open();
    expect(log.tail).toBe(0);
    expect(() => log.memory).toThrow("before it was there");
  });
});

function open(): { log: StreamLog; rings: () => number } {
  const log = new StreamLog();
  let count = 0;
  log.addDoorbell(() => count++);
  return { log, rings: () => count };
}

function written(text: string): EgressLog {
  const log = new EgressLog({ initialBytes: 65_536, maxBytes: 2 ** 20 });
  for (const letter of text) write(log, letter);
  return log;
}

function write(log: EgressLog, text: string): void {
  append(log, bytesOf(text), text.startsWith("K") ? entryFlags.key : 0);
  log.ringDoorbells();
}

/** Its memory, as another thread is given it. */
function sent({ memory }: EgressLog): EgressLog["memory"] {
  return openLogMemory(memory.shared, memory.capacity, memory.entryCapacity);
}

function textFrom(log: StreamLog): string {
  const reader = new LogReader(log.memory);
  reader.refresh();
  return reader.gather(reader.randomAccessEntry(), true, Number.POSITIVE_INFINITY).views.map(textOf).join("");
}

/** Doorbells: what was rung is heard, once for any number of times, on one thread step by step and between two at full speed. */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { seededNumbers } from "../../../test/support/log-stress.ts";
import { Doorbell, doorbellBytes } from "./doorbell.ts";
import { maxForeignLogs } from "./limits.ts";

describe("a doorbell", () => {
  test("tells each log that was rung once, and wakes once", () => {
    const { bell, reader, wakes } = open();
    for (const slot of [0, 31, 32, 31, 1_000, maxForeignLogs - 1]) bell.ring(slot);
    expect(wakes()).toBe(1);
    expect(taken(reader)).toEqual([0, 31, 32, 1_000, maxForeignLogs - 1]);
    expect(taken(reader)).toEqual([]);
    bell.ring(31);
    expect(wakes()).toBe(2);
    expect(taken(reader)).toEqual([31]);
  });

  test("that is rung while its reader looks is heard now or at the next waking", () => {
    // In every order: a ring before, between and behind the reader's steps, which the callback stands between.
    const random = seededNumbers(7);
    for (let round = 0; round < 2_000; round++) {
      const { bell, reader, wakes } = open();
      const rung = new Set<number>();
      const heard = new Set<number>();
      const ring = (): void => {
        const slot = random() % 100;
        rung.add(slot);
        bell.ring(slot);
      };
      ring();
      let takenWakes = 0;
      while (takenWakes < wakes()) {
        takenWakes = wakes();
        reader.take((slot) => {
          heard.add(slot);
          if (random() % 3 === 0 && rung.size < 20) ring();
        });
      }
      expect(heard).toEqual(rung);
    }
  });

  test("loses no ring of another thread in 100,000", async () => {
    const shared = new SharedArrayBuffer(doorbellBytes);
    const counts = new Int32Array(new SharedArrayBuffer(4 * slotCount));
    const woken = new Int32Array(new SharedArrayBuffer(4));
    const writer = new Worker(writerProgram, { eval: true, execArgv: [], workerData: { shared, counts, woken } });
    const exited = once(writer, "exit");
    const reader = new Doorbell(shared, () => {});
    const seen = new Int32Array(slotCount);
    const look = (slot: number): void => {
      seen[slot] = Atomics.load(counts, slot);
    };
    const total = (): number => seen.reduce((sum, count) => sum + count, 0);
    let wakeCount = 0;
    // As a thread does that sleeps until it is woken: it looks only then.
    while (total() < ringCount) {
      const before = Atomics.load(woken, 0);
      if (before === wakeCount && Atomics.wait(woken, 0, before, 5_000) === "timed-out") break;
      wakeCount = Atomics.load(woken, 0);
      reader.take(look);
    }
    expect(total()).toBe(ringCount);
    expect(wakeCount).toBeGreaterThan(0);
    await exited;
  });
});

const ringCount = 100_000;
const slotCount = 64;

/** Counts what it rings before it rings. */
const writerProgram = `
  const { workerData: { shared, counts, woken } } = require("node:worker_threads");
  import(${JSON.stringify(new URL("./doorbell.ts", import.meta.url).href)}).then(({ Doorbell }) => {
    const bell = new Doorbell(shared, () => {
      Atomics.add(woken, 0, 1);
      Atomics.notify(woken, 0);
    });
    for (let i = 0; i < ${ringCount}; i++) {
      const slot = (i * 7) % ${slotCount};
      Atomics.add(counts, slot, 1);
      bell.ring(slot);
    }
  });
`;

function open(): { bell: Doorbell; reader: Doorbell; wakes: () => number } {
  const shared = new SharedArrayBuffer(doorbellBytes);
  let wakeCount = 0;
  const bell = new Doorbell(shared, () => {
    wakeCount++;
  });
  return { bell, reader: new Doorbell(shared, () => {}), wakes: () => wakeCount };
}

function taken(reader: Doorbell): number[] {
  const slots: number[] = [];
  reader.take((slot) => slots.push(slot));
  return slots;
}

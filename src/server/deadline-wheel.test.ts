import { expect, test } from "vitest";
import { DeadlineWheel } from "./deadline-wheel.ts";

/** When an item that was added with this delay comes back, in slots of 250 ms. */
function slotsUntilDue(wheel: DeadlineWheel<string>, delayMs: number): number {
  wheel.add("it", delayMs);
  for (let slots = 1; ; slots++) if (wheel.advance().includes("it")) return slots;
}

test("gives each back in the slot of its deadline, never before it", () => {
  const wheel = new DeadlineWheel<string>(250, 9);
  const cases = [1, 249, 250, 251, 500, 501, 1_999, 2_000];
  expect(cases.map((delayMs) => slotsUntilDue(wheel, delayMs))).toEqual([1, 1, 1, 2, 2, 3, 8, 8]);
});

test("gives back at the next slot what is overdue, and in the last one what is far away or never due", () => {
  const wheel = new DeadlineWheel<string>(250, 9);
  expect([-5_000, 0, 2_001, 30_000, Number.POSITIVE_INFINITY].map((delayMs) => slotsUntilDue(wheel, delayMs))).toEqual([
    1, 1, 8, 8, 8,
  ]);
});

test("holds nothing that it has given back", () => {
  const wheel = new DeadlineWheel<number>(250, 4);
  for (let i = 0; i < 100; i++) wheel.add(i, 100 * i);
  const given = Array.from({ length: 4 }, () => wheel.advance()).flat();
  expect(given.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(Array.from({ length: 8 }, () => wheel.advance()).flat()).toEqual([]);
});

import { expect, it } from "vitest";
import { Fifo } from "./fifo.ts";

it("gives items in their order, and undefined when it is empty", () => {
  const fifo = new Fifo<number>();
  expect(fifo.shift()).toBeUndefined();
  fifo.push(1);
  fifo.push(2);
  expect(fifo.shift()).toBe(1);
  fifo.push(3);
  expect([fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([2, 3, undefined]);
  fifo.push(4);
  expect([fifo.shift(), fifo.shift()]).toEqual([4, undefined]);
});

it("forgets everything on clear", () => {
  const fifo = new Fifo<number>();
  fifo.push(1);
  fifo.clear();
  expect(fifo.shift()).toBeUndefined();
});

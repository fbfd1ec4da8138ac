import { describe, expect, test } from "vitest";
import { seededNumbers } from "../../test/support/log-stress.ts";
import { rescaleTicks } from "./time.ts";
import { modulo, Unwrapper, wrapDistance } from "./wrap.ts";

describe.each([16, 31, 32, 33])("on a circle of 2^%i", (bits) => {
  const size = 2 ** bits;
  const half = size / 2;

  test.each([
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, -1],
    [size - 1, 0, 1],
    [0, size - 1, -1],
    [size - 1, 5, 6],
    [5, size - 1, -6],
    [0, half - 1, half - 1],
    [0, half, -half],
    [half, 0, -half],
    [half - 1, size - 1, -half],
    [size - 1, half - 2, half - 1],
  ])("from %i to %i it is %i", (a, b, distance) => {
    expect(wrapDistance(a, b, bits)).toBe(distance);
  });

  test("steps of any size below half a circle are unwrapped, forwards and backwards, over many turns", () => {
    const next = seededNumbers(bits);
    const unwrapper = new Unwrapper(bits);
    let time = size - 10;
    expect(unwrapper.unwrap(time)).toBe(time);
    for (let i = 0; i < 2_000; i++) {
      time += Math.floor((next() / 2 ** 32) * (half - 1)) - (next() % 4 === 0 ? Math.floor(half / 2) : 0);
      expect(unwrapper.unwrap(modulo(time, size))).toBe(time);
    }
    expect(time).toBeGreaterThan(size * 100);
  });

  test("a value that goes back at the wrap is the one before it, not a turn later", () => {
    const unwrapper = new Unwrapper(bits);
    const values = [size - 2, size - 1, 0, size - 1, 1, 0, 2];
    expect(values.map((value) => unwrapper.unwrap(value))).toEqual([
      size - 2,
      size - 1,
      size,
      size - 1,
      size + 1,
      size,
      size + 2,
    ]);
  });

  test("a counter that begins at 0 and goes back is negative", () => {
    const unwrapper = new Unwrapper(bits);
    expect([0, size - 3, 2].map((value) => unwrapper.unwrap(value))).toEqual([0, -3, 2]);
  });
});

test("the remainder is never negative", () => {
  expect([-1, -8, -9, 0, 7, 8].map((value) => modulo(value, 8))).toEqual([7, 0, 7, 0, 7, 0]);
});

describe("ticks between timescales", () => {
  test.each([
    [0, 90_000, 1_000, 0],
    [90_000, 90_000, 1_000, 1_000],
    [44, 90_000, 1_000, 0],
    [45, 90_000, 1_000, 1],
    [1_024, 44_100, 90_000, 2_090],
    [-1_024, 44_100, 90_000, -2_090],
    [-45, 90_000, 1_000, 0],
    [33, 1_000, 90_000, 2_970],
    [2 ** 33, 90_000, 1_000, 95_443_718],
    [1, 1_000_000_000, 90_000, 0],
    [999_999_999, 1_000_000_000, 90_000, 90_000],
    [5, 7, 7, 5],
  ])("%i of %i in %i are %i", (ticks, from, to, expected) => {
    expect(rescaleTicks(ticks, from, to) + 0).toBe(expected);
  });

  test("a hundred years of nanoseconds stay exact", () => {
    const seconds = 100 * 365 * 86_400;
    expect(rescaleTicks(seconds * 90_000 + 45_000, 90_000, 1_000)).toBe(seconds * 1_000 + 500);
    expect(rescaleTicks(seconds * 1_000 + 500, 1_000, 48_000)).toBe(seconds * 48_000 + 24_000);
  });

  test("there and back is the same, where the other timescale is finer", () => {
    const next = seededNumbers(7);
    for (let i = 0; i < 1_000; i++) {
      const ticks = next();
      expect(rescaleTicks(rescaleTicks(ticks, 1_000, 90_000), 90_000, 1_000)).toBe(ticks);
      expect(rescaleTicks(rescaleTicks(ticks, 44_100, 90_000), 90_000, 44_100)).toBe(ticks);
    }
  });

  test("order is kept", () => {
    let before = Number.NEGATIVE_INFINITY;
    for (let ticks = -5_000; ticks < 5_000; ticks++) {
      const now = rescaleTicks(ticks, 44_100, 1_000);
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
  });
});

import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

test("gives percentiles within two percent, from microseconds to minutes", () => {
  for (const scale of [0.002, 1, 77, 12_345]) {
    const histogram = new Histogram();
    for (let i = 1; i <= 1_000; i++) histogram.add((i / 1_000) * scale);
    for (const share of [0.5, 0.9, 0.99, 1]) {
      const relative = histogram.percentileMs(share) / (share * scale);
      expect(relative).toBeGreaterThanOrEqual(0.999);
      // The smallest bucket is a microsecond wide.
      expect(relative).toBeLessThan(scale < 0.01 ? 1.3 : 1.0225);
    }
    expect(histogram.maxMs).toBeCloseTo(scale, 9);
  }
});

test("keeps what is outside of its range in the outermost buckets", () => {
  const histogram = new Histogram();
  histogram.add(0);
  histogram.add(-1);
  histogram.add(1e9);
  expect(histogram.count).toBe(3);
  expect(histogram.percentileMs(0.5)).toBe(0.001);
  expect(histogram.percentileMs(1)).toBeLessThanOrEqual(1e9);
  expect(histogram.maxMs).toBe(1e9);
});

test("knows nothing without values, and after it was cleared", () => {
  const histogram = new Histogram();
  expect(histogram.percentileMs(0.5)).toBeNaN();
  histogram.add(5);
  histogram.clear();
  expect([histogram.percentileMs(0.5), histogram.maxMs, histogram.count]).toEqual([Number.NaN, 0, 0]);
});

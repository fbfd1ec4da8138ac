import { expect, it } from "vitest";
import { DecodeTimes } from "./decode-times.ts";

it.each([
  ["no B-frames", 0, [0, 1, 2, 3], [0, 1, 2, 3]],
  ["one B-frame", 1, [0, 20, 10, 40, 30], [-1, 0, 10, 20, 30]],
  ["a pyramid", 2, [0, 40, 20, 10, 30, 80, 60], [-2, -1, 0, 10, 20, 30, 40]],
  [
    "a pyramid that was not announced",
    0,
    [0, 40, 20, 10, 30, 80, 60, 50, 70, 120],
    [0, 40, 40, 40, 40, 40, 40, 40, 50, 60],
  ],
])("gives decoding times to %s", (_, depth, pts, dts) => {
  const times = new DecodeTimes(depth);
  expect(pts.map((ticks) => times.dtsOf(ticks))).toEqual(dts);
});

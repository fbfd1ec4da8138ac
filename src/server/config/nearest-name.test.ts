import { describe, expect, test } from "vitest";
import { editDistance, nearestName } from "./nearest-name.ts";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["", "port", 4],
    ["port", "port", 0],
    ["prot", "port", 1],
    ["pot", "port", 1],
    ["porrt", "port", 1],
    ["pork", "port", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
  ])("%j to %j is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe("nearestName", () => {
  const names = ["rtmp.port", "rtmp.chunk_size", "http.port", "http.allow_origin"];

  test.each([
    ["rtmp.prot", "rtmp.port"],
    ["rtmp.chunksize", "rtmp.chunk_size"],
    ["http.allow_origins", "http.allow_origin"],
    ["htpt.port", "http.port"],
    ["banana", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ])("%.20s → %s", (name, nearest) => {
    expect(nearestName(name, names)).toBe(nearest);
  });
});

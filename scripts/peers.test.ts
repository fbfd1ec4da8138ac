import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { missingPeers, peersOfStage } from "./peers.ts";

it("names only packages that .ci/run installs", () => {
  const installed = readFileSync(join(import.meta.dirname, "../.ci/run"), "utf8").split(/\s+/);
  const named = Object.values(peersOfStage).flatMap((peers) => peers.map(({ aptPackage }) => aptPackage));
  expect(named.filter((name) => !installed.includes(name))).toEqual([]);
});

it("asks for nothing where a stage needs no peers", () => {
  expect(missingPeers("fuzz")).toEqual([]);
});

/** The house rules as tests: each is first seen to refuse a bad little tree and to pass a good one, then reads the real one. */

import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ruleCases } from "./tidy/rules.cases.ts";
import { rules } from "./tidy/rules.ts";
import { formatFinding, readTree, treeOf } from "./tidy/tree.ts";

const tree = readTree(resolve(import.meta.dirname, ".."));

it("has seen every rule fail", () => {
  expect(Object.keys(ruleCases)).toEqual(Object.keys(rules));
  for (const { bad } of Object.values(ruleCases)) expect(bad).not.toEqual([]);
});

describe.each(Object.entries(rules))("%s", (name, rule) => {
  const { good, bad } = ruleCases[name] ?? { good: {}, bad: [] };

  it("passes a good tree", () => {
    expect(rule(treeOf(good)).map(formatFinding)).toEqual([]);
  });

  it.each(bad)("refuses $what", ({ files, found }) => {
    expect(rule(treeOf(files)).map(formatFinding)).toEqual(found.map((each) => expect.stringContaining(each)));
  });

  it("holds for this project", () => {
    expect(rule(tree).map(formatFinding)).toEqual([]);
  });
});

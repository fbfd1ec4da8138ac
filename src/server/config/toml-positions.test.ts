import * as fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { describe, expect, test } from "vitest";
import { positionCases } from "./toml-positions.cases.ts";
import { type KeyPosition, scanKeyPositions } from "./toml-positions.ts";

describe("scanKeyPositions", () => {
  test.each(positionCases)("finds $name", ({ text, positions }) => {
    parse(text);
    const root = scanKeyPositions(text);
    for (const [path, place] of positions) expect([path, placeOf(root, path)]).toEqual([path, place]);
  });

  test("knows every key of every document", () => {
    const key = fc.oneof(fc.constantFrom("a", "b", "x.y", "__proto__", "constructor", "#", "]", '"'), fc.string());
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constantFrom('"""', "'''", "[[a]]\nb = 1"));
    const document = fc.letrec((tie) => ({
      table: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      value: fc.oneof({ depthSize: "small" }, scalar, tie("table"), fc.array(tie("table"), { maxLength: 3 })),
    })).table;
    fc.assert(
      fc.property(document, (value) => {
        const text = stringify(value);
        const missing = missingPaths(parse(text), scanKeyPositions(text));
        expect(missing).toEqual([]);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  test("ends on text that no parser would accept", () => {
    for (const text of [
      "[",
      "[[",
      "a",
      "a =",
      "a = [",
      "a = [}",
      "a = {b",
      '"',
      '"""',
      "a = [1 2",
      "= 1",
      "[a",
      "a.",
      "\\",
    ]) {
      expect(() => scanKeyPositions(text)).not.toThrow();
    }
  });

  test("refuses dotted keys without end", () => {
    expect(() => scanKeyPositions(`\n${"a.".repeat(100_000)}a = 1`)).toThrow("line 2: keys are nested deeper than 32");
  });
});

function placeOf(root: KeyPosition, path: readonly string[]): string {
  let node: KeyPosition | undefined = root;
  for (const name of path) node = node?.children.get(name);
  return node === undefined ? "nowhere" : `${node.line}:${node.column}`;
}

function missingPaths(value: unknown, position: KeyPosition, path = ""): string[] {
  if (typeof value !== "object" || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const child = position.children.get(name);
    return child === undefined ? [`${path}/${name}`] : missingPaths(inner, child, `${path}/${name}`);
  });
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readFileBounded } from "./read-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-read-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [0, 0],
  [9, 9],
  [10, 10],
  [11, 11],
  [5000, 11],
])("of %i bytes with a limit of 10, reads %i", (size, expected) => {
  const path = join(folder, "file");
  writeFileSync(path, new Uint8Array(size).fill(7));
  expect(readFileBounded(path, 10)).toEqual(new Uint8Array(expected).fill(7));
});

test("gives nothing for a file that is not there, and throws for what is no file", () => {
  expect(readFileBounded(join(folder, "missing"), 10)).toBeUndefined();
  expect(() => readFileBounded(folder, 10)).toThrow("EISDIR");
});

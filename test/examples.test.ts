import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const folder = resolve(import.meta.dirname, "../examples");

it.each(readdirSync(folder).filter((name) => name.endsWith(".ts")))("example %s runs to its end", async (name) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [resolve(folder, name)], { timeout: 15_000 });
  expect(stderr).toBe("");
  expect(stdout).not.toBe("");
});

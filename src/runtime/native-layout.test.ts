import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { nativeLayoutHeader } from "./native-layout.ts";

it("the header that C++ is compiled with is the one that these declarations make", () => {
  const file = resolve(import.meta.dirname, "../../native/src/layout.h");
  expect(readFileSync(file, "utf8")).toBe(nativeLayoutHeader());
});

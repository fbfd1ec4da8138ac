import { expect, test } from "vitest";
import { codeOf } from "../../test/support/kernel.ts";
import { ERR_STREAM_NAME } from "./errors.ts";
import { acceptedNames, refusedNames } from "./stream-name.cases.ts";
import { parseStreamName } from "./stream-name.ts";

test.each(acceptedNames)("%s is a name, as it stands", (text) => {
  const name = parseStreamName(text);
  expect(name.key).toBe(text);
  expect(`${name.app}/${name.name}`).toBe(text);
  expect(name.app).not.toContain("/");
});

test.each(refusedNames)("is refused: $why", ({ name }) => {
  expect(codeOf(() => parseStreamName(name))).toBe(ERR_STREAM_NAME);
});

test("every character outside the grammar is refused, at every place", () => {
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code);
    if (/[A-Za-z0-9._/-]/.test(character)) continue;
    for (const name of [`${character}live/cam`, `live${character}/cam`, `live/${character}`, `live/cam${character}`]) {
      expect(codeOf(() => parseStreamName(name))).toBe(ERR_STREAM_NAME);
    }
  }
});

test("the message of a refusal does not repeat what the peer wrote", () => {
  expect(() => parseStreamName("live/\u001b[2J")).toThrow(
    "the stream name has characters other than letters, digits, . _ - and /",
  );
});

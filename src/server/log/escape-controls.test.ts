import { expect, test } from "vitest";
import { escapeControls } from "./escape-controls.ts";

test.each([
  ["plain text, ümläuts and 日本", "plain text, ümläuts and 日本"],
  ["a\r\nb\tc", "a\\r\\nb\\tc"],
  ["\u0000\u001b[2J\u007f", "\\u0000\\u001b[2J\\u007f"],
  ["\u0085\u009b31m", "\\u0085\\u009b31m"],
  ["\u2028\u2029\u202e\u2066", "\\u2028\\u2029\\u202e\\u2066"],
])("%j becomes %j", (text, escaped) => {
  expect(escapeControls(text)).toBe(escaped);
});

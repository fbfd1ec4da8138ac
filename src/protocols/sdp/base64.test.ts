import { expect, it } from "vitest";
import { parseBase64, writeBase64 } from "./base64.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

it.each([
  ["", ""],
  ["66", "Zg=="],
  ["666f", "Zm8="],
  ["666f6f", "Zm9v"],
  ["666f6f62", "Zm9vYg=="],
  ["666f6f6261", "Zm9vYmE="],
  ["666f6f626172", "Zm9vYmFy"],
  ["fbff00", "+/8A"],
])("%s is %s (RFC 4648 §10)", (bytes, text) => {
  expect(writeBase64(hex(bytes))).toBe(text);
  expect(parseBase64(text)).toEqual(hex(bytes));
});

it.each([
  ["without padding", "Zm9vYg", "666f6f62"],
  ["with something behind it", "Zm9vYg== ; x", "666f6f62"],
  ["cut off inside of a group", "Zm9vY", "666f6f"],
  ["nothing of it", "%%%", ""],
])("is read %s", (_, text, bytes) => {
  expect(parseBase64(text)).toEqual(hex(bytes));
});

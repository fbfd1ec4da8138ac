import { expect, test } from "vitest";
import { hexBytes } from "../../../test/support/material.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { amf3Cases } from "./amf3.cases.ts";
import { parseAmf3 } from "./amf3.ts";
import {
  ERR_AMF_COUNT,
  ERR_AMF_DEPTH,
  ERR_AMF_EXTERNALIZABLE,
  ERR_AMF_MARKER,
  ERR_AMF_REFERENCE,
  ERR_AMF_TOO_MANY_VALUES,
} from "./errors.ts";
import { maxAmfDepth } from "./limits.ts";

test.each(amf3Cases)("reads: $name", ({ hex, value }) => {
  const bytes = hexBytes(hex);
  const before = bytes.slice();
  const reader = new ByteReader(bytes);
  expect(parseAmf3(reader)).toEqual(value);
  expect(reader.left).toBe(0);
  expect(bytes).toEqual(before);
});

test.each(amf3Cases)("every cut is truncated: $name", ({ hex }) => {
  const bytes = hexBytes(hex);
  for (let length = 0; length < bytes.length; length++) {
    expect([ERR_TRUNCATED, ERR_AMF_COUNT]).toContain(codeOf(bytes.subarray(0, length).toHex()));
  }
});

test("byte arrays are copies", () => {
  const bytes = hexBytes("0c0301");
  const value = parseAmf3(new ByteReader(bytes));
  bytes.fill(0);
  expect(value).toEqual({ type: "bytes", bytes: Uint8Array.of(1) });
});

const repeatedText = `09${u29((101 << 1) | 1)}0106${u29((10_000 << 1) | 1)}${"61".repeat(10_000)}${"0600".repeat(100)}`;

test.each([
  ["an unknown marker", "12", ERR_AMF_MARKER],
  ["a string that was never sent", "0602", ERR_AMF_REFERENCE],
  ["an object that was never sent", "0a02", ERR_AMF_REFERENCE],
  ["traits that were never sent", "0a05", ERR_AMF_REFERENCE],
  ["an array inside itself", "0903010900", ERR_AMF_REFERENCE],
  ["a class that writes itself", "0a070346", ERR_AMF_EXTERNALIZABLE],
  ["a dense array beyond the data", "09ffffffff01", ERR_AMF_COUNT],
  ["a vector beyond the data", "0dffffffff00", ERR_AMF_COUNT],
  ["a dictionary beyond the data", "11ffffffff00", ERR_AMF_COUNT],
  ["members beyond the data", `0a${u29((1_000_000 << 4) | 3)}01`, ERR_AMF_COUNT],
  ["nesting beyond the limit", `${"090301".repeat(maxAmfDepth + 1)}01`, ERR_AMF_DEPTH],
  ["more values than the limit", `09${u29((40_000 << 1) | 1)}01${"01".repeat(40_000)}`, ERR_AMF_TOO_MANY_VALUES],
  ["one text repeated by reference", repeatedText, ERR_AMF_REFERENCE],
])("refuses %s", (_name, hex, code) => {
  expect(codeOf(hex)).toBe(code);
});

function codeOf(hex: string): string | undefined {
  try {
    parseAmf3(new ByteReader(hexBytes(hex)));
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

/** §1.3.1, below 2^28. */
function u29(value: number): string {
  if (value < 0x80) return hex2(value);
  if (value < 0x4000) return hex2((value >> 7) | 0x80) + hex2(value & 0x7f);
  if (value < 0x20_0000) return hex2((value >> 14) | 0x80) + hex2(((value >> 7) & 0x7f) | 0x80) + hex2(value & 0x7f);
  return (
    hex2((value >> 22) | 0x80) +
    hex2(((value >> 15) & 0x7f) | 0x80) +
    hex2(((value >> 8) & 0x7f) | 0x80) +
    hex2(value & 0xff)
  );
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, "0");
}

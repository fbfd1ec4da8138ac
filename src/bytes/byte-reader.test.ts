import { expect, test } from "vitest";
import { hexBytes } from "../../test/support/material.ts";
import { byteCases } from "./byte-reader.cases.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CodedError, ERR_TRUNCATED } from "./coded-error.ts";

test.each(byteCases)("reads $name", ({ hex, value, read }) => {
  // Behind an offset, in a view: neither may be mistaken for the buffer's beginning.
  const bytes = hexBytes(`aabb${hex}cc`).subarray(1);
  const before = bytes.slice();
  const reader = new ByteReader(bytes, 1);
  expect(read(reader)).toBe(value);
  expect(reader.left).toBe(1);
  expect(bytes).toEqual(before);
});

test.each(byteCases)("is truncated at every cut, and stays where it was: $name", ({ hex, read }) => {
  const bytes = hexBytes(hex);
  for (let end = 0; end < bytes.length; end++) {
    const reader = new ByteReader(bytes, 0, end);
    expect(() => read(reader)).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
    expect(reader.offset).toBe(0);
  }
});

test.each(byteCases.filter(({ write }) => write !== undefined))("writes $name", ({ hex, value, write }) => {
  const writer = new ByteWriter(0);
  write?.(writer, value);
  expect(writer.finish().toHex()).toBe(hex);
});

test("views are views, and end where the reader ends", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  const reader = new ByteReader(bytes, 1, 4);
  const view = reader.view(2);
  expect(view.buffer).toBe(bytes.buffer);
  expect([...view]).toEqual([2, 3]);
  expect([...reader.rest()]).toEqual([4]);
  expect(reader.rest()).toHaveLength(0);
});

test("a length from a peer never moves the reader back or past the end", () => {
  const reader = new ByteReader(new Uint8Array(8), 4);
  for (const length of [-1, -5, 5, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    expect(() => reader.skip(length)).toThrow(CodedError);
    expect(() => reader.view(length)).toThrow(CodedError);
    expect(reader.offset).toBe(4);
  }
});

test("the error of a truncation says what was wanted, where, and what was there", () => {
  expect(() => new ByteReader(new Uint8Array(5), 2).u32()).toThrow("expected 4 bytes at offset 2, only 3 are left");
});

test("the writer grows by doubling and keeps what it has", () => {
  const writer = new ByteWriter(1);
  for (let i = 0; i < 1_000; i++) writer.u8(i);
  writer.put(Uint8Array.of(7, 8)).ascii("ab");
  const bytes = writer.finish();
  expect(bytes).toHaveLength(1_004);
  expect(bytes[999]).toBe(999 & 0xff);
  expect([...bytes.subarray(1_000)]).toEqual([7, 8, 0x61, 0x62]);
});

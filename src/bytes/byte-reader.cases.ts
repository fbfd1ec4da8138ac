/** Fields in the network's order: what is written, its bytes, and what is read again. */

import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

export interface ByteCase {
  readonly name: string;
  readonly hex: string;
  readonly value: number;
  readonly read: (reader: ByteReader) => number;
  /** Missing where the writer has no such field. */
  readonly write?: (writer: ByteWriter, value: number) => void;
}

const u8 = { read: (r: ByteReader) => r.u8(), write: (w: ByteWriter, v: number) => w.u8(v) };
const u16 = { read: (r: ByteReader) => r.u16(), write: (w: ByteWriter, v: number) => w.u16(v) };
const u24 = { read: (r: ByteReader) => r.u24(), write: (w: ByteWriter, v: number) => w.u24(v) };
const i24 = { read: (r: ByteReader) => r.i24(), write: (w: ByteWriter, v: number) => w.u24(v) };
const u32 = { read: (r: ByteReader) => r.u32(), write: (w: ByteWriter, v: number) => w.u32(v) };
const i32 = { read: (r: ByteReader) => r.i32(), write: (w: ByteWriter, v: number) => w.u32(v) };
const u32le = { read: (r: ByteReader) => r.u32le(), write: (w: ByteWriter, v: number) => w.u32le(v) };
const f64 = { read: (r: ByteReader) => r.f64(), write: (w: ByteWriter, v: number) => w.f64(v) };
const u16le = { read: (r: ByteReader) => r.u16le() };
const u64 = { read: (r: ByteReader) => r.u64() };

export const byteCases: readonly ByteCase[] = [
  { name: "u8 0", hex: "00", value: 0, ...u8 },
  { name: "u8 255", hex: "ff", value: 255, ...u8 },
  { name: "u16", hex: "0102", value: 0x0102, ...u16 },
  { name: "u16 at its end", hex: "ffff", value: 2 ** 16 - 1, ...u16 },
  { name: "u24", hex: "010203", value: 0x010203, ...u24 },
  { name: "u24 at its end", hex: "ffffff", value: 2 ** 24 - 1, ...u24 },
  { name: "i24 positive", hex: "7fffff", value: 2 ** 23 - 1, ...i24 },
  { name: "i24 negative", hex: "ffffff", value: -1, ...i24 },
  { name: "i24 at its beginning", hex: "800000", value: -(2 ** 23), ...i24 },
  { name: "u32", hex: "01020304", value: 0x01020304, ...u32 },
  { name: "u32 at 2^31", hex: "80000000", value: 2 ** 31, ...u32 },
  { name: "u32 at its end", hex: "ffffffff", value: 2 ** 32 - 1, ...u32 },
  { name: "i32 negative", hex: "fffffffe", value: -2, ...i32 },
  { name: "i32 at its beginning", hex: "80000000", value: -(2 ** 31), ...i32 },
  { name: "u32le", hex: "04030201", value: 0x01020304, ...u32le },
  { name: "u32le at 2^31", hex: "00000080", value: 2 ** 31, ...u32le },
  { name: "u16le", hex: "0201", value: 0x0102, ...u16le },
  { name: "u64 at 2^32", hex: "0000000100000000", value: 2 ** 32, ...u64 },
  { name: "u64 at 2^53 - 1", hex: "001fffffffffffff", value: Number.MAX_SAFE_INTEGER, ...u64 },
  { name: "f64", hex: "3ff8000000000000", value: 1.5, ...f64 },
  { name: "f64 negative", hex: "c059000000000000", value: -100, ...f64 },
];

/** leb128() of AV1 §4.10.5: seven bits a byte, the lowest first. */

import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAMING } from "../errors.ts";

/** Reads a value of at most 8 bytes and 32 bits, which is all that the standard allows. */
export function parseLeb128(reader: ByteReader): number {
  let value = 0;
  for (let i = 0; i < maxLeb128Bytes; i++) {
    const byte = reader.u8();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (value > 0xffff_ffff) break;
      return value;
    }
  }
  throw new CodedError(ERR_CODEC_FRAMING, "a leb128 value is longer than 8 bytes or above 2^32 - 1");
}

/** Writes `value`, 0 to 2^32 - 1, in as few bytes as it needs. */
export function writeLeb128(writer: ByteWriter, value: number): void {
  let rest = value;
  while (rest > 0x7f) {
    writer.u8((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  writer.u8(rest);
}

/** Bytes that {@link writeLeb128} and {@link writeLeb128At} write. */
export function leb128Length(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** As {@link writeLeb128}, at an offset of memory that is there; returns the offset behind it. */
export function writeLeb128At(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest > 0x7f) {
    bytes[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[end++] = rest;
  return end;
}

const maxLeb128Bytes = 8;

/**
 * Big-endian reads (the network's order) over one Uint8Array, and the little-endian ones that the formats need.
 *
 * Reading past the end throws `ERR_TRUNCATED`, always; the offset is then where it was.
 */

import { truncatedError } from "./coded-error.ts";

export class ByteReader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Bytes between the offset and the end. */
  get left(): number {
    return this.end - this.offset;
  }

  u8(): number {
    const at = this.#advance(1);
    return this.bytes[at] as number;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u24(): number {
    const at = this.#advance(3);
    return ((this.bytes[at] as number) << 16) | ((this.bytes[at + 1] as number) << 8) | (this.bytes[at + 2] as number);
  }

  /** Signed 24 bits, as FLV composition times are. */
  i24(): number {
    return (this.u24() << 8) >> 8;
  }

  u32(): number {
    const at = this.#advance(4);
    return readU32(this.bytes, at);
  }

  i32(): number {
    return this.u32() | 0;
  }

  u32le(): number {
    const at = this.#advance(4);
    const b = this.bytes;
    return (
      ((b[at] as number) |
        ((b[at + 1] as number) << 8) |
        ((b[at + 2] as number) << 16) |
        ((b[at + 3] as number) << 24)) >>>
      0
    );
  }

  u16le(): number {
    const at = this.#advance(2);
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8);
  }

  /** 64 unsigned bits as a number; exact up to 2^53, above that the nearest number. */
  u64(): number {
    const at = this.#advance(8);
    return readU32(this.bytes, at) * 0x1_0000_0000 + readU32(this.bytes, at + 4);
  }

  f64(): number {
    const at = this.#advance(8);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8);
    return view.getFloat64(0);
  }

  /** A view (not a copy) of the next `length` bytes. */
  view(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.view(this.left);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    const at = this.offset;
    if (length < 0 || length > this.end - at) throw truncatedError(length, at, this.end - at);
    this.offset = at + length;
    return at;
  }
}

/** 32 unsigned bits at `at`; the caller has checked that they are there. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

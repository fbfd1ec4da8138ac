/** Bits as H.264 writes them (§7.2, §9.1): fixed lengths, Exp-Golomb codes, whole bytes; at the end a NAL unit. */

import { ByteWriter } from "../../bytes/byte-writer.ts";

export class BitString {
  readonly #bytes = new ByteWriter(1024);
  #byte = 0;
  #bitCount = 0;

  /** u(n): the lowest `count` bits of `value`, at most 31. */
  bits(value: number, count: number): this {
    for (let i = count - 1; i >= 0; i--) {
      this.#byte = (this.#byte << 1) | ((value >> i) & 1);
      if (++this.#bitCount < 8) continue;
      this.#bytes.u8(this.#byte);
      this.#byte = 0;
      this.#bitCount = 0;
    }
    return this;
  }

  /** ue(v), and se(v) of values that are 0. */
  ue(value: number): this {
    const length = 31 - Math.clz32(value + 1);
    return this.bits(0, length).bits(value + 1, length + 1);
  }

  /** Zeros up to the next whole byte. */
  align(): this {
    return this.bits(0, (8 - this.#bitCount) % 8);
  }

  /** Whole bytes; only where the bits are aligned. */
  bytes(bytes: Uint8Array): this {
    this.#bytes.put(bytes);
    return this;
  }

  /** rbsp_trailing_bits, and emulation prevention (§7.3.1). */
  finishNalUnit(): Uint8Array {
    const plain = this.bits(1, 1).align().finish();
    const unit = new ByteWriter(plain.length + 16);
    let zeroCount = 0;
    for (const byte of plain) {
      if (zeroCount === 2 && byte <= 3) {
        unit.u8(3);
        zeroCount = 0;
      }
      unit.u8(byte);
      zeroCount = byte === 0 ? zeroCount + 1 : 0;
    }
    return unit.finish();
  }

  /** What was written, filled up to whole bytes with zeros. */
  finish(): Uint8Array {
    this.align();
    return this.#bytes.finish();
  }
}

/**
 * Bits from the most significant down, with the Exp-Golomb codes of H.264 §9.1 and H.265 §9.2.
 *
 * Reads at most 32 bits at a time. Past the end: `ERR_TRUNCATED`. An Exp-Golomb code of more than 31 leading zeros is
 * `ERR_BITS_RANGE`: no field of the standards has one.
 */

import { CodedError, truncatedError } from "./coded-error.ts";

/** An Exp-Golomb code that no standard allows. */
export const ERR_BITS_RANGE = "ERR_BITS_RANGE";

export class BitReader {
  readonly #bytes: Uint8Array;
  #bit: number;

  constructor(bytes: Uint8Array, bitOffset = 0) {
    this.#bytes = bytes;
    this.#bit = bitOffset;
  }

  get bitOffset(): number {
    return this.#bit;
  }

  get bitsLeft(): number {
    return this.#bytes.length * 8 - this.#bit;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** `count` bits, 0 to 32, as an unsigned number. */
  bits(count: number): number {
    if (count > this.bitsLeft) throw truncatedError((count + 7) >> 3, this.#bit >> 3, this.bitsLeft >> 3);
    let value = 0;
    let wanted = count;
    while (wanted > 0) {
      const byte = this.#bytes[this.#bit >> 3] as number;
      const available = 8 - (this.#bit & 7);
      const take = wanted < available ? wanted : available;
      // Multiplication, not a shift: the 32nd bit must not become a sign.
      value = value * (1 << take) + ((byte >> (available - take)) & ((1 << take) - 1));
      this.#bit += take;
      wanted -= take;
    }
    return value;
  }

  skip(count: number): void {
    if (count > this.bitsLeft) throw truncatedError((count + 7) >> 3, this.#bit >> 3, this.bitsLeft >> 3);
    this.#bit += count;
  }

  /** ue(v): 0 to 2^32 - 2. */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros > 31) throw new CodedError(ERR_BITS_RANGE, "an Exp-Golomb code has more than 31 leading zeros");
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v): the signed mapping of H.264 §9.1.1. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : code === 0 ? 0 : -(code / 2);
  }
}

/** Bits from the most significant down, for the few bytes of an AudioSpecificConfig. */

export class BitWriter {
  readonly #bytes: number[] = [];
  #bit = 0;

  /** The lowest `count` bits of `value`, at most 24. */
  bits(value: number, count: number): this {
    for (let i = count - 1; i >= 0; i--) {
      const at = this.#bit >> 3;
      this.#bytes[at] = (this.#bytes[at] ?? 0) | (((value >> i) & 1) << (7 - (this.#bit & 7)));
      this.#bit++;
    }
    return this;
  }

  /** What was written, filled up to whole bytes with zeros. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * The doorbell between two threads: which logs have grown, as bits in shared memory, and one wake-up for any number of them.
 *
 * The writer sets the log's bit, and wakes the reader unless it has been woken already and has not come yet. The reader first
 * says that it has come, then takes the bits: so no ring is lost, and a ring too many finds no bits.
 */

import { maxForeignLogs } from "./limits.ts";

/** Bytes of one direction's shared memory. */
export const doorbellBytes: number = 4 + maxForeignLogs / 8;

export class Doorbell {
  readonly #words: Int32Array;
  readonly #wake: () => void;

  /** @param wake - called on the writer's thread, when the reader sleeps */
  constructor(shared: SharedArrayBuffer, wake: () => void) {
    this.#words = new Int32Array(shared);
    this.#wake = wake;
  }

  /** On the writer's thread: log `slot` has grown. */
  ring(slot: number): void {
    Atomics.or(this.#words, 1 + (slot >> 5), 1 << (slot & 31));
    if (Atomics.exchange(this.#words, 0, 1) === 0) this.#wake();
  }

  /** On the reader's thread: calls `each` for every log that has grown since the last time. */
  take(each: (slot: number) => void): void {
    if (Atomics.exchange(this.#words, 0, 0) === 0) return;
    for (let word = 1; word < this.#words.length; word++) {
      if (Atomics.load(this.#words, word) === 0) continue;
      let bits = Atomics.exchange(this.#words, word, 0);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        each((word - 1) * 32 + bit);
      }
    }
  }
}

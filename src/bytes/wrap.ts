/**
 * Arithmetic on counters that wrap, in one place: RTP sequence numbers (2^16), RTMP and RTP timestamps (2^32), MPEG-TS
 * time (2^33). Values above 2^31 never meet a bit operator here.
 */

/** Signed distance from `a` to `b` on a circle of 2^bits: in [-2^(bits-1), 2^(bits-1)). */
export function wrapDistance(a: number, b: number, bits: number): number {
  return distanceOn(2 ** bits, a, b);
}

/** Turns a wrapping counter into one that does not wrap: each value is taken as the nearest one to the value before. */
export class Unwrapper {
  readonly #size: number;
  #last: number | undefined;

  constructor(bits: number) {
    this.#size = 2 ** bits;
  }

  /** The unwrapped value; the first is returned as it came. May be negative when the first values go back below zero. */
  unwrap(value: number): number {
    const last = this.#last;
    if (last === undefined) {
      this.#last = value;
      return value;
    }
    const next = last + distanceOn(this.#size, modulo(last, this.#size), value);
    this.#last = next;
    return next;
  }
}

function distanceOn(size: number, a: number, b: number): number {
  const forward = modulo(b - a, size);
  return forward >= size / 2 ? forward - size : forward;
}

/** The remainder that is never negative, and never -0. */
export function modulo(value: number, size: number): number {
  return ((value % size) + size) % size;
}

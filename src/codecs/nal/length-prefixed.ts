/**
 * NAL units with their length before each: how a frame of H.264, H.265 or VVC is kept in the kernel
 * (ISO/IEC 14496-15 §4.3.3, §5.3.3). The size of the length stands in the track's configuration record.
 */

import { CodedError, truncatedError } from "../../bytes/coded-error.ts";
import { atMost } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxNalUnitsPerAccessUnit } from "../limits.ts";

/** Bytes of a length; 3 is not allowed by the standard. */
export type NalLengthSize = 1 | 2 | 4;

/** lengthSizeMinusOne of a configuration record as a size. */
export function parseNalLengthSize(minusOne: number): NalLengthSize {
  const size = (minusOne & 3) + 1;
  if (size === 3) throw new CodedError(ERR_CODEC_CONFIG, "NAL unit lengths have 3 bytes, expected 1, 2 or 4");
  return size as NalLengthSize;
}

/**
 * Walks over the NAL units of one frame without allocating: `reset`, then `start` and `end` are those of a unit after each
 * `next` that returned true. Empty units are passed over. One walker serves any number of frames.
 */
export class NalUnitWalker {
  /** Offset of the NAL unit's header in the frame. */
  start = 0;
  /** Offset behind the NAL unit. */
  end = 0;
  #frame: Uint8Array = empty;
  #lengthSize: NalLengthSize = 4;
  #count = 0;

  reset(frame: Uint8Array, lengthSize: NalLengthSize): this {
    this.#frame = frame;
    this.#lengthSize = lengthSize;
    this.#count = 0;
    this.start = 0;
    this.end = 0;
    return this;
  }

  /** Goes to the next unit. False at the end; ERR_TRUNCATED when a length leads past it. */
  next(): boolean {
    while (this.end < this.#frame.length) {
      const at = this.end;
      this.end = nalUnitEnd(this.#frame, at, this.#lengthSize);
      this.start = at + this.#lengthSize;
      atMost(++this.#count, maxNalUnitsPerAccessUnit, "number of NAL units in a frame");
      if (this.start < this.end) return true;
    }
    return false;
  }
}

/** Offset behind the NAL unit whose length stands at `at`. */
export function nalUnitEnd(frame: Uint8Array, at: number, lengthSize: NalLengthSize): number {
  if (lengthSize > frame.length - at) throw truncatedError(lengthSize, at, frame.length - at);
  let length = 0;
  for (let i = 0; i < lengthSize; i++) length = length * 256 + (frame[at + i] as number);
  const start = at + lengthSize;
  if (length > frame.length - start) throw truncatedError(length, start, frame.length - start);
  return start + length;
}

/** One frame from its NAL units, each with a length of 4 bytes. */
export function writeNalUnits(units: readonly Uint8Array[]): Uint8Array {
  const frame = new Uint8Array(units.reduce((total, unit) => total + 4 + unit.length, 0));
  const view = new DataView(frame.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.length);
    frame.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return frame;
}

const empty = new Uint8Array(0);

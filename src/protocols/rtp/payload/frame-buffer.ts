/** The memory in which one access unit grows from its packets, until it leaves as a frame of its own size. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTP_FRAME_TOO_LONG } from "../errors.ts";
import { maxFrameBytes, maxIdleFrameBytes } from "../limits.ts";

const initialBytes = 0x1000; // a frame of audio, or of video in between key frames at some 500 kb/s

export class FrameBuffer {
  /** Valid until the next `append` or `reserve`. */
  bytes: Uint8Array = new Uint8Array(initialBytes);
  length = 0;

  /** Appends `bytes[start, end)`. ERR_RTP_FRAME_TOO_LONG, with nothing appended, above `maxFrameBytes`. */
  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const at = this.reserve(end - start);
    this.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
  }

  /** Makes room for `length` bytes, to be written by the caller, and returns their offset. */
  reserve(length: number): number {
    const at = this.length;
    const total = at + length;
    if (total > this.bytes.length) this.#grow(total);
    this.length = total;
    return at;
  }

  /** The frame in its own memory; the buffer is empty after it. */
  take(): Uint8Array {
    const frame = this.bytes.slice(0, this.length);
    this.clear();
    return frame;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > maxIdleFrameBytes) this.bytes = new Uint8Array(initialBytes);
  }

  #grow(total: number): void {
    if (total > maxFrameBytes) {
      throw new CodedError(ERR_RTP_FRAME_TOO_LONG, `an access unit has more than ${maxFrameBytes} bytes`);
    }
    const bigger = new Uint8Array(Math.max(total, this.bytes.length * 2));
    bigger.set(this.bytes.subarray(0, this.length));
    this.bytes = bigger;
  }
}

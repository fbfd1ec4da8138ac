/** The pieces of one frame of sound that fills several packets, in one buffer that is used again for the next. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTP_FRAME_TOO_LONG } from "../errors.ts";
import { maxSoundFrameBytes } from "../limits.ts";

export class Fragments {
  #bytes: Uint8Array = new Uint8Array(initialBytes);
  #length = 0;
  #timestamp = 0;

  /** Bytes that have come; 0 when no frame has begun. */
  get length(): number {
    return this.#length;
  }

  /** Whether a packet of this time can't go on with what has come: the end of that is lost. */
  isBroken(timestamp: number, isLossBefore: boolean): boolean {
    return this.#length > 0 && (isLossBefore || timestamp !== this.#timestamp);
  }

  /** Errors: ERR_RTP_FRAME_TOO_LONG; nothing is kept then. */
  append(piece: Uint8Array, timestamp: number): void {
    const length = this.#length + piece.length;
    if (length > maxSoundFrameBytes) {
      this.clear();
      throw new CodedError(
        ERR_RTP_FRAME_TOO_LONG,
        `a frame of sound has more than ${maxSoundFrameBytes} bytes and no end`,
      );
    }
    if (length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      bigger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = bigger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
    this.#timestamp = timestamp;
  }

  /** What has come, as its own memory. The next piece begins another frame. */
  take(): Uint8Array {
    const frame = this.#bytes.slice(0, this.#length);
    this.clear();
    return frame;
  }

  clear(): void {
    this.#length = 0;
  }
}

const initialBytes = 2_048; // a frame of sound that does not fit a packet is not much longer than one

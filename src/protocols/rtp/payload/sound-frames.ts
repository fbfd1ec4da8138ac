/** The frames of sound that a reader has found and nobody has polled yet: one packet may hold many. */

import { Fifo } from "../../fifo.ts";
import type { RtpFrame } from "../payload.ts";

export class SoundFrames {
  readonly #frames: Fifo<RtpFrame> = new Fifo();

  /** Appends a frame, whose own memory `data` becomes. `timestamp` may have run over 2^32. */
  put(timestamp: number, data: Uint8Array, config?: Uint8Array): void {
    const wrapped = timestamp % 0x1_0000_0000;
    this.#frames.push({ timestamp: wrapped, data, isKey: true, ...(config === undefined ? undefined : { config }) });
  }

  poll(): RtpFrame | undefined {
    return this.#frames.shift();
  }
}

/** Samples as they are: G.711 and G.722 (RFC 3551 §4.5.14, §4.5.2), L16 (§4.5.11) and L24 (RFC 3190 §4). */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTP_PAYLOAD } from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { SoundFrames } from "./sound-frames.ts";

export class PcmReader implements RtpPayloadReader {
  readonly droppedFrameCount = 0;
  readonly #tickBytes: number;
  readonly #frames: SoundFrames = new SoundFrames();

  /** `tickBytes`: bytes of one tick of the RTP clock, all channels together. In G.722 one byte is one tick and two samples. */
  constructor(tickBytes: number) {
    this.#tickBytes = tickBytes;
  }

  /** What is left of a sample at the end is cut off. Errors: ERR_RTP_PAYLOAD when there is not one whole sample. */
  handle(payload: Uint8Array, timestamp: number): void {
    const length = payload.length - (payload.length % this.#tickBytes);
    if (length === 0) {
      throw new CodedError(
        ERR_RTP_PAYLOAD,
        `expected samples of ${this.#tickBytes} bytes, a payload of ${payload.length} came`,
      );
    }
    this.#frames.put(timestamp, payload.slice(0, length));
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }
}

/** Cuts between samples. A packet that is not the first of its frame has its own time. */
export class PcmWriter implements RtpPayloadWriter {
  readonly #tickBytes: number;
  readonly #pieceBytes: number;

  constructor(tickBytes: number, maxPayloadBytes: number) {
    this.#tickBytes = tickBytes;
    this.#pieceBytes = Math.max(tickBytes, maxPayloadBytes - (maxPayloadBytes % tickBytes));
  }

  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    const length = data.length - (data.length % this.#tickBytes);
    for (let at = 0; at < length; at += this.#pieceBytes) {
      const end = Math.min(at + this.#pieceBytes, length);
      sink.begin(end - at, end === length, at / this.#tickBytes);
      sink.write(data, at, end);
    }
  }
}

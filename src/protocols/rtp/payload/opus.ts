/** Opus in RTP: RFC 7587. A payload is one Opus packet, and the clock is always 48,000. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { opusPacketDuration } from "../../../codecs/opus/packet.ts";
import { ERR_RTP_NOT_FRAGMENTABLE } from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { SoundFrames } from "./sound-frames.ts";

export class OpusReader implements RtpPayloadReader {
  readonly droppedFrameCount = 0;
  readonly #frames: SoundFrames = new SoundFrames();

  /** Errors: ERR_TRUNCATED, ERR_CODEC_FRAME_HEADER. */
  handle(payload: Uint8Array, timestamp: number): void {
    opusPacketDuration(payload);
    this.#frames.put(timestamp, payload.slice());
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }
}

export class OpusWriter implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Errors: ERR_RTP_NOT_FRAGMENTABLE; 60 ms at 128 kbit/s are 960 bytes. */
  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    if (data.length > this.#maxPayloadBytes) {
      throw new CodedError(
        ERR_RTP_NOT_FRAGMENTABLE,
        `the Opus packet has ${data.length} bytes, an RTP payload at most ${this.#maxPayloadBytes}: encode shorter packets`,
      );
    }
    sink.begin(data.length, true);
    sink.write(data);
  }
}

/**
 * AAC in RTP as "MP4A-LATM": RFC 6416 §6. A packet holds an AudioMuxElement or a piece of one; the marker says that it ends here.
 * The StreamMuxConfig stands in the SDP (cpresent=0) or in the stream (cpresent=1).
 */

import { CodedError } from "../../../bytes/coded-error.ts";
import { equalBytes } from "../../../bytes/equal-bytes.ts";
import {
  type AudioMuxElement,
  parseAudioMuxElement,
  payloadLengthInfoLength,
  writePayloadLengthInfo,
} from "../../../codecs/aac/audio-mux-element.ts";
import type { StreamMuxConfig } from "../../../codecs/aac/stream-mux-config.ts";
import { ERR_RTP_NOT_FRAGMENTABLE } from "../errors.ts";
import { maxSoundFrameBytes } from "../limits.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { Fragments } from "./fragments.ts";
import { SoundFrames } from "./sound-frames.ts";

export class AacLatmReader implements RtpPayloadReader {
  droppedFrameCount = 0;
  readonly #hasConfigInBand: boolean;
  readonly #ticksOf: (audioSpecificConfig: Uint8Array) => number;
  readonly #frames: SoundFrames = new SoundFrames();
  readonly #fragments: Fragments = new Fragments();
  #config: StreamMuxConfig | undefined;
  #frameTicks = 0;
  /** Nothing is known of the element to which the next packet belongs: at the start, and after a loss. */
  #isLost = true;

  /**
   * `config`: of the SDP, undefined when it comes in band (cpresent=1). `ticksOf`: how long an access unit of an
   * AudioSpecificConfig lasts by the RTP clock.
   */
  constructor(config: StreamMuxConfig | undefined, ticksOf: (audioSpecificConfig: Uint8Array) => number) {
    this.#hasConfigInBand = config === undefined;
    this.#ticksOf = ticksOf;
    this.#config = config;
    if (config !== undefined) this.#frameTicks = ticksOf(config.audioSpecificConfig);
  }

  /** Errors: ERR_RTP_FRAME_TOO_LONG, ERR_TRUNCATED and those of codecs. */
  handle(payload: Uint8Array, timestamp: number, marker: boolean, isLossBefore: boolean): void {
    if (this.#fragments.isBroken(timestamp, isLossBefore)) this.#dropFragments();
    if (isLossBefore) this.#isLost = true;
    if (!marker || this.#fragments.length > 0) this.#fragments.append(payload, timestamp);
    if (!marker) return;
    const bytes = this.#fragments.length > 0 ? this.#fragments.take() : payload;
    if (this.#isLost) this.#find(bytes, timestamp);
    else this.#take(this.#parse(bytes), timestamp);
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }

  /** Behind a loss the marker ends an element whose beginning may be lost: it is whole when its lengths fit. */
  #find(bytes: Uint8Array, timestamp: number): void {
    this.#isLost = false;
    let element: AudioMuxElement | undefined;
    try {
      element = this.#parse(bytes);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    if (element?.restBytes === 0) this.#take(element, timestamp);
    else this.droppedFrameCount++;
  }

  #parse(bytes: Uint8Array): AudioMuxElement {
    return parseAudioMuxElement(bytes, this.#config, this.#hasConfigInBand);
  }

  #take({ config, frames }: AudioMuxElement, timestamp: number): void {
    const known = this.#config?.audioSpecificConfig;
    const { audioSpecificConfig } = config;
    const isNew = known === undefined || !equalBytes(known, audioSpecificConfig);
    if (isNew) this.#frameTicks = this.#ticksOf(audioSpecificConfig);
    this.#config = config;
    frames.forEach((frame, index) => {
      const told = isNew && index === 0 ? audioSpecificConfig : undefined;
      this.#frames.put(timestamp + index * this.#frameTicks, frame, told);
    });
  }

  #dropFragments(): void {
    this.#fragments.clear();
    this.droppedFrameCount++;
  }
}

/** One access unit in each element, the configuration in the SDP (cpresent=0). */
export class AacLatmWriter implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #header: Uint8Array = new Uint8Array(payloadLengthInfoLength(maxSoundFrameBytes));

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Errors: ERR_RTP_NOT_FRAGMENTABLE. */
  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    const max = this.#maxPayloadBytes;
    const headerLength = payloadLengthInfoLength(data.length);
    if (data.length > maxSoundFrameBytes || headerLength >= max) {
      throw new CodedError(
        ERR_RTP_NOT_FRAGMENTABLE,
        `the AAC frame has ${data.length} bytes, too many for LATM in RTP packets of ${max}`,
      );
    }
    writePayloadLengthInfo(this.#header, 0, data.length);
    let at = Math.min(data.length, max - headerLength);
    sink.begin(headerLength + at, at === data.length);
    sink.write(this.#header, 0, headerLength);
    sink.write(data, 0, at);
    while (at < data.length) {
      const end = Math.min(at + max, data.length);
      sink.begin(end - at, end === data.length);
      sink.write(data, at, end);
      at = end;
    }
  }
}

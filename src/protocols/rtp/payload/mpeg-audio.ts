/**
 * MP3 in RTP: RFC 2250 §3.4 and §3.5. A header of 4 bytes (16 bits that must be 0, and the offset of a piece in its frame), then
 * whole frames, or a piece of one. The clock is 90,000. The loss-tolerant form of RFC 5219 ("mpa-robust", ADU) is another one.
 */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { rescaleTicks } from "../../../bytes/time.ts";
import { type MpegAudioHeader, parseMpegAudioHeader } from "../../../codecs/mp3/frame-header.ts";
import { mpegAudioClockRate } from "../../rtp-payload-format.ts";
import { ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED } from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { Fragments } from "./fragments.ts";
import { SoundFrames } from "./sound-frames.ts";

export class MpegAudioReader implements RtpPayloadReader {
  droppedFrameCount = 0;
  readonly #frames: SoundFrames = new SoundFrames();
  readonly #fragments: Fragments = new Fragments();
  #wantedBytes = 0;

  /** Errors: ERR_TRUNCATED, ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED, and those of the frame header. */
  handle(payload: Uint8Array, timestamp: number, _marker: boolean, isLossBefore: boolean): void {
    if (this.#fragments.isBroken(timestamp, isLossBefore)) this.#dropFragments();
    const reader = new ByteReader(payload);
    reader.skip(2);
    const pieceOffset = reader.u16();
    const data = reader.rest();
    if (pieceOffset > 0) this.#takePiece(data, pieceOffset, timestamp);
    else this.#takeFrames(data, timestamp);
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }

  /** Whole frames, or the beginning of one. */
  #takeFrames(data: Uint8Array, timestamp: number): void {
    if (this.#fragments.length > 0) this.#dropFragments();
    let ticks = 0;
    for (let at = 0; at < data.length; ) {
      const header = parseLayer3Header(data.subarray(at));
      const end = at + header.frameLength;
      if (end > data.length) {
        if (at > 0)
          throw new CodedError(ERR_RTP_PAYLOAD, "an MPEG audio packet holds whole frames and a piece of another");
        this.#fragments.append(data, timestamp);
        this.#wantedBytes = header.frameLength;
        return;
      }
      this.#frames.put(timestamp + ticks, data.slice(at, end));
      at = end;
      ticks += durationTicks(header);
    }
  }

  #takePiece(piece: Uint8Array, offset: number, timestamp: number): void {
    if (this.#fragments.length !== offset) {
      this.#dropFragments(); // its beginning is lost
      return;
    }
    this.#fragments.append(piece, timestamp);
    if (this.#fragments.length < this.#wantedBytes) return;
    if (this.#fragments.length === this.#wantedBytes) this.#frames.put(timestamp, this.#fragments.take());
    else this.#dropFragments();
  }

  #dropFragments(): void {
    this.#fragments.clear();
    this.droppedFrameCount++;
  }
}

/** One MP3 frame in a packet, or several packets when it is longer. */
export class MpegAudioWriter implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #header: Uint8Array = new Uint8Array(headerLength);

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Errors: those of the frame header, ERR_RTP_PAYLOAD when a frame is cut off. */
  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    let ticks = 0;
    for (let start = 0; start < data.length; ) {
      const header = parseLayer3Header(data.subarray(start));
      const end = start + header.frameLength;
      if (end > data.length) {
        throw new CodedError(
          ERR_RTP_PAYLOAD,
          `an MP3 frame of ${header.frameLength} bytes is announced, ${data.length - start} are left`,
        );
      }
      this.#writeOne(data, start, end, ticks, sink);
      start = end;
      ticks += durationTicks(header);
    }
  }

  #writeOne(data: Uint8Array, start: number, end: number, ticks: number, sink: PayloadSink): void {
    for (let at = start; at < end; ) {
      const pieceEnd = Math.min(at + this.#maxPayloadBytes - headerLength, end);
      this.#header[2] = (at - start) >> 8;
      this.#header[3] = at - start;
      sink.begin(headerLength + pieceEnd - at, pieceEnd === data.length, ticks);
      sink.write(this.#header);
      sink.write(data, at, pieceEnd);
      at = pieceEnd;
    }
  }
}

function parseLayer3Header(frame: Uint8Array): MpegAudioHeader {
  const header = parseMpegAudioHeader(frame);
  if (header.layer !== 3) {
    throw new CodedError(
      ERR_RTP_PAYLOAD_UNSUPPORTED,
      `MPEG audio of layer ${header.layer} is not supported: send MP3 (layer 3)`,
    );
  }
  return header;
}

function durationTicks(header: MpegAudioHeader): number {
  return rescaleTicks(header.samplesPerFrame, header.sampleRate, mpegAudioClockRate);
}

const headerLength = 4;

/**
 * AC-3 (RFC 4184 §4) and E-AC-3 (RFC 4598 §4) in RTP. A header of 2 bytes: what the payload is, and how many frames it holds or
 * how many packets a frame fills; then whole sync frames, or a piece of one.
 *
 *     AC-3     6 bits 0, FT: 0 whole frames, 1 the first 5/8 and more of a frame, 2 a shorter beginning, 3 another piece
 *     E-AC-3   7 bits 0, F: 0 whole frames, 1 a piece
 */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { rescaleTicks } from "../../../bytes/time.ts";
import { type Ac3SyncFrame, parseAc3SyncFrame, parseEac3SyncFrame } from "../../../codecs/ac3/sync-frame.ts";
import { ERR_RTP_PAYLOAD } from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { Fragments } from "./fragments.ts";
import { SoundFrames } from "./sound-frames.ts";

export class Ac3Reader implements RtpPayloadReader {
  droppedFrameCount = 0;
  readonly #codec: "ac3" | "eac3";
  readonly #clockRate: number;
  readonly #frames: SoundFrames = new SoundFrames();
  readonly #fragments: Fragments = new Fragments();

  constructor(codec: "ac3" | "eac3", clockRate: number) {
    this.#codec = codec;
    this.#clockRate = clockRate;
  }

  /** Errors: ERR_TRUNCATED, ERR_RTP_PAYLOAD, ERR_RTP_FRAME_TOO_LONG, and those of the sync frame. */
  handle(payload: Uint8Array, timestamp: number, marker: boolean, isLossBefore: boolean): void {
    if (this.#fragments.isBroken(timestamp, isLossBefore)) this.#dropFragments();
    const reader = new ByteReader(payload);
    const type = reader.u8() & (this.#codec === "ac3" ? 3 : 1);
    reader.skip(1); // NF: the sync frames tell their own lengths
    const data = reader.rest();
    const hasBegun = this.#fragments.length > 0;
    if (type === wholeFrames) {
      if (hasBegun) this.#dropFragments();
      this.#takeFrames(data, timestamp);
      return;
    }
    const isBeginning = this.#codec === "ac3" ? type !== otherPiece : startsWithSyncWord(data) && !hasBegun;
    if (isBeginning && hasBegun) this.#dropFragments();
    if (!isBeginning && !hasBegun) {
      if (marker) this.droppedFrameCount++; // its beginning is lost
      return;
    }
    this.#fragments.append(data, timestamp);
    if (marker) this.#endFragments(timestamp);
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }

  /** A frame of which pieces are missing does not have the length that its sync frames say. */
  #endFragments(timestamp: number): void {
    const data = this.#fragments.take();
    try {
      this.#takeFrames(data, timestamp);
    } catch (error) {
      this.droppedFrameCount++;
      throw error;
    }
  }

  #takeFrames(data: Uint8Array, timestamp: number): void {
    let ticks = 0;
    for (let at = 0; at < data.length; ) {
      const frame = parseFrame(this.#codec, data, at);
      this.#frames.put(timestamp + ticks, data.slice(at, at + frame.frameLength));
      at += frame.frameLength;
      ticks += rescaleTicks(frame.samplesPerFrame, frame.sampleRate, this.#clockRate);
    }
  }

  #dropFragments(): void {
    this.#fragments.clear();
    this.droppedFrameCount++;
  }
}

/** One frame in a packet, or several packets when it is longer. */
export class Ac3Writer implements RtpPayloadWriter {
  readonly #codec: "ac3" | "eac3";
  readonly #clockRate: number;
  readonly #maxPayloadBytes: number;
  readonly #header: Uint8Array = new Uint8Array(headerLength);

  constructor(codec: "ac3" | "eac3", clockRate: number, maxPayloadBytes: number) {
    this.#codec = codec;
    this.#clockRate = clockRate;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Errors: ERR_RTP_PAYLOAD when a frame is cut off, and those of the sync frame. */
  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    let ticks = 0;
    for (let start = 0; start < data.length; ) {
      const frame = parseFrame(this.#codec, data, start);
      this.#writeOne(data, start, start + frame.frameLength, ticks, sink);
      start += frame.frameLength;
      ticks += rescaleTicks(frame.samplesPerFrame, frame.sampleRate, this.#clockRate);
    }
  }

  #writeOne(data: Uint8Array, start: number, end: number, ticks: number, sink: PayloadSink): void {
    const header = this.#header;
    const pieceBytes = this.#maxPayloadBytes - headerLength;
    const pieceCount = Math.ceil((end - start) / pieceBytes);
    header[1] = pieceCount; // of whole frames there is one
    for (let at = start; at < end; at += pieceBytes) {
      const pieceEnd = Math.min(at + pieceBytes, end);
      header[0] = pieceCount === 1 ? wholeFrames : this.#pieceType(at === start, (pieceEnd - at) / (end - start));
      // The marker ends every frame, not only the last of several.
      sink.begin(headerLength + pieceEnd - at, pieceEnd === end, ticks);
      sink.write(header);
      sink.write(data, at, pieceEnd);
    }
  }

  #pieceType(isFirst: boolean, part: number): number {
    if (this.#codec === "eac3") return 1;
    if (!isFirst) return otherPiece;
    return part >= 5 / 8 ? 1 : 2;
  }
}

/**
 * The frame at `at`: for AC-3 a sync frame; for E-AC-3 that of the first substream with those of the others that sound with it.
 * Errors: ERR_RTP_PAYLOAD when it is cut off, and those of the sync frame.
 */
function parseFrame(codec: "ac3" | "eac3", data: Uint8Array, at: number): Ac3SyncFrame {
  const first = codec === "ac3" ? parseAc3SyncFrame(data.subarray(at)) : parseEac3SyncFrame(data.subarray(at));
  let end = at + first.frameLength;
  while (codec === "eac3" && end < data.length) {
    const next = parseEac3SyncFrame(data.subarray(end));
    if (next.streamType !== dependent && next.substreamId === 0) break;
    end += next.frameLength;
  }
  if (end > data.length) {
    throw new CodedError(
      ERR_RTP_PAYLOAD,
      `a sync frame that ends at ${end} is announced, the payload has ${data.length} bytes`,
    );
  }
  return { ...first, frameLength: end - at };
}

function startsWithSyncWord(data: Uint8Array): boolean {
  return data[0] === 0x0b && data[1] === 0x77;
}

const headerLength = 2;
const wholeFrames = 0;
const otherPiece = 3;
const dependent = 1;

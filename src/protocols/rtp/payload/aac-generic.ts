/**
 * AAC in RTP as "mpeg4-generic": RFC 3640, the modes AAC-hbr (§3.3.6) and AAC-lbr (§3.3.5), without interleaving.
 *
 *     AU-headers-length (16 bits), AU-headers, filled up to a byte | auxiliary section | access units, or a piece of one
 *
 * Besides that what cameras send: access units in ADTS frames, with AU-headers or without, and access units of 0 bytes.
 */

import { BitReader } from "../../../bytes/bit-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { parseAdtsHeader } from "../../../codecs/aac/adts.ts";
import type { AacHeaderFields } from "../../rtp-payload-format.ts";
import { ERR_RTP_NOT_FRAGMENTABLE, ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED } from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { Fragments } from "./fragments.ts";
import { SoundFrames } from "./sound-frames.ts";

export class AacGenericReader implements RtpPayloadReader {
  droppedFrameCount = 0;
  isPlain = true;
  readonly #fields: AacHeaderFields;
  readonly #frameTicks: number;
  readonly #frames: SoundFrames = new SoundFrames();
  readonly #fragments: Fragments = new Fragments();
  /** AU-sizes of the packet at hand; kept to be used again. */
  readonly #sizes: number[] = [];

  /** `frameTicks`: how long an access unit lasts by the RTP clock, for packets of several. */
  constructor(fields: AacHeaderFields, frameTicks: number) {
    this.#fields = fields;
    this.#frameTicks = frameTicks;
  }

  /** Errors: ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED, ERR_RTP_FRAME_TOO_LONG, ERR_TRUNCATED. */
  handle(payload: Uint8Array, timestamp: number, marker: boolean, isLossBefore: boolean): void {
    if (this.#fragments.isBroken(timestamp, isLossBefore)) this.#dropFragments();
    // As AU-headers-length this would be 8 KiB of headers, so it can't be mistaken.
    if (isAdts(payload)) {
      this.#takeUnit(payload, timestamp);
      return;
    }
    const start = this.#parseHeaders(payload);
    const [size = 0] = this.#sizes;
    if (this.#sizes.length === 1 && size > payload.length - start) {
      this.#takeFragment(payload.subarray(start), size, timestamp, marker);
      return;
    }
    let at = start;
    let unitTimestamp = timestamp;
    for (const unitSize of this.#sizes) {
      if (unitSize > payload.length - at) {
        throw new CodedError(
          ERR_RTP_PAYLOAD,
          `an access unit of ${unitSize} bytes is announced, ${payload.length - at} are left`,
        );
      }
      if (unitSize === 0) continue; // live555 in front of an encoder without sound sends these
      this.#takeUnit(payload.subarray(at, at + unitSize), unitTimestamp);
      at += unitSize;
      unitTimestamp += this.#frameTicks;
    }
  }

  poll(): RtpFrame | undefined {
    return this.#frames.poll();
  }

  /** One access unit as it is, or those of ADTS frames. */
  #takeUnit(unit: Uint8Array, timestamp: number): void {
    let at = 0;
    let unitTimestamp = timestamp;
    while (isAdts(unit.subarray(at))) {
      this.isPlain = false;
      const { frameLength, headerLength } = parseAdtsHeader(unit.subarray(at));
      if (frameLength > unit.length - at) {
        throw new CodedError(
          ERR_RTP_PAYLOAD,
          `an ADTS frame of ${frameLength} bytes is announced, ${unit.length - at} are left`,
        );
      }
      if (frameLength > headerLength) this.#frames.put(unitTimestamp, unit.slice(at + headerLength, at + frameLength));
      at += frameLength;
      unitTimestamp += this.#frameTicks;
    }
    if (at === 0) this.#frames.put(timestamp, unit.slice());
  }

  /** §3.2.3.2: every piece says the size of the whole, the last has the marker. */
  #takeFragment(piece: Uint8Array, size: number, timestamp: number, marker: boolean): void {
    this.#fragments.append(piece, timestamp);
    if (!marker && this.#fragments.length < size) return;
    if (this.#fragments.length === size) this.#takeUnit(this.#fragments.take(), timestamp);
    else this.#dropFragments();
  }

  #dropFragments(): void {
    this.#fragments.clear();
    this.droppedFrameCount++;
  }

  /** Fills `#sizes`; returns the offset of the first access unit. */
  #parseHeaders(payload: Uint8Array): number {
    const fields = this.#fields;
    this.#sizes.length = 0;
    const bits = new BitReader(payload);
    const firstBits = fields.indexLength + fixedHeaderBits(fields);
    const nextBits = fields.indexDeltaLength + fixedHeaderBits(fields);
    if (firstBits + nextBits > 0) {
      const headersLength = bits.bits(16);
      const headersEnd = bits.bitOffset + headersLength;
      if (headersLength < firstBits || headersLength > bits.bitsLeft) {
        throw new CodedError(
          ERR_RTP_PAYLOAD,
          `AU-headers of ${headersLength} bits are announced, one has ${firstBits}, and ${bits.bitsLeft} bits are left`,
        );
      }
      this.#parseHeader(bits, fields.indexLength, true);
      while (nextBits > 0 && headersEnd - bits.bitOffset >= nextBits) {
        this.#parseHeader(bits, fields.indexDeltaLength, false);
      }
      bits.skip(Math.max(0, headersEnd - bits.bitOffset));
      skipToByte(bits);
    } else {
      this.#sizes.push(0);
    }
    if (fields.auxiliaryDataSizeLength > 0) {
      bits.skip(bits.bits(fields.auxiliaryDataSizeLength));
      skipToByte(bits);
    }
    if (fields.sizeLength === 0) this.#setConstantSizes(bits.bitsLeft >> 3);
    return bits.bitOffset >> 3;
  }

  /** §3.2.1.1. */
  #parseHeader(bits: BitReader, indexLength: number, isFirst: boolean): void {
    const fields = this.#fields;
    this.#sizes.push(bits.bits(fields.sizeLength));
    const index = bits.bits(indexLength);
    if (!isFirst && index !== 0) {
      throw new CodedError(
        ERR_RTP_PAYLOAD_UNSUPPORTED,
        `the sender interleaves AAC (AU-Index-delta ${index}), which is not supported: switch interleaving off there`,
      );
    }
    if (fields.ctsDeltaLength > 0 && bits.flag()) bits.skip(fields.ctsDeltaLength);
    if (fields.dtsDeltaLength > 0 && bits.flag()) bits.skip(fields.dtsDeltaLength);
    bits.skip(fields.randomAccessIndication + fields.streamStateIndication);
  }

  /** Without sizes there are as many units as constantSize says, or one that fills the packet. */
  #setConstantSizes(leftBytes: number): void {
    const { constantSize } = this.#fields;
    this.#sizes.length = 0;
    if (constantSize === 0 || constantSize > leftBytes) this.#sizes.push(constantSize || leftBytes);
    else for (let left = leftBytes; left >= constantSize; left -= constantSize) this.#sizes.push(constantSize);
  }
}

/** AAC-hbr, one access unit in a packet: a second one would make the first wait for it. */
export class AacGenericWriter implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #header: Uint8Array = Uint8Array.of(0, hbrHeaderBits, 0, 0);

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Errors: ERR_RTP_NOT_FRAGMENTABLE. */
  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    const header = this.#header;
    if (data.length > maxHbrUnitBytes) {
      throw new CodedError(
        ERR_RTP_NOT_FRAGMENTABLE,
        `the AAC frame has ${data.length} bytes, AAC-hbr (RFC 3640) has room for ${maxHbrUnitBytes}`,
      );
    }
    header[2] = data.length >> 5;
    header[3] = data.length << 3; // AU-Index 0
    for (let at = 0; at < data.length; ) {
      const end = Math.min(at + this.#maxPayloadBytes - header.length, data.length);
      sink.begin(header.length + end - at, end === data.length);
      sink.write(header);
      sink.write(data, at, end);
      at = end;
    }
  }
}

/** The sync word, layer 0, and no raw_data_block: one that starts so has no sound in it. */
function isAdts(bytes: Uint8Array): boolean {
  return bytes.length >= 7 && bytes[0] === 0xff && ((bytes[1] as number) & 0xf6) === 0xf0;
}

/** Bits that every AU-header has besides its index: flags that are set bring more. */
function fixedHeaderBits(fields: AacHeaderFields): number {
  const { sizeLength, ctsDeltaLength, dtsDeltaLength, randomAccessIndication, streamStateIndication } = fields;
  const flags = (ctsDeltaLength > 0 ? 1 : 0) + (dtsDeltaLength > 0 ? 1 : 0);
  return sizeLength + flags + randomAccessIndication + streamStateIndication;
}

function skipToByte(bits: BitReader): void {
  bits.skip((8 - (bits.bitOffset % 8)) % 8);
}

const hbrHeaderBits = 16;
const maxHbrUnitBytes = 0x1fff; // 13 bits

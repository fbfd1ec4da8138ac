/** From payloads to temporal units: "RTP Payload Format For AV1" (AOMedia, v1.0) §4.4. */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { equalBytes } from "../../../bytes/equal-bytes.ts";
import { writeAv1Config } from "../../../codecs/av1/av1-config.ts";
import { leb128Length, parseLeb128, writeLeb128At } from "../../../codecs/av1/leb128.ts";
import {
  obuExtensionFlag,
  obuHasSizeFlag,
  obuPadding,
  obuSequenceHeader,
  obuTemporalDelimiter,
  obuTileList,
  obuType,
} from "../../../codecs/av1/obu.ts";
import { parseAv1SequenceHeader } from "../../../codecs/av1/sequence-header.ts";
import { beginsAv1KeyFrame, isAv1KeyFrame } from "../../../codecs/av1/temporal-unit.ts";
import { atMost } from "../../../codecs/bounds.ts";
import { maxObusPerTemporalUnit } from "../../../codecs/limits.ts";
import { ERR_RTP_PAYLOAD } from "../errors.ts";
import type { RtpPayloadReader } from "../payload.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import { type PayloadPlace, type VideoDepacketizer, VideoPayloadReader } from "./video-reader.ts";

/** `config` is the av1C that the session description told: only another one is told with a frame. */
export function openAv1Reader(config?: Uint8Array): RtpPayloadReader {
  return new VideoPayloadReader(new Av1Depacketizer(config));
}

/** The aggregation header, §4.4.1: the first byte of every payload. */
export const av1ContinuesFlag = 0x80; // Z: the first element goes on with the last OBU of the packet before
export const av1IsContinuedFlag = 0x40; // Y: the last element goes on in the next packet
export const av1NewSequenceFlag = 0x08; // N: first packet of a coded video sequence

class Av1Depacketizer implements VideoDepacketizer {
  #config: Uint8Array | undefined;
  #newConfig: Uint8Array | undefined;
  #obuCount = 0;
  /** Where the OBU that comes in fragments stands in the frame, or -1. */
  #fragmentAt = -1;
  /** An OBU of a picture is there, or its beginning. */
  #hasPicture = false;
  /** So much of the first of them is there that it tells whether the unit is key. */
  #isKeyKnown = false;
  #isKey = false;
  /** The first of them is there as a whole. */
  #isKeyChecked = false;
  #hasSequence = false;
  #isPlain = true;

  constructor(config: Uint8Array | undefined) {
    this.#config = config;
  }

  readonly isDisposable = false;
  readonly isLeading = false;

  get hasPicture(): boolean {
    return this.#hasPicture;
  }

  get isWhole(): boolean {
    return this.#fragmentAt < 0;
  }

  get isKey(): boolean {
    return this.#isKey;
  }

  get isKeyKnown(): boolean {
    return this.#isKeyKnown;
  }

  get hasConfig(): boolean {
    return this.#hasSequence;
  }

  get isPlain(): boolean {
    return this.#isPlain;
  }

  takeConfig(): Uint8Array | undefined {
    const config = this.#newConfig;
    this.#newConfig = undefined;
    return config;
  }

  reset(): void {
    this.#obuCount = 0;
    this.#fragmentAt = -1;
    this.#hasPicture = false;
    this.#isKeyKnown = false;
    this.#isKey = false;
    this.#isKeyChecked = false;
    this.#hasSequence = false;
  }

  placeOf(payload: Uint8Array): PayloadPlace {
    const head = payload[0] as number;
    if ((head & av1ContinuesFlag) !== 0) return "continue";
    return (head & av1NewSequenceFlag) !== 0 ? "begin" : "unknown";
  }

  read(payload: Uint8Array, frame: FrameBuffer): void {
    const reader = new ByteReader(payload);
    const head = reader.u8();
    const elementCount = (head >> 4) & 3; // W; 0 when every element has a length
    let isContinued = (head & av1ContinuesFlag) !== 0;
    if (isContinued !== this.#fragmentAt >= 0) {
      throw payloadError(
        isContinued ? "goes on with an OBU that has not begun" : "does not go on with the OBU before it",
      );
    }
    for (let element = 1; reader.left > 0; element++) {
      const isLastOfCount = element === elementCount;
      const length = isLastOfCount ? reader.left : parseLeb128(reader);
      const bytes = reader.view(length);
      const isLast = reader.left === 0;
      if (isLast && elementCount !== 0 && !isLastOfCount) throw payloadError(`has fewer elements than ${elementCount}`);
      this.#readElement(bytes, isContinued, isLast && (head & av1IsContinuedFlag) !== 0, frame);
      isContinued = false;
    }
  }

  #readElement(bytes: Uint8Array, isContinuation: boolean, isContinued: boolean, frame: FrameBuffer): void {
    if (bytes.length === 0 && !isContinuation && !isContinued) return; // allowed by §4.4
    if (!isContinuation) {
      atMost(++this.#obuCount, maxObusPerTemporalUnit, "number of OBUs in a temporal unit");
      this.#fragmentAt = frame.length;
    }
    frame.append(bytes);
    if (!isContinuation && pictureTypes.has(obuType(bytes[0] ?? 0))) this.#hasPicture = true;
    if (isContinued) {
      if (this.#hasPicture && !this.#isKeyKnown) this.#noteFirstFragment(frame);
      return;
    }
    const at = this.#fragmentAt;
    this.#fragmentAt = -1;
    this.#finishObu(at, frame);
  }

  /** A whole OBU stands at the end of the frame, from `at` on: gives it its size, and looks at it. */
  #finishObu(at: number, frame: FrameBuffer): void {
    if (at === frame.length) throw payloadError("has an OBU without a header");
    const header = frame.bytes[at] as number;
    if (header > 0x7f) throw payloadError("has an OBU with its forbidden bit set");
    const type = obuType(header);
    if (type === obuTemporalDelimiter || type === obuTileList || type === obuPadding) {
      frame.length = at; // §5: senders should not send the first two; neither they nor padding are in a frame
      return;
    }
    const payloadAt = at + ((header & obuExtensionFlag) === 0 ? 1 : 2);
    if (payloadAt > frame.length) throw payloadError("has an OBU that ends in its header");
    const hasSize = (header & obuHasSizeFlag) !== 0;
    if (!hasSize || !isSizeRight(payloadAt, frame)) {
      if (hasSize) this.#isPlain = false;
      insertSize(at, payloadAt, frame);
    }
    const obu = frame.bytes.subarray(at, frame.length);
    if (type === obuSequenceHeader) this.#noteSequence(obu);
    else if (pictureTypes.has(type) && !this.#isKeyChecked) {
      this.#hasPicture = true;
      this.#isKeyKnown = true;
      this.#isKeyChecked = true;
      this.#isKey = isAv1KeyFrame(frame.bytes.subarray(0, frame.length));
    }
  }

  /** The frame header's first byte says it before the OBU is whole. */
  #noteFirstFragment({ bytes, length }: FrameBuffer): void {
    const header = bytes[this.#fragmentAt] as number;
    let at = this.#fragmentAt + ((header & obuExtensionFlag) === 0 ? 1 : 2);
    if ((header & obuHasSizeFlag) !== 0) {
      while (at < length && (bytes[at] as number) >= 0x80) at++;
      at++;
    }
    if (at >= length) return;
    this.#isKeyKnown = true;
    this.#isKey = beginsAv1KeyFrame(bytes[at] as number);
  }

  #noteSequence(obu: Uint8Array): void {
    this.#hasSequence = true;
    const { fps: _fps, width: _width, height: _height, ...sequence } = parseAv1SequenceHeader(obu);
    const config = writeAv1Config({ ...sequence, initialPresentationDelay: undefined, configObus: obu });
    if (this.#config !== undefined && equalBytes(config, this.#config)) return;
    this.#config = config;
    this.#newConfig = config;
  }
}

/** Moves the OBU's payload to make room for its size: frames have sizes, packets don't (§4.4, and docs/frames.md). */
function insertSize(at: number, payloadAt: number, frame: FrameBuffer): void {
  const end = frame.length;
  const sizeLength = leb128Length(end - payloadAt);
  frame.reserve(sizeLength);
  const { bytes } = frame;
  bytes.copyWithin(payloadAt + sizeLength, payloadAt, end);
  writeLeb128At(bytes, payloadAt, end - payloadAt);
  bytes[at] = (bytes[at] as number) | obuHasSizeFlag;
}

/** Senders that leave the size in are tolerated; one that leaves in the flag alone as well: the element says how long it is. */
function isSizeRight(payloadAt: number, frame: FrameBuffer): boolean {
  let size = 0;
  let length = 0;
  let at = payloadAt;
  for (; at < frame.length && length < 5; at++, length++) {
    const byte = frame.bytes[at] as number;
    size += (byte & 0x7f) * 2 ** (7 * length);
    if (byte < 0x80) return size === frame.length - at - 1;
  }
  return false;
}

function payloadError(problem: string): CodedError {
  return new CodedError(ERR_RTP_PAYLOAD, `an RTP payload of AV1 ${problem}`);
}

const pictureTypes: ReadonlySet<number> = new Set([3, 4, 6, 7]); // frame header, tile group, frame, redundant frame header

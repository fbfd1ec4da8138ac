/** From payloads to NAL units with their lengths before them: H.264 (RFC 6184), H.265 (RFC 7798) and VVC (RFC 9328). */

import { writeU32 } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { atMost } from "../../../codecs/bounds.ts";
import { maxNalUnitsPerAccessUnit } from "../../../codecs/limits.ts";
import { parseAnnexB } from "../../../codecs/nal/annex-b.ts";
import { ERR_RTP_PAYLOAD, ERR_RTP_PAYLOAD_UNSUPPORTED } from "../errors.ts";
import type { RtpPayloadReader } from "../payload.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import {
  fragmentEndFlag,
  fragmentStartFlag,
  h264PayloadFormat,
  h265PayloadFormat,
  isSlice,
  type NalKind,
  type NalPayloadFormat,
  vvcPayloadFormat,
} from "./nal-format.ts";
import {
  h264ParameterSets,
  h265ParameterSets,
  type ParameterSetCodec,
  ParameterSets,
  vvcParameterSets,
} from "./parameter-sets.ts";
import { type PayloadPlace, type VideoDepacketizer, VideoPayloadReader } from "./video-reader.ts";

/**
 * Reader of H.264 in packetization modes 0 and 1. `config` is the avcC that the session description told: only another one is
 * told with a frame.
 */
export function openH264Reader(config?: Uint8Array): RtpPayloadReader {
  return openReader(h264PayloadFormat, h264ParameterSets, config);
}

/** Reader of H.265, without decoding order numbers (sprop-max-don-diff is 0); `config` is an hvcC. */
export function openH265Reader(config?: Uint8Array): RtpPayloadReader {
  return openReader(h265PayloadFormat, h265ParameterSets, config);
}

/** Reader of VVC, without decoding order numbers (sprop-max-don-diff is 0); `config` is a vvcC. */
export function openVvcReader(config?: Uint8Array): RtpPayloadReader {
  return openReader(vvcPayloadFormat, vvcParameterSets, config);
}

function openReader(format: NalPayloadFormat, codec: ParameterSetCodec, config?: Uint8Array): RtpPayloadReader {
  return new VideoPayloadReader(new NalDepacketizer(format, new ParameterSets(codec, config)));
}

class NalDepacketizer implements VideoDepacketizer {
  readonly #format: NalPayloadFormat;
  readonly #parameterSets: ParameterSets;
  #unitCount = 0;
  /** The type of the NAL unit that comes in fragments now, or -1; and where its length stands in the frame. */
  #fragmentType = -1;
  #fragmentAt = 0;
  #hasPicture = false;
  #isKey = false;
  #isLeading = false;
  #hasReferredSlice = false;
  #hasSps = false;
  #hasPps = false;
  #isPlain = true;

  readonly isKeyKnown = true; // by the header of the first slice

  constructor(format: NalPayloadFormat, parameterSets: ParameterSets) {
    this.#format = format;
    this.#parameterSets = parameterSets;
  }

  get hasPicture(): boolean {
    return this.#hasPicture;
  }

  get isWhole(): boolean {
    return this.#fragmentType < 0;
  }

  get isKey(): boolean {
    return this.#isKey;
  }

  get isDisposable(): boolean {
    return this.#hasPicture && !this.#hasReferredSlice;
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  get hasConfig(): boolean {
    return this.#hasSps && this.#hasPps;
  }

  get isPlain(): boolean {
    return this.#isPlain;
  }

  takeConfig(): Uint8Array | undefined {
    return this.#parameterSets.take();
  }

  reset(): void {
    this.#unitCount = 0;
    this.#fragmentType = -1;
    this.#hasPicture = false;
    this.#isKey = false;
    this.#isLeading = false;
    this.#hasReferredSlice = false;
    this.#hasSps = false;
    this.#hasPps = false;
  }

  placeOf(payload: Uint8Array): PayloadPlace {
    const format = this.#format;
    const { headerBytes } = format;
    if (payload.length <= headerBytes) return "unknown";
    const type = format.typeOf(payload, 0);
    if (type === format.aggregationType) {
      const unitAt = headerBytes + 2;
      return payload.length < unitAt + headerBytes ? "unknown" : this.#placeOfUnit(payload, unitAt);
    }
    if (type !== format.fragmentType) return isAnnexB(payload) ? "begin" : this.#placeOfUnit(payload, 0);
    const fragmentHeader = payload[headerBytes] as number;
    if ((fragmentHeader & fragmentStartFlag) === 0) return "continue";
    const kind = format.kinds[fragmentHeader & format.fragmentTypeMask];
    // The FU header stands where the last byte of the unit's header would be; the rest of the unit follows both.
    return placeOfKind(kind, format.isFirstSlice(payload, 1, payload.length));
  }

  read(payload: Uint8Array, frame: FrameBuffer): void {
    const format = this.#format;
    if (payload.length < format.headerBytes) {
      throw this.#error(`a payload of ${payload.length} bytes`);
    }
    const type = format.typeOf(payload, 0);
    if (type === format.fragmentType) {
      this.#readFragment(payload, frame);
      return;
    }
    if (this.#fragmentType >= 0) throw this.#error(`type ${type} between the fragments of a NAL unit`);
    if (type === format.aggregationType) this.#readAggregate(payload, frame);
    else if (isAnnexB(payload)) this.#readAnnexB(payload, frame);
    else this.#append(payload, 0, payload.length, frame);
  }

  /** No payload format has start codes, but cameras do. */
  #readAnnexB(bytes: Uint8Array, frame: FrameBuffer): void {
    this.#isPlain = false;
    for (const unit of parseAnnexB(bytes)) this.#append(unit, 0, unit.length, frame);
  }

  /** STAP-A of RFC 6184 §5.7.1, AP of RFC 7798 §4.4.2 and RFC 9328 §4.3.2. */
  #readAggregate(payload: Uint8Array, frame: FrameBuffer): void {
    let at = this.#format.headerBytes;
    let unitCount = 0;
    while (at < payload.length) {
      if (at + 2 > payload.length) {
        if (payload[at] === 0) break; // padding, see below
        throw this.#error("an aggregate that ends in a size");
      }
      const size = ((payload[at] as number) << 8) | (payload[at + 1] as number);
      if (size === 0) break; // some cameras fill the rest of the packet with zeros
      at += 2;
      if (size > payload.length - at) {
        throw this.#error(`an aggregate with a unit of ${size} bytes, and ${payload.length - at} left`);
      }
      this.#append(payload, at, at + size, frame);
      at += size;
      unitCount++;
    }
    if (unitCount === 0) throw this.#error("an aggregate without a unit");
  }

  /** FU-A of RFC 6184 §5.8, FU of RFC 7798 §4.4.3 and RFC 9328 §4.3.3. One that is start and end at once is tolerated. */
  #readFragment(payload: Uint8Array, frame: FrameBuffer): void {
    const format = this.#format;
    const dataAt = format.headerBytes + 1;
    if (payload.length < dataAt) throw this.#error("a fragment without its header");
    const head = payload[dataAt - 1] as number;
    const type = head & format.fragmentTypeMask;
    if ((head & fragmentStartFlag) !== 0) {
      if (this.#fragmentType >= 0) throw this.#error("the start of a NAL unit between the fragments of another");
      this.#checkHeader(payload, 0, format.kinds[type], type);
      this.#fragmentType = type;
      this.#fragmentAt = frame.reserve(4 + format.headerBytes);
      format.writeUnitHeader(frame.bytes, this.#fragmentAt + 4, type, payload);
      this.#noteSlice(type, frame.bytes, this.#fragmentAt + 4);
    } else if (type !== this.#fragmentType) {
      throw this.#error(
        this.#fragmentType < 0
          ? `a fragment of a NAL unit of type ${type} that has not begun`
          : `a fragment of type ${type} in a NAL unit of type ${this.#fragmentType}`,
      );
    }
    frame.append(payload, dataAt, payload.length);
    if ((head & fragmentEndFlag) !== 0) {
      this.#fragmentType = -1;
      this.#noteUnit(this.#fragmentAt, frame);
    }
  }

  /** Appends the NAL unit in `bytes[start, end)`. */
  #append(bytes: Uint8Array, start: number, end: number, frame: FrameBuffer): void {
    const format = this.#format;
    if (end - start < format.headerBytes) throw this.#error(`a NAL unit of ${end - start} bytes`);
    const type = format.typeOf(bytes, start);
    const kind = format.kinds[type];
    this.#checkHeader(bytes, start, kind, type);
    if (kind === "filler" || (kind === "end" && !this.#hasPicture)) return;
    const at = frame.reserve(4);
    frame.append(bytes, start, end);
    this.#noteSlice(type, bytes, start);
    this.#noteUnit(at, frame);
  }

  /** The header of a NAL unit, or the payload header of its fragment. */
  #checkHeader(bytes: Uint8Array, at: number, kind: NalKind | undefined, type: number): void {
    const { name, unsupported, headerBytes } = this.#format;
    if (kind === undefined) {
      const known = unsupported[type];
      if (known === undefined) throw this.#error(`a NAL unit of type ${type}`);
      throw new CodedError(
        ERR_RTP_PAYLOAD_UNSUPPORTED,
        `${known} packets of ${name} are not supported, only single NAL units, aggregates and fragments in order`,
      );
    }
    // The sender, or something between, knows of bit errors in it.
    if ((bytes[at] as number) >= 0x80) throw this.#error("a NAL unit that is marked as damaged (forbidden_zero_bit)");
    if (headerBytes === 2 && ((bytes[at + 1] as number) & 7) === 0)
      throw this.#error("a NAL unit with a temporal id of -1");
  }

  /** What the unit, whose header stands at `at` in `bytes`, says about its access unit. */
  #noteSlice(type: number, bytes: Uint8Array, at: number): void {
    const kind = this.#format.kinds[type];
    if (!isSlice(kind)) return;
    this.#hasPicture = true;
    if (kind === "keySlice") this.#isKey = true;
    if (kind === "leadingSlice") this.#isLeading = true;
    if (!this.#format.isDisposable(bytes, at)) this.#hasReferredSlice = true;
  }

  /** A whole unit stands at the end of the frame, and its length's place is at `at`. */
  #noteUnit(at: number, frame: FrameBuffer): void {
    const start = at + 4;
    writeU32(frame.bytes, at, frame.length - start);
    atMost(++this.#unitCount, maxNalUnitsPerAccessUnit, "number of NAL units in an access unit");
    const type = this.#format.typeOf(frame.bytes, start);
    const kind = this.#format.kinds[type];
    if (kind !== "parameterSet" && kind !== "delimiter" && kind !== "prefix") return;
    const unit = frame.bytes.subarray(start, frame.length);
    if (hasStartCode(unit)) {
      this.#splitUnit(at, frame);
    } else if (kind === "parameterSet") {
      this.#parameterSets.put(type, unit);
      if (type === this.#parameterSets.spsType) this.#hasSps = true;
      if (type === this.#parameterSets.ppsType) this.#hasPps = true;
    }
  }

  /** Some cameras put a whole access unit with start codes into what should be its first NAL unit. */
  #splitUnit(at: number, frame: FrameBuffer): void {
    const glued = frame.bytes.slice(at + 1, frame.length); // from the last three bytes of the length on
    glued.set(startCode);
    frame.length = at;
    this.#readAnnexB(glued, frame);
  }

  #placeOfUnit(payload: Uint8Array, at: number): PayloadPlace {
    const format = this.#format;
    return placeOfKind(format.kinds[format.typeOf(payload, at)], format.isFirstSlice(payload, at, payload.length));
  }

  #error(what: string): CodedError {
    return new CodedError(ERR_RTP_PAYLOAD, `${what} in an RTP payload of ${this.#format.name}`);
  }
}

function placeOfKind(kind: NalKind | undefined, isFirstSlice: boolean): PayloadPlace {
  switch (kind) {
    case "delimiter":
    case "parameterSet":
    case "prefix":
      return "begin";
    case "slice":
    case "keySlice":
    case "leadingSlice":
      return isFirstSlice ? "begin" : "continue";
    default:
      return "unknown";
  }
}

/** True when a start code stands where a NAL unit should: what no NAL unit header can be. */
function isAnnexB(payload: Uint8Array): boolean {
  if (payload[0] !== 0 || payload[1] !== 0) return false;
  return payload[2] === 1 || (payload[2] === 0 && payload[3] === 1);
}

function hasStartCode(unit: Uint8Array): boolean {
  for (let one = unit.indexOf(1, 2); one >= 0; one = unit.indexOf(1, one + 1)) {
    if (unit[one - 1] === 0 && unit[one - 2] === 0) return true;
  }
  return false;
}

const startCode = Uint8Array.of(0, 0, 1);

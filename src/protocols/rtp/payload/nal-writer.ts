/** From NAL units with their lengths before them to payloads: H.264 (RFC 6184), H.265 (RFC 7798) and VVC (RFC 9328). */

import { assert } from "../../../bytes/assert.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { parseAvcConfig } from "../../../codecs/h264/avc-config.ts";
import { parseHevcConfig } from "../../../codecs/h265/hevc-config.ts";
import { maxNalUnitsPerAccessUnit } from "../../../codecs/limits.ts";
import { type NalLengthSize, NalUnitWalker } from "../../../codecs/nal/length-prefixed.ts";
import { parseVvcConfig } from "../../../codecs/vvc/vvc-config.ts";
import { ERR_RTP_NOT_FRAGMENTABLE } from "../errors.ts";
import type { PayloadSink, RtpPayloadWriter } from "../payload.ts";
import {
  fragmentEndFlag,
  fragmentStartFlag,
  h264PayloadFormat,
  h265PayloadFormat,
  isSlice,
  type NalPayloadFormat,
  vvcPayloadFormat,
} from "./nal-format.ts";
import { h264ParameterSets, h265ParameterSets, type ParameterSetCodec, vvcParameterSets } from "./parameter-sets.ts";

export interface NalWriterOptions {
  readonly maxPayloadBytes: number;
  /** avcC, hvcC or vvcC of the track: says how long the lengths in its frames are. A new one needs a new writer. */
  readonly config: Uint8Array;
  /** Puts the parameter sets of `config` before key frames that have none: for players that join, and for WebRTC. */
  readonly repeatsParameterSets: boolean;
}

export interface H264WriterOptions extends NalWriterOptions {
  /**
   * packetization-mode: 1 is what everybody understands, and the default. In mode 0 there are only whole NAL units; one longer
   * than a payload is ERR_RTP_NOT_FRAGMENTABLE, and its frame is not written.
   */
  readonly packetizationMode?: 0 | 1;
}

export function openH264Writer(options: H264WriterOptions): RtpPayloadWriter {
  const { lengthSize } = parseAvcConfig(options.config);
  const isPlain = options.packetizationMode === 0;
  return new NalWriter(h264PayloadFormat, h264ParameterSets, lengthSize, options, isPlain);
}

export function openH265Writer(options: NalWriterOptions): RtpPayloadWriter {
  const { lengthSize } = parseHevcConfig(options.config);
  return new NalWriter(h265PayloadFormat, h265ParameterSets, lengthSize, options, false);
}

export function openVvcWriter(options: NalWriterOptions): RtpPayloadWriter {
  const { lengthSize } = parseVvcConfig(options.config);
  return new NalWriter(vvcPayloadFormat, vvcParameterSets, lengthSize, options, false);
}

class NalWriter implements RtpPayloadWriter {
  readonly #format: NalPayloadFormat;
  readonly #lengthSize: NalLengthSize;
  readonly #maxPayloadBytes: number;
  readonly #isPlain: boolean;
  /** The parameter sets one behind the other, and where each ends. */
  readonly #sets: Uint8Array;
  readonly #setEnds: readonly number[];
  readonly #spsType: number;
  readonly #walker = new NalUnitWalker();
  /** Payload header and FU header, or payload header and a size. */
  readonly #head = new Uint8Array(3);
  readonly #size = new Uint8Array(2);

  // The units of one frame: where each starts and ends, of the parameter sets first (the first `#setCount`).
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #unitCount = 0;
  #frame: Uint8Array = noBytes;
  /** Units of the table before this one are the frame's, from it on parameter sets, behind those the frame's again. */
  #setsFrom = 0;
  #setsTo = 0;

  constructor(
    format: NalPayloadFormat,
    codec: ParameterSetCodec,
    lengthSize: NalLengthSize,
    options: NalWriterOptions,
    isPlain: boolean,
  ) {
    assert(options.maxPayloadBytes >= minPayloadBytes, "a payload has room for less than a header and some data");
    this.#format = format;
    this.#lengthSize = lengthSize;
    this.#maxPayloadBytes = options.maxPayloadBytes;
    this.#isPlain = isPlain;
    this.#spsType = codec.types.at(-2) as number;
    const units = options.repeatsParameterSets ? codec.unitsOf(options.config).flat() : [];
    this.#setEnds = units.map((_, i) => units.slice(0, i + 1).reduce((total, unit) => total + unit.length, 0));
    this.#sets = new Uint8Array(this.#setEnds.at(-1) ?? 0);
    for (let i = 0; i < units.length; i++) this.#sets.set(units[i] as Uint8Array, this.#setEnds[i - 1] ?? 0);
    this.#starts = new Int32Array(maxNalUnitsPerAccessUnit + units.length);
    this.#ends = new Int32Array(maxNalUnitsPerAccessUnit + units.length);
  }

  writeFrame(data: Uint8Array, isKey: boolean, sink: PayloadSink): void {
    this.#frame = data;
    this.#listUnits(isKey);
    if (this.#isPlain) this.#checkLengths();
    this.#writeUnits(true, sink);
    this.#frame = noBytes;
  }

  /** The parameter sets in one packet, or in as many as they need. None of them ends a frame. */
  writeConfig(sink: PayloadSink): void {
    this.#unitCount = 0;
    this.#listSets();
    this.#writeUnits(false, sink);
  }

  #writeUnits(endsFrame: boolean, sink: PayloadSink): void {
    for (let first = 0; first < this.#unitCount; ) {
      const next = this.#isPlain ? first + 1 : this.#aggregateEnd(first);
      const isLast = endsFrame && next === this.#unitCount;
      if (next > first + 1) this.#writeAggregate(first, next, isLast, sink);
      else if (this.#unitLength(first) <= this.#maxPayloadBytes) this.#writeSingle(first, isLast, sink);
      else this.#writeFragments(first, isLast, sink);
      first = next;
    }
  }

  /** Fills the table; nothing is written when the frame turns out to be malformed. */
  #listUnits(isKey: boolean): void {
    const { kinds, headerBytes } = this.#format;
    const walker = this.#walker.reset(this.#frame, this.#lengthSize);
    this.#unitCount = 0;
    this.#setsFrom = 0;
    this.#setsTo = 0;
    let wantsSets = isKey && this.#setEnds.length > 0 && !this.#hasSps();
    while (walker.next()) {
      if (walker.end - walker.start < headerBytes) continue;
      const kind = kinds[this.#format.typeOf(this.#frame, walker.start)];
      if (kind === "filler") continue; // what makes a constant rate for the publisher is no use to players
      if (wantsSets && kind !== "delimiter") {
        this.#listSets(); // the delimiter is the first of its access unit
        wantsSets = false;
      }
      this.#starts[this.#unitCount] = walker.start;
      this.#ends[this.#unitCount++] = walker.end;
    }
  }

  #hasSps(): boolean {
    const walker = this.#walker.reset(this.#frame, this.#lengthSize);
    let hasSps = false;
    while (walker.next()) {
      if (walker.end - walker.start < this.#format.headerBytes) continue;
      if (this.#format.typeOf(this.#frame, walker.start) === this.#spsType) hasSps = true;
    }
    walker.reset(this.#frame, this.#lengthSize);
    return hasSps;
  }

  #listSets(): void {
    this.#setsFrom = this.#unitCount;
    for (let i = 0; i < this.#setEnds.length; i++) {
      this.#starts[this.#unitCount] = this.#setEnds[i - 1] ?? 0;
      this.#ends[this.#unitCount++] = this.#setEnds[i] as number;
    }
    this.#setsTo = this.#unitCount;
  }

  #checkLengths(): void {
    for (let i = 0; i < this.#unitCount; i++) {
      if (this.#unitLength(i) <= this.#maxPayloadBytes) continue;
      throw new CodedError(
        ERR_RTP_NOT_FRAGMENTABLE,
        `a NAL unit has ${this.#unitLength(i)} bytes, and a payload of packetization mode 0 at most ${this.#maxPayloadBytes}: ask for mode 1`,
      );
    }
  }

  /** The first unit that does not fit into one packet with all from `first` on. */
  #aggregateEnd(first: number): number {
    let length = this.#format.headerBytes;
    let next = first;
    while (next < this.#unitCount) {
      const unitLength = this.#unitLength(next);
      length += 2 + unitLength;
      if (length > this.#maxPayloadBytes || unitLength > maxAggregatedBytes) break;
      next++;
    }
    return Math.max(next, first + 1);
  }

  #writeSingle(unit: number, isLast: boolean, sink: PayloadSink): void {
    sink.begin(this.#unitLength(unit), isLast);
    sink.write(this.#bytesOf(unit), this.#starts[unit] as number, this.#ends[unit] as number);
  }

  #writeAggregate(first: number, next: number, isLast: boolean, sink: PayloadSink): void {
    const { headerBytes, aggregationType } = this.#format;
    let length = headerBytes;
    this.#format.writePayloadHeader(this.#head, aggregationType, this.#bytesOf(first), this.#starts[first] as number);
    for (let unit = first; unit < next; unit++) {
      length += 2 + this.#unitLength(unit);
      this.#format.mergePayloadHeader(this.#head, this.#bytesOf(unit), this.#starts[unit] as number);
    }
    sink.begin(length, isLast);
    sink.write(this.#head, 0, headerBytes);
    for (let unit = first; unit < next; unit++) {
      const unitLength = this.#unitLength(unit);
      this.#size[0] = unitLength >> 8;
      this.#size[1] = unitLength;
      sink.write(this.#size, 0, 2);
      sink.write(this.#bytesOf(unit), this.#starts[unit] as number, this.#ends[unit] as number);
    }
  }

  /** All but the last have the full length: equal packets leave in one system call (UDP GSO). */
  #writeFragments(unit: number, isLastUnit: boolean, sink: PayloadSink): void {
    const { headerBytes, fragmentType, kinds, pictureEndFlag } = this.#format;
    const bytes = this.#bytesOf(unit);
    const start = this.#starts[unit] as number;
    const end = this.#ends[unit] as number;
    const type = this.#format.typeOf(bytes, start);
    const endFlags = fragmentEndFlag | (isLastUnit && isSlice(kinds[type]) ? pictureEndFlag : 0);
    this.#format.writePayloadHeader(this.#head, fragmentType, bytes, start);
    const dataBytes = this.#maxPayloadBytes - headerBytes - 1;
    for (let at = start + headerBytes; at < end; at += dataBytes) {
      const dataEnd = Math.min(at + dataBytes, end);
      const isFirst = at === start + headerBytes;
      const isLast = dataEnd === end;
      this.#head[headerBytes] = (isFirst ? fragmentStartFlag : 0) | (isLast ? endFlags : 0) | type;
      sink.begin(headerBytes + 1 + dataEnd - at, isLast && isLastUnit);
      sink.write(this.#head, 0, headerBytes + 1);
      sink.write(bytes, at, dataEnd);
    }
  }

  #unitLength(unit: number): number {
    return (this.#ends[unit] as number) - (this.#starts[unit] as number);
  }

  #bytesOf(unit: number): Uint8Array {
    return unit >= this.#setsFrom && unit < this.#setsTo ? this.#sets : this.#frame;
  }
}

const minPayloadBytes = 16;
const maxAggregatedBytes = 0xffff; // the size before a unit has 16 bits
const noBytes = new Uint8Array(0);

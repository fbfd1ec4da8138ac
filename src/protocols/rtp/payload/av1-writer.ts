/** From temporal units to payloads: "RTP Payload Format For AV1" (AOMedia, v1.0) §4.4. */

import { assert } from "../../../bytes/assert.ts";
import { ByteReader } from "../../../bytes/byte-reader.ts";
import { parseAv1Config } from "../../../codecs/av1/av1-config.ts";
import { leb128Length, parseLeb128, writeLeb128At } from "../../../codecs/av1/leb128.ts";
import {
  obuExtensionFlag,
  obuHasSizeFlag,
  obuPadding,
  obuSequenceHeader,
  obuTemporalDelimiter,
  obuTileList,
  obuType,
  parseObus,
} from "../../../codecs/av1/obu.ts";
import { atMost } from "../../../codecs/bounds.ts";
import { maxObusPerTemporalUnit } from "../../../codecs/limits.ts";
import type { PayloadSink, RtpPayloadWriter } from "../payload.ts";
import { av1ContinuesFlag, av1IsContinuedFlag, av1NewSequenceFlag } from "./av1-depacketizer.ts";

export interface Av1WriterOptions {
  readonly maxPayloadBytes: number;
  /** av1C of the track. A new one needs a new writer. */
  readonly config: Uint8Array;
  /** Puts the sequence header of `config` before key frames that have none. */
  readonly repeatsSequenceHeader: boolean;
}

export function openAv1Writer(options: Av1WriterOptions): RtpPayloadWriter {
  return new Av1Writer(options);
}

/** Up to three elements for each packet, so that the last never needs a length. */
class Av1Writer implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #sequenceHeader: Uint8Array | undefined;
  // The OBUs of one unit: where header, payload and end are. With `#hasSequenceHeader`, the first is in other memory.
  readonly #starts = new Int32Array(maxObus);
  readonly #payloads = new Int32Array(maxObus);
  readonly #ends = new Int32Array(maxObus);
  #obuCount = 0;
  #addsSequenceHeader = false;
  #unit: Uint8Array = noBytes;
  // Where writing is: an OBU, and how many bytes of it are written; header without size and payload count.
  #obu = 0;
  #written = 0;
  readonly #elementBytes = new Int32Array(maxElements);
  /** An aggregation header, a length, or an OBU header without size. */
  readonly #scratch = new Uint8Array(8);

  constructor({ maxPayloadBytes, config, repeatsSequenceHeader }: Av1WriterOptions) {
    assert(maxPayloadBytes >= 2 * minFragmentBytes, "a payload has room for less than two small elements");
    this.#maxPayloadBytes = maxPayloadBytes;
    if (repeatsSequenceHeader) {
      for (const { type, bytes } of parseObus(parseAv1Config(config).configObus)) {
        if (type === obuSequenceHeader) this.#sequenceHeader ??= bytes;
      }
    }
  }

  writeFrame(data: Uint8Array, isKey: boolean, sink: PayloadSink): void {
    this.#unit = data;
    this.#listObus(isKey);
    this.#obu = 0;
    this.#written = 0;
    for (let isFirst = true; this.#obu < this.#obuCount; isFirst = false) this.#writePacket(isFirst && isKey, sink);
    this.#unit = noBytes;
  }

  /** Fills the table; nothing is written when the unit turns out to be malformed. */
  #listObus(isKey: boolean): void {
    this.#obuCount = 0;
    this.#addsSequenceHeader = isKey && this.#sequenceHeader !== undefined;
    if (this.#addsSequenceHeader) this.#listFrom(this.#sequenceHeader as Uint8Array);
    this.#listFrom(this.#unit);
  }

  #listFrom(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    while (reader.left > 0) {
      const start = reader.offset;
      const header = reader.u8();
      if ((header & obuExtensionFlag) !== 0) reader.skip(1);
      const size = (header & obuHasSizeFlag) !== 0 ? parseLeb128(reader) : reader.left;
      const payload = reader.offset;
      reader.skip(size);
      const type = obuType(header);
      if (type === obuTemporalDelimiter || type === obuTileList || type === obuPadding) continue; // §5
      if (type === obuSequenceHeader && this.#addsSequenceHeader && bytes === this.#unit) {
        // The unit has its own: it is the one that is meant, and takes the place of what was added.
        this.#addsSequenceHeader = false;
        this.#obuCount = 0;
        reader.offset = 0;
        continue;
      }
      atMost(this.#obuCount + 1, maxObus, "number of OBUs in a temporal unit");
      this.#starts[this.#obuCount] = start;
      this.#payloads[this.#obuCount] = payload;
      this.#ends[this.#obuCount++] = reader.offset;
    }
  }

  #writePacket(isNewSequence: boolean, sink: PayloadSink): void {
    const elements = this.#elementBytes;
    let room = this.#maxPayloadBytes - 1;
    let payloadBytes = 1;
    let elementCount = 0;
    let obu = this.#obu;
    let left = this.#obuBytes(obu) - this.#written;
    while (elementCount < maxElements) {
      // The element before this one is no longer the last, and needs a length.
      const lengthBytes = elementCount > 0 ? leb128Length(elements[elementCount - 1] as number) : 0;
      const take = Math.min(left, room - lengthBytes);
      if (elementCount > 0 && (take <= 0 || (take < left && take < minFragmentBytes))) break;
      elements[elementCount++] = take;
      room -= lengthBytes + take;
      payloadBytes += lengthBytes + take;
      left -= take;
      if (left > 0 || ++obu === this.#obuCount) break;
      left = this.#obuBytes(obu);
    }
    sink.begin(payloadBytes, obu === this.#obuCount);
    this.#scratch[0] =
      (this.#written > 0 ? av1ContinuesFlag : 0) |
      (this.#endsInside(elementCount) ? av1IsContinuedFlag : 0) |
      (elementCount << 4) |
      (isNewSequence ? av1NewSequenceFlag : 0);
    sink.write(this.#scratch, 0, 1);
    for (let i = 0; i < elementCount; i++) {
      const bytes = elements[i] as number;
      if (i < elementCount - 1) sink.write(this.#scratch, 0, writeLeb128At(this.#scratch, 0, bytes));
      this.#writeElement(bytes, sink);
    }
  }

  /** True when the last of the elements that begin where writing is leaves some of its OBU for the next packet. */
  #endsInside(elementCount: number): boolean {
    const last = this.#obu + elementCount - 1;
    const before = elementCount === 1 ? this.#written : 0;
    return before + (this.#elementBytes[elementCount - 1] as number) < this.#obuBytes(last);
  }

  /** The next `count` bytes of the OBU; goes on to the next OBU at its end. */
  #writeElement(count: number, sink: PayloadSink): void {
    const obu = this.#obu;
    const source = obu === 0 && this.#addsSequenceHeader ? (this.#sequenceHeader as Uint8Array) : this.#unit;
    const headerBytes = this.#headerBytes(obu);
    let from = this.#written;
    const to = from + count;
    if (from < headerBytes) {
      const start = this.#starts[obu] as number;
      this.#scratch[0] = (source[start] as number) & ~obuHasSizeFlag;
      this.#scratch[1] = source[start + 1] as number;
      const headerEnd = Math.min(headerBytes, to);
      sink.write(this.#scratch, from, headerEnd);
      from = headerEnd;
    }
    const origin = (this.#payloads[obu] as number) - headerBytes;
    if (from < to) sink.write(source, origin + from, origin + to);
    this.#written = to;
    if (to === this.#obuBytes(obu)) {
      this.#obu++;
      this.#written = 0;
    }
  }

  #headerBytes(obu: number): number {
    const source = obu === 0 && this.#addsSequenceHeader ? (this.#sequenceHeader as Uint8Array) : this.#unit;
    return ((source[this.#starts[obu] as number] as number) & obuExtensionFlag) !== 0 ? 2 : 1;
  }

  #obuBytes(obu: number): number {
    return this.#headerBytes(obu) + (this.#ends[obu] as number) - (this.#payloads[obu] as number);
  }
}

const maxElements = 3;
const maxObus = maxObusPerTemporalUnit + 1;
/** A smaller rest of a packet stays empty: a fragment costs a length here and a byte there. */
const minFragmentBytes = 16;
const noBytes = new Uint8Array(0);

/** Open bitstream units of AV1 (§5.3), one behind the other in the low-overhead format (§5.2). */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost } from "../bounds.ts";
import { ERR_CODEC_FRAMING } from "../errors.ts";
import { maxObusPerTemporalUnit } from "../limits.ts";
import { parseLeb128 } from "./leb128.ts";

export const obuSequenceHeader = 1;
export const obuTemporalDelimiter = 2;
export const obuFrameHeader = 3;
export const obuFrame = 6;
export const obuTileList = 8;
export const obuPadding = 15;

/** Bits of the first byte of an OBU. */
export const obuExtensionFlag = 4;
export const obuHasSizeFlag = 2;

/** obu_type from that byte (§5.3.2). */
export function obuType(firstByte: number): number {
  return (firstByte >> 3) & 0xf;
}

export interface Obu {
  /** obu_type. */
  readonly type: number;
  /** Header, size and payload: a view. */
  readonly bytes: Uint8Array;
  /** The payload: a view. */
  readonly payload: Uint8Array;
}

/** The OBUs of a temporal unit or of configOBUs, in order. One without a size reaches to the end. */
export function* parseObus(bytes: Uint8Array): Generator<Obu, void> {
  const reader = new ByteReader(bytes);
  for (let count = 1; reader.left > 0; count++) {
    atMost(count, maxObusPerTemporalUnit, "number of OBUs in a temporal unit");
    yield parseObu(reader);
  }
}

/** Parses one OBU at the reader's offset. */
export function parseObu(reader: ByteReader): Obu {
  const start = reader.offset;
  const header = reader.u8();
  if (header > 0x7f) throw new CodedError(ERR_CODEC_FRAMING, "obu_forbidden_bit is set");
  if ((header & obuExtensionFlag) !== 0) reader.skip(1); // temporal_id, spatial_id
  const length = (header & obuHasSizeFlag) !== 0 ? parseLeb128(reader) : reader.left;
  const payload = reader.view(length);
  return { type: obuType(header), bytes: reader.bytes.subarray(start, reader.offset), payload };
}

/**
 * The frame of an FLV file (FLV 10.1, §E.2 to §E.4.1): its header, and around each body the tag header and the size of
 * the tag before. The writers write at an offset of memory that the caller owns and return the offset behind.
 */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { writeU24, writeU32 } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_FLV_ENCRYPTED, ERR_FLV_HEADER } from "./errors.ts";
import { maxFlvHeaderBytes } from "./limits.ts";

/** The tag types; the numbers are those of the RTMP messages with the same bodies. Other types are to be skipped. */
export const flvTagType = { audio: 8, video: 9, scriptAmf3: 15, script: 18 } as const;

/** The file's header and the size of the tag before the first, which is 0. */
export const flvHeaderLength = 13;

export const flvTagHeaderLength = 11;

/** The size of the tag, behind it. */
export const flvTagTrailerLength = 4;

export interface FlvHeader {
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Where the first PreviousTagSize lies: 9 in every known file. */
  readonly dataOffset: number;
}

/** Reads the first 9 bytes of a file. Errors: ERR_TRUNCATED, ERR_FLV_HEADER. */
export function parseFlvHeader(bytes: Uint8Array): FlvHeader {
  const reader = new ByteReader(bytes);
  const signature = reader.u24();
  const version = reader.u8();
  if (signature !== 0x464c56 || version !== 1) {
    const found = (signature * 256 + version).toString(16).padStart(8, "0");
    throw new CodedError(ERR_FLV_HEADER, `expected "FLV" and version 1, got 0x${found}`);
  }
  const flags = reader.u8();
  const dataOffset = reader.u32();
  if (dataOffset < 9 || dataOffset > maxFlvHeaderBytes) {
    throw new CodedError(ERR_FLV_HEADER, `expected a header of 9 to ${maxFlvHeaderBytes} bytes, got ${dataOffset}`);
  }
  return { hasAudio: (flags & 4) !== 0, hasVideo: (flags & 1) !== 0, dataOffset };
}

/** Writes `flvHeaderLength` bytes. Players wait for the tracks that the header promises. */
export function writeFlvHeader(target: Uint8Array, at: number, hasAudio: boolean, hasVideo: boolean): number {
  writeU32(target, at, 0x464c5601);
  target[at + 4] = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0);
  writeU32(target, at + 5, 9);
  writeU32(target, at + 9, 0);
  return at + flvHeaderLength;
}

export interface FlvTagHeader {
  /** One of {@link flvTagType}, or a type to be skipped. */
  readonly type: number;
  readonly bodyBytes: number;
  /** 0 to 2^32 - 1; wraps. */
  readonly timestampMs: number;
}

/** Reads the 11 bytes before a body. Errors: ERR_TRUNCATED, ERR_FLV_ENCRYPTED. */
export function parseFlvTagHeader(reader: ByteReader): FlvTagHeader {
  const first = reader.u8();
  const bodyBytes = reader.u24();
  const timestampLow = reader.u24();
  const timestampMs = reader.u8() * 0x100_0000 + timestampLow;
  reader.skip(3); // StreamID, always 0
  if ((first & 0x20) !== 0) throw new CodedError(ERR_FLV_ENCRYPTED, "expected a plain FLV tag, got an encrypted one");
  return { type: first & 0x1f, bodyBytes, timestampMs };
}

/** Writes the 11 bytes before a body. `timestampMs`: 0 to 2^32 - 1, wrapped by the caller. */
export function writeFlvTagHeader(
  target: Uint8Array,
  at: number,
  type: number,
  bodyBytes: number,
  timestampMs: number,
): number {
  target[at] = type;
  writeU24(target, at + 1, bodyBytes);
  writeU24(target, at + 4, timestampMs);
  target[at + 7] = timestampMs >>> 24;
  writeU24(target, at + 8, 0);
  return at + flvTagHeaderLength;
}

/** Writes the 4 bytes behind a body of `bodyBytes`. */
export function writeFlvTagTrailer(target: Uint8Array, at: number, bodyBytes: number): number {
  writeU32(target, at, flvTagHeaderLength + bodyBytes);
  return at + flvTagTrailerLength;
}

/** Set Chunk Size, RTMP 1.0 §5.4.1: one bit of 0, then 31 bits of size, at least 1. */

import { readU32 } from "../../../bytes/byte-reader.ts";
import { writeU32 } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTMP_CHUNK_SIZE } from "../errors.ts";
import { requireLength } from "./control-length.ts";

/** The size in bytes, 1 to 0x7fffffff, as declared: clamping is the reader's. Errors: ERR_TRUNCATED, ERR_RTMP_CHUNK_SIZE. */
export function parseSetChunkSize(payload: Uint8Array): number {
  requireLength(payload, 4);
  const size = readU32(payload, 0);
  if (size === 0 || size > 0x7fff_ffff) {
    throw new CodedError(ERR_RTMP_CHUNK_SIZE, `expected a chunk size of 1 to 2147483647, got ${size}`);
  }
  return size;
}

export function writeSetChunkSize(chunkSize: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeU32(payload, 0, chunkSize);
  return payload;
}

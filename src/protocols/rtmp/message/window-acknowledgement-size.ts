/** Window Acknowledgement Size, RTMP 1.0 §5.4.4: after how many bytes the sender wants an acknowledgement. */

import { readU32 } from "../../../bytes/byte-reader.ts";
import { writeU32 } from "../../../bytes/byte-writer.ts";
import { requireLength } from "./control-length.ts";

/** The window in bytes, 0 to 2^32 - 1. Errors: ERR_TRUNCATED. */
export function parseWindowAcknowledgementSize(payload: Uint8Array): number {
  requireLength(payload, 4);
  return readU32(payload, 0);
}

export function writeWindowAcknowledgementSize(windowBytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeU32(payload, 0, windowBytes);
  return payload;
}

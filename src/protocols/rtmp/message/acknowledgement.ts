/** Acknowledgement, RTMP 1.0 §5.4.3: the number of bytes received so far, modulo 2^32. */

import { readU32 } from "../../../bytes/byte-reader.ts";
import { writeU32 } from "../../../bytes/byte-writer.ts";
import { requireLength } from "./control-length.ts";

/** The sequence number: bytes received, 0 to 2^32 - 1. Errors: ERR_TRUNCATED. */
export function parseAcknowledgement(payload: Uint8Array): number {
  requireLength(payload, 4);
  return readU32(payload, 0);
}

/** `receivedBytes` may be any count; what is written is its remainder modulo 2^32. */
export function writeAcknowledgement(receivedBytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeU32(payload, 0, receivedBytes % 0x1_0000_0000);
  return payload;
}

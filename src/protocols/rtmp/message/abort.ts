/** Abort Message, RTMP 1.0 §5.4.2: the chunk stream whose incomplete message is to be thrown away. */

import { readU32 } from "../../../bytes/byte-reader.ts";
import { writeU32 } from "../../../bytes/byte-writer.ts";
import { requireLength } from "./control-length.ts";

/** The chunk stream id. An id that is not in use means nothing, and is no error. Errors: ERR_TRUNCATED. */
export function parseAbort(payload: Uint8Array): number {
  requireLength(payload, 4);
  return readU32(payload, 0);
}

export function writeAbort(chunkStreamId: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeU32(payload, 0, chunkStreamId);
  return payload;
}

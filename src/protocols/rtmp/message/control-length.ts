/** Control messages have fixed lengths; bytes after the last field are ignored, as every other server does. */

import { truncatedError } from "../../../bytes/coded-error.ts";

/** Throws ERR_TRUNCATED unless `payload` has at least `lengthBytes`. */
export function requireLength(payload: Uint8Array, lengthBytes: number): void {
  if (payload.length < lengthBytes) throw truncatedError(lengthBytes, 0, payload.length);
}

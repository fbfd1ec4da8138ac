/** Text in AMF0 and AMF3: UTF-8 with a length before it. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_AMF_NAME } from "./errors.ts";
import { maxAmfNameBytes } from "./limits.ts";

/** Bytes that are not UTF-8 become U+FFFD: some encoders write their names in the local code page. */
export function decodeAmfText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeAmfText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Nearly all that a server says is: it can be written without a buffer in between (350 bytes of heap for each text). */
export function isAsciiText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Keys and class names are kept shorter than text may be. */
export function checkAmfNameLength(lengthBytes: number): void {
  if (lengthBytes > maxAmfNameBytes) {
    throw new CodedError(ERR_AMF_NAME, `expected a key of at most ${maxAmfNameBytes} bytes, got one of ${lengthBytes}`);
  }
}

// ignoreBOM keeps a leading U+FEFF as the character that it is, so that text survives reading and writing.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

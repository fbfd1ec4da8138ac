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

/** Keys and class names are kept shorter than text may be. */
export function checkAmfNameLength(lengthBytes: number): void {
  if (lengthBytes > maxAmfNameBytes) {
    throw new CodedError(ERR_AMF_NAME, `expected a key of at most ${maxAmfNameBytes} bytes, got one of ${lengthBytes}`);
  }
}

// ignoreBOM keeps a leading U+FEFF as the character that it is, so that text survives reading and writing.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

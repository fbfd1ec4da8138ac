/** From NAL unit to RBSP: H.264 §7.3.1, H.265 §7.3.1.1, H.266 §7.3.1.1 say the same. */

import { atMost } from "../bounds.ts";
import { maxParameterSetBytes } from "../limits.ts";

/**
 * `nal` without its emulation_prevention_three_bytes, the NAL unit header included. The same view when there are none.
 * For parameter sets: longer ones than a configuration record can hold are ERR_CODEC_LIMIT.
 */
export function unescapeParameterSet(nal: Uint8Array): Uint8Array {
  atMost(nal.length, maxParameterSetBytes, "length of the parameter set");
  const first = indexOfEscape(nal, 0);
  if (first < 0) return nal;
  const plain = new Uint8Array(nal.length - 1);
  let from = 0;
  let length = 0;
  for (let three = first; three >= 0; three = indexOfEscape(nal, from)) {
    plain.set(nal.subarray(from, three), length);
    length += three - from;
    from = three + 1;
  }
  plain.set(nal.subarray(from), length);
  return plain.subarray(0, length + nal.length - from);
}

/** Where the next 3 of a 0 0 3 stands; both zeros are at `from` or later, so that a removed 3 starts a new count. */
function indexOfEscape(bytes: Uint8Array, from: number): number {
  for (let i = from + 2; i < bytes.length; i++) {
    if (bytes[i] === 3 && bytes[i - 1] === 0 && bytes[i - 2] === 0) return i;
  }
  return -1;
}

/** The byte stream format: NAL units behind start codes (H.264 Annex B, H.265 Annex B, H.266 Annex B). */

import { CodedError } from "../../bytes/coded-error.ts";
import { atMost } from "../bounds.ts";
import { ERR_CODEC_FRAMING } from "../errors.ts";
import { maxNalUnitsPerAccessUnit } from "../limits.ts";

/**
 * The NAL units of `bytes` as views, without start codes, the zero bytes around them and empty units. ERR_CODEC_FRAMING when
 * there is no start code, or something else before the first; ERR_CODEC_LIMIT when there are too many units.
 */
export function parseAnnexB(bytes: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let code = startCode(bytes, 0);
  if (code < 0 || trimZeros(bytes, 0, code) > 0) {
    throw new CodedError(ERR_CODEC_FRAMING, "expected a start code (0 0 1) at the beginning of the byte stream");
  }
  while (code >= 0) {
    const start = code + startCodeLength;
    code = startCode(bytes, start);
    const end = trimZeros(bytes, start, code < 0 ? bytes.length : code);
    if (end > start) {
      atMost(units.length + 1, maxNalUnitsPerAccessUnit, "number of NAL units in an access unit");
      units.push(bytes.subarray(start, end));
    }
  }
  return units;
}

const startCodeLength = 3;

/** Offset of the next 0 0 1 at `from` or later, or -1. */
function startCode(bytes: Uint8Array, from: number): number {
  for (let one = bytes.indexOf(1, from + 2); one >= 0; one = bytes.indexOf(1, one + 1)) {
    if (bytes[one - 1] === 0 && bytes[one - 2] === 0) return one - 2;
  }
  return -1;
}

/** `end` without the zeros before it (zero_byte and trailing_zero_8bits): a NAL unit never ends with one. */
function trimZeros(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === 0) at--;
  return at;
}

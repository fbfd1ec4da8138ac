/** NAL unit types of H.264 (table 7-1) that a server looks at. */

import { type NalLengthSize, nalUnitEnd } from "../nal/length-prefixed.ts";

export const h264NalSps = 7;
export const h264NalPps = 8;

/** nal_unit_type from the first byte of a NAL unit (§7.3.1). */
export function h264NalType(firstByte: number): number {
  return firstByte & 0x1f;
}

/** True when a frame (length-prefixed NAL units) is an IDR picture: the only place at which every decoder can start. */
export function isH264KeyFrame(frame: Uint8Array, lengthSize: NalLengthSize): boolean {
  for (let at = 0; at < frame.length; ) {
    const end = nalUnitEnd(frame, at, lengthSize);
    const start = at + lengthSize;
    if (start < end) {
      const type = h264NalType(frame[start] as number);
      if (type === idrSlice) return true;
      if (type === slice) return false; // the slices of one picture are all IDR or all not
    }
    at = end;
  }
  return false;
}

const slice = 1; // of a picture that is not an IDR
const idrSlice = 5;

/** NAL unit types of VVC (H.266 table 5) that a server looks at. */

import { type NalLengthSize, nalUnitEnd } from "../nal/length-prefixed.ts";

export const vvcNalOpi = 12;
export const vvcNalDci = 13;
export const vvcNalVps = 14;
export const vvcNalSps = 15;
export const vvcNalPps = 16;

/** nal_unit_type from the second byte of a NAL unit (§7.3.1.2). */
export function vvcNalType(secondByte: number): number {
  return secondByte >> 3;
}

/** True when a frame (length-prefixed NAL units) is an IDR or CRA picture, where a decoder can start at once. */
export function isVvcKeyFrame(frame: Uint8Array, lengthSize: NalLengthSize): boolean {
  for (let at = 0; at < frame.length; ) {
    const end = nalUnitEnd(frame, at, lengthSize);
    const second = at + lengthSize + 1;
    if (second < end) {
      const type = vvcNalType(frame[second] as number);
      if (type <= lastVclType) return type >= firstIrapType && type <= lastIrapType;
    }
    at = end;
  }
  return false;
}

const lastVclType = 11;
const firstIrapType = 7; // IDR_W_RADL
const lastIrapType = 9; // CRA_NUT; a decoder that starts at GDR (10) shows pictures only after its recovery point

/** NAL unit types of H.265 (table 7-1) that a server looks at. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_PARAMETER_SET, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { unescapeParameterSet } from "../nal/emulation-prevention.ts";
import { type NalLengthSize, nalUnitEnd } from "../nal/length-prefixed.ts";

export const h265NalVps = 32;
export const h265NalSps = 33;
export const h265NalPps = 34;

/** nal_unit_type from the first byte of a NAL unit (§7.3.1.2). */
export function h265NalType(firstByte: number): number {
  return (firstByte >> 1) & 0x3f;
}

/** True when a frame (length-prefixed NAL units) is an IRAP picture: BLA, IDR or CRA, where a decoder can start. */
export function isH265KeyFrame(frame: Uint8Array, lengthSize: NalLengthSize): boolean {
  for (let at = 0; at < frame.length; ) {
    const end = nalUnitEnd(frame, at, lengthSize);
    const start = at + lengthSize;
    if (start < end) {
      const type = h265NalType(frame[start] as number);
      if (type <= lastVclType) return type >= firstIrapType && type <= lastIrapType; // all slices have one type
    }
    at = end;
  }
  return false;
}

/** A reader behind the header of one parameter set of the base layer; anything else is refused. */
export function openH265ParameterSet(nal: Uint8Array, type: number, name: string): BitReader {
  const bits = new BitReader(unescapeParameterSet(nal));
  const header = bits.bits(16);
  if (header > 0x7fff || h265NalType(header >> 8) !== type) {
    throw new CodedError(ERR_CODEC_PARAMETER_SET, `expected an H.265 ${name}, a NAL unit with header ${header} came`);
  }
  const layer = (header >> 3) & 0x3f;
  if (layer !== 0) {
    throw new CodedError(ERR_CODEC_UNSUPPORTED, `the H.265 ${name} is of layer ${layer}, only layer 0 is supported`);
  }
  return bits;
}

const lastVclType = 31;
const firstIrapType = 16; // BLA_W_LP
const lastIrapType = 21; // CRA_NUT; 22 and 23 are reserved

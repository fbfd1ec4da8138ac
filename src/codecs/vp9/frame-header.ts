/** The uncompressed header of a VP9 frame: VP9 bitstream specification §6.2. Of a superframe it is that of the first frame. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { pictureSide } from "../bounds.ts";
import { ERR_CODEC_FRAME_HEADER } from "../errors.ts";

export interface Vp9FrameHeader {
  readonly profile: number;
  readonly isKey: boolean;
  readonly isShown: boolean;
  /** What only key frames tell. */
  readonly key: Vp9KeyFrameHeader | undefined;
}

export interface Vp9KeyFrameHeader {
  readonly bitDepth: number;
  readonly colorSpace: number;
  readonly fullRange: boolean;
  readonly subsamplingX: boolean;
  readonly subsamplingY: boolean;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export function parseVp9FrameHeader(frame: Uint8Array): Vp9FrameHeader {
  const bits = new BitReader(frame);
  if (bits.bits(2) !== 2) throw new CodedError(ERR_CODEC_FRAME_HEADER, "frame_marker of the VP9 frame is not 2");
  const profile = bits.bits(1) + 2 * bits.bits(1);
  if (profile === 3) expectZero(bits, "reserved_zero");
  if (bits.flag()) return { profile, isKey: false, isShown: true, key: undefined }; // show_existing_frame
  const isKey = !bits.flag();
  const isShown = bits.flag();
  bits.skip(1); // error_resilient_mode
  return { profile, isKey, isShown, key: isKey ? parseKeyFrame(bits, profile) : undefined };
}

export function isVp9KeyFrame(frame: Uint8Array): boolean {
  if (frame.length === 0) return false;
  const first = frame[0] as number;
  // Profile 3 has one bit more before show_existing_frame and frame_type.
  return (first & 0x30) === 0x30 ? (first & 0x06) === 0 : (first & 0x0c) === 0;
}

function parseKeyFrame(bits: BitReader, profile: number): Vp9KeyFrameHeader {
  const sync = bits.bits(24);
  if (sync !== syncCode) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `expected the VP9 sync code 498342, ${sync.toString(16)} came`);
  }
  const bitDepth = profile < 2 ? 8 : bits.flag() ? 12 : 10;
  const colorSpace = bits.bits(3);
  const anySubsampling = profile === 1 || profile === 3;
  let fullRange = true;
  let subsamplingX = false;
  let subsamplingY = false;
  if (colorSpace !== csRgb) {
    fullRange = bits.flag();
    subsamplingX = anySubsampling ? bits.flag() : true;
    subsamplingY = anySubsampling ? bits.flag() : true;
  } else if (!anySubsampling) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `VP9 profile ${profile} has no RGB`);
  }
  if (anySubsampling) expectZero(bits, "reserved_zero");
  const width = pictureSide(bits.bits(16) + 1, "width of the VP9 picture");
  const height = pictureSide(bits.bits(16) + 1, "height of the VP9 picture");
  return { bitDepth, colorSpace, fullRange, subsamplingX, subsamplingY, width, height };
}

function expectZero(bits: BitReader, field: string): void {
  if (bits.flag()) throw new CodedError(ERR_CODEC_FRAME_HEADER, `${field} of the VP9 frame is not 0`);
}

const syncCode = 0x498342;
const csRgb = 7;

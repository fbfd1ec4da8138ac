/** The uncompressed chunk at the start of a VP8 frame: RFC 6386 §9.1. */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { pictureSide } from "../bounds.ts";
import { ERR_CODEC_FRAME_HEADER } from "../errors.ts";

export interface Vp8FrameHeader {
  readonly isKey: boolean;
  /** Which reconstruction and loop filter; 0 in all that is encoded today. */
  readonly version: number;
  readonly isShown: boolean;
  /** Pixels; only key frames have a size. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

export function parseVp8FrameHeader(frame: Uint8Array): Vp8FrameHeader {
  const reader = new ByteReader(frame);
  const tag = reader.u8();
  reader.skip(2); // the rest of first_part_size
  const isKey = (tag & 1) === 0;
  const common = { isKey, version: (tag >> 1) & 7, isShown: (tag & 0x10) !== 0 };
  if (!isKey) return { ...common, width: undefined, height: undefined };
  const code = reader.u24();
  if (code !== startCode) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `expected the VP8 start code 9d 01 2a, ${code.toString(16)} came`);
  }
  // The top two bits of each are a scale for the viewer, which nobody uses.
  const width = pictureSide(reader.u16le() & 0x3fff, "width of the VP8 picture");
  const height = pictureSide(reader.u16le() & 0x3fff, "height of the VP8 picture");
  return { ...common, width, height };
}

export function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && ((frame[0] as number) & 1) === 0;
}

const startCode = 0x9d012a;

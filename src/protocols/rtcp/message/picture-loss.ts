/** PLI, a receiver needs a key frame: RFC 4585 §6.3.1. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";

export interface PictureLoss {
  readonly kind: "pictureLoss";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}

/** FMT of a payload-specific feedback message (206). */
export const pictureLossFormat = 1;

export function parsePictureLoss(reader: ByteReader): PictureLoss {
  return { kind: "pictureLoss", senderSsrc: reader.u32(), mediaSsrc: reader.u32() };
}

export function writePictureLoss(writer: ByteWriter, { senderSsrc, mediaSsrc }: PictureLoss): void {
  writer.u32(senderSsrc).u32(mediaSsrc);
}

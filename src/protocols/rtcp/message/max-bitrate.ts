/** REMB, how much a receiver believes it can take: draft-alvestrand-rmcat-remb-03 §2.2. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";

export interface MaxBitrate {
  readonly kind: "maxBitrate";
  readonly senderSsrc: number;
  /** Bits per second; 18 significant bits. */
  readonly bitsPerSecond: number;
  /** The streams that share it. */
  readonly ssrcs: readonly number[];
}

/** FMT of a payload-specific feedback message (206): application layer feedback. Others than REMB use it too. */
export const applicationFeedbackFormat = 15;

/** Undefined when it is the feedback of another application. */
export function parseMaxBitrate(reader: ByteReader): MaxBitrate | undefined {
  const senderSsrc = reader.u32();
  reader.skip(4); // the media's SSRC is not used, and 0
  if (reader.left < 8 || reader.u32() !== remb) return undefined;
  const count = reader.u8();
  const rate = reader.u24();
  const bitsPerSecond = (rate & 0x3_ffff) * 2 ** (rate >> 18); // 2^63 at most, which is a number to be laughed at
  const ssrcs = Array.from({ length: count }, () => reader.u32());
  return { kind: "maxBitrate", senderSsrc, bitsPerSecond, ssrcs };
}

export function writeMaxBitrate(writer: ByteWriter, { senderSsrc, bitsPerSecond, ssrcs }: MaxBitrate): void {
  let exponent = 0;
  let mantissa = bitsPerSecond;
  while (mantissa > 0x3_ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent++;
  }
  writer.u32(senderSsrc).u32(0).u32(remb).u8(ssrcs.length);
  writer.u24((exponent << 18) | mantissa);
  for (const ssrc of ssrcs) writer.u32(ssrc);
}

const remb = 0x52454d42; // "REMB"

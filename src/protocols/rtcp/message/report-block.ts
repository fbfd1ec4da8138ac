/** A reception report about one source: RFC 3550 §6.4.1. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";

export interface ReportBlock {
  /** The source that is reported on. */
  readonly ssrc: number;
  /** Lost since the last report, in 256ths. */
  readonly fractionLost: number;
  /** Packets, since the beginning: 24 bits, below zero when there were more duplicates than losses. */
  readonly totalLost: number;
  /** 16 bits of wraps and the highest sequence number. */
  readonly highestSequence: number;
  /** In ticks of the payload format's clock. */
  readonly jitter: number;
  /** The middle 32 bits of the NTP time of the last sender report; 0 when there was none. */
  readonly lastSenderReport: number;
  /** In 2^-16 s, since it came. */
  readonly delay: number;
}

/** Blocks of one report: its count has 5 bits. */
export const maxReportBlocks = 31;

export function parseReportBlock(reader: ByteReader): ReportBlock {
  return {
    ssrc: reader.u32(),
    fractionLost: reader.u8(),
    totalLost: reader.i24(),
    highestSequence: reader.u32(),
    jitter: reader.u32(),
    lastSenderReport: reader.u32(),
    delay: reader.u32(),
  };
}

export function writeReportBlock(writer: ByteWriter, block: ReportBlock): void {
  writer.u32(block.ssrc).u8(block.fractionLost).u24(block.totalLost).u32(block.highestSequence);
  writer.u32(block.jitter).u32(block.lastSenderReport).u32(block.delay);
}

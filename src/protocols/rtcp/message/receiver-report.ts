/** RR, what a receiver got: RFC 3550 §6.4.2. Extensions by profile are passed over. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import { parseReportBlock, type ReportBlock, writeReportBlock } from "./report-block.ts";

export interface ReceiverReport {
  readonly kind: "receiverReport";
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
}

export const receiverReportType = 201;

export function parseReceiverReport(reader: ByteReader, reportCount: number): ReceiverReport {
  return {
    kind: "receiverReport",
    ssrc: reader.u32(),
    reports: Array.from({ length: reportCount }, () => parseReportBlock(reader)),
  };
}

export function writeReceiverReport(writer: ByteWriter, report: ReceiverReport): void {
  writer.u32(report.ssrc);
  for (const block of report.reports) writeReportBlock(writer, block);
}

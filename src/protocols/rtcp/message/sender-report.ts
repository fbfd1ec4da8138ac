/** SR, what a sender says about its time and what it sent: RFC 3550 §6.4.1. Extensions by profile are passed over. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import type { NtpTime } from "../ntp.ts";
import { parseReportBlock, type ReportBlock, writeReportBlock } from "./report-block.ts";

export interface SenderReport {
  readonly kind: "senderReport";
  readonly ssrc: number;
  readonly ntp: NtpTime;
  /** The same moment in the media's clock. */
  readonly rtpTimestamp: number;
  /** Since the beginning, modulo 2^32; octets are those of payloads. */
  readonly packetCount: number;
  readonly octetCount: number;
  readonly reports: readonly ReportBlock[];
}

export const senderReportType = 200;

export function parseSenderReport(reader: ByteReader, reportCount: number): SenderReport {
  return {
    kind: "senderReport",
    ssrc: reader.u32(),
    ntp: { seconds: reader.u32(), fraction: reader.u32() },
    rtpTimestamp: reader.u32(),
    packetCount: reader.u32(),
    octetCount: reader.u32(),
    reports: Array.from({ length: reportCount }, () => parseReportBlock(reader)),
  };
}

export function writeSenderReport(writer: ByteWriter, report: SenderReport): void {
  writer.u32(report.ssrc).u32(report.ntp.seconds).u32(report.ntp.fraction).u32(report.rtpTimestamp);
  writer.u32(report.packetCount).u32(report.octetCount);
  for (const block of report.reports) writeReportBlock(writer, block);
}

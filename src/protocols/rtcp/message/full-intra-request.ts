/** FIR, sources that shall send a key frame: RFC 5104 §4.3.1. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTCP_PACKET } from "../errors.ts";
import { maxReportBlocks } from "./report-block.ts";

export interface FullIntraRequest {
  readonly kind: "fullIntraRequest";
  readonly senderSsrc: number;
  /** The same number again is the same request again. */
  readonly entries: readonly { readonly ssrc: number; readonly sequence: number }[];
}

/** FMT of a payload-specific feedback message (206). */
export const fullIntraRequestFormat = 4;

export function parseFullIntraRequest(reader: ByteReader): FullIntraRequest {
  const senderSsrc = reader.u32();
  reader.skip(4); // the media's SSRC is not used, and 0
  const entries: { ssrc: number; sequence: number }[] = [];
  while (reader.left > 0) {
    entries.push({ ssrc: reader.u32(), sequence: reader.u8() });
    reader.skip(3);
    // As many as one report can tell of.
    if (entries.length > maxReportBlocks) {
      throw new CodedError(ERR_RTCP_PACKET, `a FIR names more than ${maxReportBlocks} sources`);
    }
  }
  return { kind: "fullIntraRequest", senderSsrc, entries };
}

export function writeFullIntraRequest(writer: ByteWriter, { senderSsrc, entries }: FullIntraRequest): void {
  writer.u32(senderSsrc).u32(0);
  for (const { ssrc, sequence } of entries) writer.u32(ssrc).u8(sequence).u24(0);
}

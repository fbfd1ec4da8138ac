/** Whole RTP packets with everything that RFC 3550 §5.1 and RFC 8285 allow. */

import { assert } from "../../bytes/assert.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { type HeaderExtensionElement, writeHeaderExtension } from "./header-extension.ts";
import { rtpExtensionFlag, rtpHeaderLength, rtpPaddingFlag, writeRtpHeader } from "./packet.ts";

/** What a packet may have beyond the twelve bytes of {@link writeRtpHeader}. */
export interface RtpPacketFields {
  readonly marker?: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly csrcs?: readonly number[];
  readonly extensions?: readonly HeaderExtensionElement[];
  readonly payload: Uint8Array;
  /** Bytes of padding behind the payload, the one that counts them included. */
  readonly paddingBytes?: number;
}

/** A whole packet in its own memory; for what is sent seldom. The way of media is {@link writeRtpHeader}. */
export function writeRtpPacket(fields: RtpPacketFields): Uint8Array {
  const { marker = false, csrcs = [], extensions = [], paddingBytes = 0 } = fields;
  assert(csrcs.length < 16 && paddingBytes < 256, "an RTP packet has at most 15 CSRCs and 255 bytes of padding");
  const header = new Uint8Array(rtpHeaderLength);
  writeRtpHeader(header, 0, marker, fields.payloadType, fields.sequenceNumber, fields.timestamp, fields.ssrc);
  header[0] =
    (header[0] as number) |
    (paddingBytes > 0 ? rtpPaddingFlag : 0) |
    (extensions.length > 0 ? rtpExtensionFlag : 0) |
    csrcs.length;
  const writer = new ByteWriter(rtpHeaderLength + 4 * csrcs.length + fields.payload.length + paddingBytes).put(header);
  for (const csrc of csrcs) writer.u32(csrc);
  if (extensions.length > 0) writeHeaderExtension(writer, extensions);
  writer.put(fields.payload);
  if (paddingBytes > 0) writer.put(new Uint8Array(paddingBytes - 1)).u8(paddingBytes);
  return writer.finish();
}

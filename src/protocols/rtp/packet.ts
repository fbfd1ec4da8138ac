/** The RTP packet: RFC 3550 §5.1 to §5.3.1. */

import { readU32 } from "../../bytes/byte-reader.ts";
import { writeU16, writeU32 } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTP_HEADER } from "./errors.ts";

/** Bytes of a header without CSRC list and extension: what this server sends. */
export const rtpHeaderLength = 12;

/** Bits of the first byte. */
export const rtpPaddingFlag = 0x20;
export const rtpExtensionFlag = 0x10;

/**
 * Where everything stands in one packet. One object serves any number of packets: `parse` fills it, so that none is allocated
 * for each packet. The offsets are into the bytes that were parsed.
 */
export class RtpPacket {
  bytes: Uint8Array = noBytes;
  marker = false;
  payloadType = 0;
  /** 16 bits, wrapping. */
  sequenceNumber = 0;
  /** 32 bits, wrapping, in ticks of the payload format's clock. */
  timestamp = 0;
  ssrc = 0;
  /** Contributing sources, 4 bytes each, behind the fixed header. */
  csrcCount = 0;
  /** "Defined by profile": 0xbede and 0x100x are those of RFC 8285. -1 when there is no extension. */
  extensionProfile = -1;
  extensionStart = 0;
  extensionEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;

  /** Parses `bytes`, which is one whole packet. What is no RTP packet is ERR_RTP_HEADER, and leaves the object as it was. */
  parse(bytes: Uint8Array): this {
    if (bytes.length < rtpHeaderLength) throw headerError(`has ${bytes.length} bytes, expected at least 12`);
    const first = bytes[0] as number;
    if (first >> 6 !== rtpVersion) throw headerError(`is of version ${first >> 6}, expected 2`);
    const csrcCount = first & 0x0f;
    let start = rtpHeaderLength + 4 * csrcCount;
    let extensionProfile = -1;
    let extensionStart = start;
    if ((first & rtpExtensionFlag) !== 0) {
      if (bytes.length < start + 4) throw headerError("ends before its header extension");
      extensionProfile = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
      extensionStart = start + 4;
      start = extensionStart + 4 * (((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number));
    }
    if (start > bytes.length) throw headerError(`has a header of ${start} bytes, and ${bytes.length} in all`);
    let end = bytes.length;
    if ((first & rtpPaddingFlag) !== 0) {
      const padding = start < end ? (bytes[end - 1] as number) : 0;
      if (padding === 0 || padding > end - start) {
        throw headerError(`has ${padding} bytes of padding, and ${end - start} behind its header`);
      }
      end -= padding;
    }
    const second = bytes[1] as number;
    this.bytes = bytes;
    this.marker = second >= 0x80;
    this.payloadType = second & 0x7f;
    this.sequenceNumber = ((bytes[2] as number) << 8) | (bytes[3] as number);
    this.timestamp = readU32(bytes, 4);
    this.ssrc = readU32(bytes, 8);
    this.csrcCount = csrcCount;
    this.extensionProfile = extensionProfile;
    this.extensionStart = extensionStart;
    this.extensionEnd = start;
    this.payloadStart = start;
    this.payloadEnd = end;
    return this;
  }

  /** A view of the payload, padding cut off. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart, this.payloadEnd);
  }

  /** The contributing source at `index`, below `csrcCount`. */
  csrc(index: number): number {
    return readU32(this.bytes, rtpHeaderLength + 4 * index);
  }
}

/** Writes a header of 12 bytes at `at`: no padding, no extension, no CSRC. */
export function writeRtpHeader(
  bytes: Uint8Array,
  at: number,
  marker: boolean,
  payloadType: number,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): void {
  bytes[at] = rtpVersion << 6;
  bytes[at + 1] = (marker ? 0x80 : 0) | payloadType;
  writeU16(bytes, at + 2, sequenceNumber);
  writeU32(bytes, at + 4, timestamp);
  writeU32(bytes, at + 8, ssrc);
}

/**
 * True for RTCP among packets of one port (RFC 5761 §4): what would be payload types 64 to 95 with a marker are RTCP's 192 to 223.
 */
export function isRtcpPacket(bytes: Uint8Array): boolean {
  const type = bytes.length > 1 ? (bytes[1] as number) : 0;
  return type >= 192 && type <= 223;
}

function headerError(problem: string): CodedError {
  return new CodedError(ERR_RTP_HEADER, `the RTP packet ${problem}`);
}

const rtpVersion = 2;
const noBytes = new Uint8Array(0);

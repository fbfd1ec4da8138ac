/** Compound packets: RFC 3550 §6.1, and with RFC 5506 those of a single message. */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter, writeU16 } from "../../bytes/byte-writer.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_RTCP_PACKET } from "./errors.ts";
import { maxRtcpPackets } from "./limits.ts";
import { type App, appType, parseApp, writeApp } from "./message/app.ts";
import { type Bye, byeType, parseBye, writeBye } from "./message/bye.ts";
import {
  type FullIntraRequest,
  fullIntraRequestFormat,
  parseFullIntraRequest,
  writeFullIntraRequest,
} from "./message/full-intra-request.ts";
import { applicationFeedbackFormat, type MaxBitrate, parseMaxBitrate, writeMaxBitrate } from "./message/max-bitrate.ts";
import { type Nack, nackFormat, parseNack, writeNack } from "./message/nack.ts";
import { type PictureLoss, parsePictureLoss, pictureLossFormat, writePictureLoss } from "./message/picture-loss.ts";
import {
  parseReceiverReport,
  type ReceiverReport,
  receiverReportType,
  writeReceiverReport,
} from "./message/receiver-report.ts";
import { maxReportBlocks } from "./message/report-block.ts";
import { parseSenderReport, type SenderReport, senderReportType, writeSenderReport } from "./message/sender-report.ts";
import {
  parseSourceDescription,
  type SourceDescription,
  sourceDescriptionType,
  writeSourceDescription,
} from "./message/source-description.ts";
import {
  parseTransportFeedback,
  type TransportFeedback,
  transportFeedbackFormat,
  writeTransportFeedback,
} from "./message/transport-feedback.ts";

export type RtcpMessage =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | App
  | Nack
  | TransportFeedback
  | PictureLoss
  | FullIntraRequest
  | MaxBitrate;

/**
 * The messages of one datagram. Types and feedback formats that are not known (XR, SLI …) are passed over. Anything malformed is
 * ERR_RTCP_PACKET, and none of the messages counts: RFC 3550 A.2 takes it for no RTCP at all.
 */
export function parseRtcp(bytes: Uint8Array): RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  let packetCount = 0;
  let at = 0;
  do {
    if (++packetCount > maxRtcpPackets) throw packetError(`has more than ${maxRtcpPackets} messages`);
    if (bytes.length - at < 4) throw packetError(`has ${bytes.length - at} bytes where a message's header should be`);
    const first = bytes[at] as number;
    if (first >> 6 !== rtcpVersion) throw packetError(`is of version ${first >> 6}, expected 2`);
    const end = at + 4 * (1 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)));
    if (end > bytes.length) throw packetError(`has a message of ${end - at} bytes, and ${bytes.length - at} are left`);
    const type = bytes[at + 1] as number;
    const count = first & 0x1f;
    const hasPadding = (first & paddingFlag) !== 0 && !paddingIsNotCounted(type, count);
    const bodyEnd = hasPadding ? withoutPadding(bytes, at + 4, end) : end;
    const message = parseMessage(type, count, new ByteReader(bytes, at + 4, bodyEnd));
    if (message !== undefined) messages.push(message);
    at = end;
  } while (at < bytes.length);
  return messages;
}

/** One datagram. A compound begins with a report (§6.1), and has a CNAME: the caller sees to it. */
export function writeRtcp(messages: readonly RtcpMessage[]): Uint8Array {
  const writer = new ByteWriter();
  const heads: { start: number; hasPadding: boolean; words: number }[] = [];
  for (const message of messages) {
    const start = writer.length;
    const [type, count] = headOf(message);
    assert(count <= maxReportBlocks, "the count of an RTCP message has 5 bits");
    writer
      .u8((rtcpVersion << 6) | count)
      .u8(type)
      .u16(0);
    writeMessage(writer, message);
    const padding = -writer.length & 3; // only transport feedback has any: the others end on a word
    if (padding > 0) writer.put(new Uint8Array(padding - 1)).u8(padding);
    heads.push({ start, hasPadding: padding > 0, words: (writer.length - start) / 4 - 1 });
  }
  const bytes = writer.finish();
  for (const { start, hasPadding, words } of heads) {
    if (hasPadding) bytes[start] = (bytes[start] as number) | paddingFlag;
    writeU16(bytes, start + 2, words);
  }
  return bytes;
}

function parseMessage(type: number, count: number, reader: ByteReader): RtcpMessage | undefined {
  try {
    switch (type) {
      case senderReportType:
        return parseSenderReport(reader, count);
      case receiverReportType:
        return parseReceiverReport(reader, count);
      case sourceDescriptionType:
        return parseSourceDescription(reader, count);
      case byeType:
        return parseBye(reader, count);
      case appType:
        return parseApp(reader, count);
      case transportLayerFeedbackType:
        return parseTransportLayerFeedback(reader, count);
      case payloadSpecificFeedbackType:
        return parsePayloadSpecificFeedback(reader, count);
      default:
        return undefined;
    }
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== ERR_TRUNCATED) throw error;
    throw packetError(`has a message of type ${type} that is too short: ${error.message}`);
  }
}

function parseTransportLayerFeedback(reader: ByteReader, format: number): RtcpMessage | undefined {
  if (format === nackFormat) return parseNack(reader);
  return format === transportFeedbackFormat ? parseTransportFeedback(reader) : undefined;
}

function parsePayloadSpecificFeedback(reader: ByteReader, format: number): RtcpMessage | undefined {
  if (format === pictureLossFormat) return parsePictureLoss(reader);
  if (format === fullIntraRequestFormat) return parseFullIntraRequest(reader);
  return format === applicationFeedbackFormat ? parseMaxBitrate(reader) : undefined;
}

/** Packet type, and the count, subtype or format that shares a byte with the version. */
function headOf(message: RtcpMessage): readonly [type: number, count: number] {
  switch (message.kind) {
    case "senderReport":
      return [senderReportType, message.reports.length];
    case "receiverReport":
      return [receiverReportType, message.reports.length];
    case "sourceDescription":
      return [sourceDescriptionType, message.chunks.length];
    case "bye":
      return [byeType, message.ssrcs.length];
    case "app":
      return [appType, message.subtype];
    case "nack":
      return [transportLayerFeedbackType, nackFormat];
    case "transportFeedback":
      return [transportLayerFeedbackType, transportFeedbackFormat];
    case "pictureLoss":
      return [payloadSpecificFeedbackType, pictureLossFormat];
    case "fullIntraRequest":
      return [payloadSpecificFeedbackType, fullIntraRequestFormat];
    case "maxBitrate":
      return [payloadSpecificFeedbackType, applicationFeedbackFormat];
  }
}

function writeMessage(writer: ByteWriter, message: RtcpMessage): void {
  switch (message.kind) {
    case "senderReport":
      writeSenderReport(writer, message);
      break;
    case "receiverReport":
      writeReceiverReport(writer, message);
      break;
    case "sourceDescription":
      writeSourceDescription(writer, message);
      break;
    case "bye":
      writeBye(writer, message);
      break;
    case "app":
      writeApp(writer, message);
      break;
    case "nack":
      writeNack(writer, message);
      break;
    case "transportFeedback":
      writeTransportFeedback(writer, message);
      break;
    case "pictureLoss":
      writePictureLoss(writer, message);
      break;
    case "fullIntraRequest":
      writeFullIntraRequest(writer, message);
      break;
    case "maxBitrate":
      writeMaxBitrate(writer, message);
      break;
  }
}

/** Browsers have sent transport feedback whose padding says 0, or more than there is; it says itself where it ends. */
function paddingIsNotCounted(type: number, format: number): boolean {
  return type === transportLayerFeedbackType && format === transportFeedbackFormat;
}

function withoutPadding(bytes: Uint8Array, start: number, end: number): number {
  const padding = start < end ? (bytes[end - 1] as number) : 0;
  if (padding === 0 || padding > end - start)
    throw packetError(`has ${padding} bytes of padding in a message of ${end - start}`);
  return end - padding;
}

function packetError(problem: string): CodedError {
  return new CodedError(ERR_RTCP_PACKET, `the RTCP packet ${problem}`);
}

const rtcpVersion = 2;
const paddingFlag = 0x20;
const transportLayerFeedbackType = 205;
const payloadSpecificFeedbackType = 206;

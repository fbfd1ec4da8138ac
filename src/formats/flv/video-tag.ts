/**
 * The body of a video tag, which is also the body of RTMP's video message: VIDEODATA of FLV 10.1, §E.4.3, and
 * ExVideoTagHeader of Enhanced RTMP v2, "Enhanced Video".
 *
 * What `data` holds:
 *
 *     codec  sequence-start                                     frame
 *     h264   AVCDecoderConfigurationRecord (14496-15 §5.3.4.1)  NAL units with lengths before them
 *     h265   HEVCDecoderConfigurationRecord (§8.3.3.2)          the same
 *     vvc    VVCDecoderConfigurationRecord (§11.2.4.2)          the same
 *     av1    AV1CodecConfigurationRecord ("av1C", its content)  OBUs of one temporal unit
 *     vp8    VPCodecConfigurationRecord                         one frame
 *     vp9    the same                                           one frame or superframe
 *
 * FFmpeg and gortmplib write VP9's record with the version and flags of its "vpcC" box before it (01 00 00 00), 12 bytes
 * in all; the specification's record has 8. Both are passed on as they came. They can be told apart: as a record, 01 00 00 00
 * would be a bit depth of 0. `metadata` holds AMF0 pairs of name and value; `mpeg2ts-sequence-start` an AV1 video
 * descriptor.
 */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { writeU24 } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { VideoCodecName } from "../../codecs/codec-name.ts";
import { ERR_FLV_PACKET_TYPE } from "./errors.ts";
import {
  exHeaderLength,
  type MultitrackForm,
  modExPacketType,
  multitrackForm,
  parseModEx,
  parseTracks,
  writeExHeader,
} from "./ex-header.ts";
import { codecIds, fourCcOf, videoCodecOfFourCc, videoCodecOfId } from "./fourcc.ts";

/** "command" asks players to begin or end seeking; it has no tracks and nobody sends it live. */
export type VideoPacketType =
  | "sequence-start"
  | "frame"
  | "sequence-end"
  | "metadata"
  | "mpeg2ts-sequence-start"
  | "command";

export interface VideoTag {
  readonly isEnhanced: boolean;
  /** A frame where a decoder may begin: frame type 1, or 4 (made by a server). False for all that is not a frame. */
  readonly isKey: boolean;
  /** 1 key, 2 inter, 3 disposable inter, 4 generated key, 5 command; meaningless in metadata packets. */
  readonly frameType: number;
  readonly packetType: VideoPacketType;
  /** 0 to 999,999, to be added to the timestamp. */
  readonly nanosecondOffset: number;
  readonly multitrack: MultitrackForm;
  /** One, unless `multitrack` says many; none in a command. */
  readonly tracks: readonly VideoTagTrack[];
}

export interface VideoTagTrack {
  /** 0 is the default track. */
  readonly trackId: number;
  readonly codec: VideoCodecName;
  /** Presentation time less decoding time, 24 bits signed. */
  readonly compositionTimeMs: number;
  /** A view into the body. */
  readonly data: Uint8Array;
}

/**
 * Reads a body. Errors: ERR_TRUNCATED (an empty body too; RTMP clients do send those, and they are to be skipped before),
 * ERR_FLV_CODEC, ERR_FLV_PACKET_TYPE, ERR_FLV_MODEX, ERR_FLV_MULTITRACK.
 */
export function parseVideoTag(body: Uint8Array): VideoTag {
  const reader = new ByteReader(body);
  const first = reader.u8();
  return (first & 0x80) === 0 ? parseLegacy(reader, first) : parseEnhanced(reader, first);
}

/**
 * How a track is written: "legacy" with codec ids, H.264 only; "legacy-hevc12" the same, with H.265 as codec id 12;
 * "enhanced" with FourCCs.
 */
export type VideoTagMode = "legacy" | "legacy-hevc12" | "enhanced";

export interface VideoTagHeaderOptions {
  readonly mode: VideoTagMode;
  readonly codec: VideoCodecName;
  /** Of frames; sequence starts and ends are always marked as key frames. */
  readonly isKey: boolean;
  readonly packetType: "sequence-start" | "frame" | "sequence-end" | "metadata";
  /** 24 bits signed. Codecs without reordering (AV1, VP8, VP9) have no place for it: 0. */
  readonly compositionTimeMs: number;
  /** 0 to 999,999; 0 writes nothing. Legacy headers have no place for it and leave it out. */
  readonly nanosecondOffset: number;
  /** 0 to 255; 0 is written without Multitrack, others only in mode "enhanced". */
  readonly trackId: number;
}

/** Whether `mode` has a form for `codec`. */
export function canWriteVideo(mode: VideoTagMode, codec: VideoCodecName): boolean {
  return mode === "enhanced" || codec === "h264" || (mode === "legacy-hevc12" && codec === "h265");
}

/** Bytes of the header that {@link writeVideoTagHeader} writes for the same options. */
export function videoTagHeaderLength(options: VideoTagHeaderOptions): number {
  if (options.mode !== "enhanced") return 5;
  const length = exHeaderLength(options.nanosecondOffset, options.trackId);
  return exPacketCode(options) === exPacketCodes.codedFrames && hasCompositionTime(options.codec) ? length + 3 : length;
}

/** Writes the header at `at` and returns the offset behind it, where the frame or configuration follows unchanged. */
export function writeVideoTagHeader(target: Uint8Array, at: number, options: VideoTagHeaderOptions): number {
  const { mode, codec, packetType, compositionTimeMs } = options;
  assert(canWriteVideo(mode, codec), `a video tag in mode ${mode} cannot carry ${codec}; ask canWriteVideo first`);
  const frameType = writtenFrameType(options);
  if (mode !== "enhanced") {
    assert(options.trackId === 0, "only track 0 can be written without FourCC");
    assert(packetType !== "metadata", "metadata packets exist only with FourCC");
    target[at] = (frameType << 4) | (codec === "h264" ? codecIds.h264 : codecIds.h265);
    target[at + 1] = packetType === "frame" ? 1 : packetType === "sequence-start" ? 0 : 2;
    writeU24(target, at + 2, packetType === "frame" ? compositionTimeMs : 0);
    return at + 5;
  }
  const packetCode = exPacketCode(options);
  const end = writeExHeader(
    target,
    at,
    0x80 | (frameType << 4),
    packetCode,
    exPacketCodes.multitrack,
    fourCcOf(codec),
    options.nanosecondOffset,
    options.trackId,
  );
  if (packetCode !== exPacketCodes.codedFrames || !hasCompositionTime(codec)) return end;
  writeU24(target, end, compositionTimeMs);
  return end + 3;
}

function parseLegacy(reader: ByteReader, first: number): VideoTag {
  const frameType = first >> 4;
  if (frameType === frameTypeCommand) return command(reader, false, 0);
  const codec = videoCodecOfId(first & 0x0f);
  const packetCode = reader.u8();
  const packetType = legacyPacketTypes[packetCode];
  if (packetType === undefined) {
    throw new CodedError(ERR_FLV_PACKET_TYPE, `expected packet type 0, 1 or 2 of ${codec}, got ${packetCode}`);
  }
  // Some senders end the sequence with two bytes; the composition time would say nothing there.
  const isShortEnd = packetType === "sequence-end" && reader.left < 3;
  const compositionTimeMs = isShortEnd ? 0 : reader.i24();
  return {
    isEnhanced: false,
    isKey: packetType === "frame" && isKeyType(frameType),
    frameType,
    packetType,
    nanosecondOffset: 0,
    multitrack: undefined,
    tracks: [
      { trackId: 0, codec, compositionTimeMs: packetType === "frame" ? compositionTimeMs : 0, data: reader.rest() },
    ],
  };
}

function parseEnhanced(reader: ByteReader, first: number): VideoTag {
  const frameType = (first >> 4) & 7;
  let packetCode = first & 0x0f;
  let nanosecondOffset = 0;
  if (packetCode === modExPacketType) ({ packetType: packetCode, nanosecondOffset } = parseModEx(reader));
  if (frameType === frameTypeCommand && packetCode !== exPacketCodes.metadata) {
    return command(reader, true, nanosecondOffset);
  }
  let multitrack: MultitrackForm;
  if (packetCode === exPacketCodes.multitrack) {
    const second = reader.u8();
    multitrack = multitrackForm(second >> 4);
    packetCode = second & 0x0f;
  }
  const packetType = exPacketTypes[packetCode];
  if (packetType === undefined) {
    throw new CodedError(ERR_FLV_PACKET_TYPE, `expected a video packet type of 0 to 5, got ${packetCode}`);
  }
  const tracks = parseTracks(
    reader,
    multitrack,
    parseFourCc,
    packetCode === exPacketCodes.codedFrames ? codedFrames : plain,
  );
  const isKey = packetType === "frame" && isKeyType(frameType);
  return { isEnhanced: true, isKey, frameType, packetType, nanosecondOffset, multitrack, tracks };
}

function command(reader: ByteReader, isEnhanced: boolean, nanosecondOffset: number): VideoTag {
  reader.u8(); // 0 begin, 1 end of seeking
  return {
    isEnhanced,
    isKey: false,
    frameType: frameTypeCommand,
    packetType: "command",
    nanosecondOffset,
    multitrack: undefined,
    tracks: [],
  };
}

function parseFourCc(reader: ByteReader): VideoCodecName {
  return videoCodecOfFourCc(reader.u32());
}

function codedFrames(reader: ByteReader, trackId: number, codec: VideoCodecName): VideoTagTrack {
  const compositionTimeMs = hasCompositionTime(codec) ? reader.i24() : 0;
  return { trackId, codec, compositionTimeMs, data: reader.rest() };
}

function plain(reader: ByteReader, trackId: number, codec: VideoCodecName): VideoTagTrack {
  return { trackId, codec, compositionTimeMs: 0, data: reader.rest() };
}

function isKeyType(frameType: number): boolean {
  return frameType === 1 || frameType === 4;
}

/** Of the codecs with FourCC only these carry a composition time, and only in CodedFrames. */
function hasCompositionTime(codec: VideoCodecName): boolean {
  return codec === "h264" || codec === "h265" || codec === "vvc";
}

/** Metadata is marked as a command, as FFmpeg does; behind Multitrack that mark would turn it into one. */
function writtenFrameType(options: VideoTagHeaderOptions): number {
  switch (options.packetType) {
    case "frame":
      return options.isKey ? 1 : 2;
    case "metadata":
      return options.trackId === 0 ? frameTypeCommand : 1;
    default:
      return 1;
  }
}

function exPacketCode(options: VideoTagHeaderOptions): number {
  switch (options.packetType) {
    case "sequence-start":
      return exPacketCodes.sequenceStart;
    case "frame":
      return options.compositionTimeMs === 0 && hasCompositionTime(options.codec)
        ? exPacketCodes.codedFramesX
        : exPacketCodes.codedFrames;
    case "sequence-end":
      return exPacketCodes.sequenceEnd;
    case "metadata":
      return exPacketCodes.metadata;
  }
}

const frameTypeCommand = 5;

/** AVCPacketType, §E.4.3.1 */
const legacyPacketTypes: readonly ("sequence-start" | "frame" | "sequence-end")[] = [
  "sequence-start",
  "frame",
  "sequence-end",
];

/** VideoPacketType */
const exPacketCodes = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2tsSequenceStart: 5,
  multitrack: 6,
} as const;

const exPacketTypes: readonly VideoPacketType[] = [
  "sequence-start",
  "frame",
  "sequence-end",
  "frame",
  "metadata",
  "mpeg2ts-sequence-start",
];

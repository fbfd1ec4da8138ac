/**
 * The body of an audio tag, which is also the body of RTMP's audio message: AUDIODATA of FLV 10.1, §E.4.2, and
 * ExAudioTagHeader of Enhanced RTMP v2, "Enhanced Audio".
 *
 * What `data` holds:
 *
 *     codec      sequence-start                                  frame
 *     aac        AudioSpecificConfig (14496-3 §1.6.2.1)          one raw_data_block
 *     opus       OpusHead (RFC 7845 §5.1), may be empty          one packet
 *     flac       "fLaC" and the STREAMINFO block, its header     one frame or more
 *                before it; FFmpeg writes the 34 bytes of
 *                STREAMINFO alone
 *     mp3, ac3,  nothing (FFmpeg sends the empty packet for      one frame or more
 *     eac3       AC-3 and for MP3 in tracks above 0)
 *
 * `multichannel-config` holds the order of the channels, their count and a mask or map ("audioChannelOrder").
 */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
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
import {
  audioCodecOfFourCc,
  audioCodecOfId,
  codecIds,
  type FlvAudioCodecName,
  fourCcOf,
  mp3At8kHzId,
} from "./fourcc.ts";

export type AudioPacketType = "sequence-start" | "frame" | "sequence-end" | "multichannel-config";

export interface AudioTag {
  readonly isEnhanced: boolean;
  readonly packetType: AudioPacketType;
  /** 0 to 999,999, to be added to the timestamp. */
  readonly nanosecondOffset: number;
  readonly multitrack: MultitrackForm;
  /** One, unless `multitrack` says many. */
  readonly tracks: readonly AudioTagTrack[];
  /** What the header without FourCC says of the sound. For AAC it is always the same and says nothing. */
  readonly legacy: LegacySound | undefined;
}

export interface AudioTagTrack {
  /** 0 is the default track. */
  readonly trackId: number;
  readonly codec: FlvAudioCodecName;
  /** A view into the body. */
  readonly data: Uint8Array;
}

export interface LegacySound {
  /** 5500, 8000, 11025, 22050 or 44100; MP3 at 48,000 is written as 44,100, the frame's own header counts. */
  readonly sampleRateHz: number;
  readonly sampleBits: 8 | 16;
  readonly isStereo: boolean;
}

/**
 * Reads a body. Errors: ERR_TRUNCATED (an empty body too: RTMP's message of silence, to be skipped before),
 * ERR_FLV_CODEC, ERR_FLV_PACKET_TYPE, ERR_FLV_MODEX, ERR_FLV_MULTITRACK.
 */
export function parseAudioTag(body: Uint8Array): AudioTag {
  const reader = new ByteReader(body);
  const first = reader.u8();
  return first >> 4 === exSoundFormat ? parseEnhanced(reader, first) : parseLegacy(reader, first);
}

/** How a track is written: "legacy" with sound formats, AAC and MP3 only; "enhanced" with FourCCs. */
export type AudioTagMode = "legacy" | "enhanced";

export interface AudioTagHeaderOptions {
  readonly mode: AudioTagMode;
  readonly codec: FlvAudioCodecName;
  /** Sequence ends and channel maps exist only in mode "enhanced", sequence starts also in legacy AAC. */
  readonly packetType: AudioPacketType;
  /** 0 to 999,999; 0 writes nothing. Legacy headers have no place for it and leave it out. */
  readonly nanosecondOffset: number;
  /** 0 to 255; 0 is written without Multitrack, others only in mode "enhanced". */
  readonly trackId: number;
  /** For MP3 in mode "legacy"; others ignore both. */
  readonly sampleRateHz: number;
  readonly channelCount: number;
}

/** Whether `mode` has a form for `codec`. */
export function canWriteAudio(mode: AudioTagMode, codec: FlvAudioCodecName): boolean {
  return mode === "enhanced" || codec === "aac" || codec === "mp3";
}

/** Bytes of the header that {@link writeAudioTagHeader} writes for the same options. */
export function audioTagHeaderLength(options: AudioTagHeaderOptions): number {
  if (options.mode === "enhanced") return exHeaderLength(options.nanosecondOffset, options.trackId);
  return options.codec === "aac" ? 2 : 1;
}

/** Writes the header at `at` and returns the offset behind it, where the frame or configuration follows unchanged. */
export function writeAudioTagHeader(target: Uint8Array, at: number, options: AudioTagHeaderOptions): number {
  const { mode, codec, packetType } = options;
  assert(canWriteAudio(mode, codec), `an audio tag in mode ${mode} cannot carry ${codec}; ask canWriteAudio first`);
  if (mode === "enhanced") {
    return writeExHeader(
      target,
      at,
      exSoundFormat << 4,
      exPacketCodes[packetType],
      exMultitrack,
      fourCcOf(codec),
      options.nanosecondOffset,
      options.trackId,
    );
  }
  assert(options.trackId === 0, "only track 0 can be written without FourCC");
  if (codec === "aac") {
    assert(packetType === "frame" || packetType === "sequence-start", `AAC without FourCC has no ${packetType}`);
    target[at] = (codecIds.aac << 4) | 0x0f; // §E.4.2.1: AAC is always marked as 44.1 kHz, 16 bits, stereo
    target[at + 1] = packetType === "frame" ? 1 : 0;
    return at + 2;
  }
  assert(packetType === "frame", `MP3 without FourCC has no ${packetType}`);
  target[at] = mp3Flags(options.sampleRateHz, options.channelCount);
  return at + 1;
}

function parseLegacy(reader: ByteReader, first: number): AudioTag {
  const soundFormat = first >> 4;
  const codec = audioCodecOfId(soundFormat);
  let packetType: AudioPacketType = "frame";
  if (codec === "aac") {
    const packetCode = reader.u8();
    if (packetCode > 1) {
      throw new CodedError(ERR_FLV_PACKET_TYPE, `expected AAC packet type 0 or 1, got ${packetCode}`);
    }
    packetType = packetCode === 0 ? "sequence-start" : "frame";
  }
  const sampleRateHz = soundFormat === mp3At8kHzId ? 8000 : (soundRatesHz[(first >> 2) & 3] as number);
  return {
    isEnhanced: false,
    packetType,
    nanosecondOffset: 0,
    multitrack: undefined,
    tracks: [{ trackId: 0, codec, data: reader.rest() }],
    legacy: { sampleRateHz, sampleBits: (first & 2) !== 0 ? 16 : 8, isStereo: (first & 1) !== 0 },
  };
}

function parseEnhanced(reader: ByteReader, first: number): AudioTag {
  let packetCode = first & 0x0f;
  let nanosecondOffset = 0;
  if (packetCode === modExPacketType) ({ packetType: packetCode, nanosecondOffset } = parseModEx(reader));
  let multitrack: MultitrackForm;
  if (packetCode === exMultitrack) {
    const second = reader.u8();
    multitrack = multitrackForm(second >> 4);
    packetCode = second & 0x0f;
  }
  const packetType = exPacketTypes[packetCode];
  if (packetType === undefined) {
    throw new CodedError(ERR_FLV_PACKET_TYPE, `expected an audio packet type of 0, 1, 2 or 4, got ${packetCode}`);
  }
  const tracks = parseTracks(reader, multitrack, parseFourCc, parseTrack);
  return { isEnhanced: true, packetType, nanosecondOffset, multitrack, tracks, legacy: undefined };
}

function parseFourCc(reader: ByteReader): FlvAudioCodecName {
  return audioCodecOfFourCc(reader.u32());
}

function parseTrack(reader: ByteReader, trackId: number, codec: FlvAudioCodecName): AudioTagTrack {
  return { trackId, codec, data: reader.rest() };
}

function mp3Flags(sampleRateHz: number, channelCount: number): number {
  const sizeAndType = 2 | (channelCount > 1 ? 1 : 0);
  if (sampleRateHz === 8000) return (mp3At8kHzId << 4) | sizeAndType;
  const rate = soundRatesHz.indexOf(sampleRateHz);
  return (codecIds.mp3 << 4) | ((rate < 0 ? 3 : rate) << 2) | sizeAndType;
}

const exSoundFormat = 9;

/** SoundRate, §E.4.2.1 */
const soundRatesHz: readonly number[] = [5500, 11_025, 22_050, 44_100];

/** AudioPacketType */
const exPacketCodes = { "sequence-start": 0, frame: 1, "sequence-end": 2, "multichannel-config": 4 } as const;
const exMultitrack = 5;

const exPacketTypes: readonly (AudioPacketType | undefined)[] = [
  "sequence-start",
  "frame",
  "sequence-end",
  undefined,
  "multichannel-config",
];

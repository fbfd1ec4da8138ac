/** What is known of a track from its configuration, or where that is silent from its first frame. */

import { parseAudioSpecificConfig } from "./aac/audio-specific-config.ts";
import { parseAc3SyncFrame, parseEac3SyncFrame } from "./ac3/sync-frame.ts";
import { parseAv1Config } from "./av1/av1-config.ts";
import { obuSequenceHeader, parseObus } from "./av1/obu.ts";
import { type Av1SequenceHeader, parseAv1SequenceHeader } from "./av1/sequence-header.ts";
import type { CodecName } from "./codec-name.ts";
import { av1CodecString, h264CodecString, h265CodecString, vp9CodecString, vvcCodecString } from "./codec-string.ts";
import { parseFlacStreamInfo } from "./flac/stream-info.ts";
import { parseAvcConfig } from "./h264/avc-config.ts";
import { h264NalSps, h264NalType } from "./h264/nal-unit.ts";
import { parseH264Sps } from "./h264/sps.ts";
import { parseHevcConfig } from "./h265/hevc-config.ts";
import { h265NalSps, h265NalType, h265NalVps } from "./h265/nal-unit.ts";
import { parseH265Sps } from "./h265/sps.ts";
import { parseH265Vps } from "./h265/vps.ts";
import { parseMpegAudioHeader } from "./mp3/frame-header.ts";
import { type NalLengthSize, NalUnitWalker } from "./nal/length-prefixed.ts";
import { firstParameterSet } from "./nal/parameter-set-arrays.ts";
import { parseOpusHead } from "./opus/opus-head.ts";
import { parsePcmConfig, usualG711, usualG722 } from "./pcm/pcm-config.ts";
import { aacProfile, av1Profile, h264Profile, h265Profile, vvcProfile } from "./profile-names.ts";
import { parseVp8FrameHeader } from "./vp8/frame-header.ts";
import { parseVp9FrameHeader, type Vp9KeyFrameHeader } from "./vp9/frame-header.ts";
import { vp9LevelOfSize } from "./vp9/level.ts";
import { parseVpcConfig } from "./vp9/vpc-config.ts";
import { vvcNalSps, vvcNalType } from "./vvc/nal-unit.ts";
import { parseVvcSps } from "./vvc/sps.ts";
import { parseVvcConfig } from "./vvc/vvc-config.ts";

export interface TrackInfo {
  /** As in RFC 6381 and the codec's own binding: "avc1.64001f", "hvc1.1.6.L120.90", "mp4a.40.2", "opus" … */
  readonly codecString: string;
  /** Pixels. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** As the bitstream promises it; not measured. */
  readonly fps?: number | undefined;
  /** Hz, of what comes out of the decoder. */
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
  /** For people: "High", "Main 10", "LC" … */
  readonly profile?: string | undefined;
  /** For people: "4.1". */
  readonly level?: string | undefined;
}

/**
 * Reads `config` (what it holds for each codec: docs/frames.md) and `firstFrame`, which should be a key frame. Codecs without
 * a configuration tell nothing but their name when there is no frame. Anything malformed or above limits.ts is a CodedError:
 * the track is to be refused.
 */
export function parseTrackInfo(codec: CodecName, config: Uint8Array, firstFrame: Uint8Array = noBytes): TrackInfo {
  return readers[codec](config, firstFrame);
}

function h264Info(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  const config = parseAvcConfig(bytes);
  const { profileIdc, profileCompatibility, levelIdc } = config;
  const nal = config.sps[0] ?? findNal(frame, config.lengthSize, (head) => h264NalType(head) === h264NalSps);
  const sps = nal && parseH264Sps(nal);
  return {
    codecString: h264CodecString(profileIdc, profileCompatibility, levelIdc),
    width: sps?.width,
    height: sps?.height,
    fps: sps?.fps,
    profile: h264Profile(profileIdc, profileCompatibility),
    level: decimalLevel(levelIdc, 10),
  };
}

function h265Info(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  const config = parseHevcConfig(bytes);
  const nal =
    firstParameterSet(config.arrays, h265NalSps) ??
    findNal(frame, config.lengthSize, (head) => h265NalType(head) === h265NalSps);
  const sps = nal && parseH265Sps(nal);
  const vps = sps?.fps === undefined ? firstParameterSet(config.arrays, h265NalVps) : undefined;
  return {
    codecString: h265CodecString(config),
    width: sps?.width,
    height: sps?.height,
    fps: sps?.fps ?? (vps && parseH265Vps(vps).fps) ?? averageFps(config.avgFrameRate),
    profile: h265Profile(config.profileIdc),
    level: decimalLevel(config.levelIdc, 30),
  };
}

function vvcInfo(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  const config = parseVvcConfig(bytes);
  const native = config.native;
  const nal =
    firstParameterSet(config.arrays, vvcNalSps) ??
    findNal(frame, config.lengthSize, (_, second) => vvcNalType(second) === vvcNalSps);
  const sps = nal && parseVvcSps(nal);
  const profile = native ?? sps?.profileTierLevel;
  return {
    codecString: profile === undefined ? "vvc1" : vvcCodecString(profile, native?.constraintInfo),
    width: sps?.width ?? (native?.maxPictureWidth || undefined),
    height: sps?.height ?? (native?.maxPictureHeight || undefined),
    fps: averageFps(native?.avgFrameRate ?? 0),
    profile: profile && vvcProfile(profile.profileIdc),
    level: profile && `${profile.levelIdc >> 4}.${Math.floor((profile.levelIdc & 15) / 3)}`,
  };
}

function av1Info(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  const config = parseAv1Config(bytes);
  const sequence = findSequenceHeader(config.configObus) ?? findSequenceHeader(frame);
  return {
    codecString: av1CodecString(config),
    width: sequence?.width,
    height: sequence?.height,
    fps: sequence?.fps,
    profile: av1Profile(config.profile),
    level: config.levelIdx === av1LevelMax ? undefined : `${2 + (config.levelIdx >> 2)}.${config.levelIdx & 3}`,
  };
}

function vp8Info(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  if (bytes.length > 0) parseVpcConfig(bytes);
  const header = frame.length > 0 ? parseVp8FrameHeader(frame) : undefined;
  return { codecString: "vp8", width: header?.width, height: header?.height };
}

function vp9Info(bytes: Uint8Array, frame: Uint8Array): TrackInfo {
  const config = bytes.length > 0 ? parseVpcConfig(bytes) : undefined;
  const header = frame.length > 0 ? parseVp9FrameHeader(frame) : undefined;
  const key: Vp9KeyFrameHeader | undefined = header?.key;
  const profile = config?.profile ?? header?.profile ?? 0;
  const level = config?.level || vp9LevelOfSize(key?.width ?? 0, key?.height ?? 0);
  const bitDepth = config?.bitDepth ?? key?.bitDepth ?? (profile < 2 ? 8 : 10);
  return {
    codecString: vp9CodecString(profile, level, bitDepth),
    width: key?.width,
    height: key?.height,
    profile: `${profile}`,
    level: decimalLevel(level, 10),
  };
}

function aacInfo(bytes: Uint8Array): TrackInfo {
  const config = parseAudioSpecificConfig(bytes);
  const { objectType, extensionType, backwardCompatible } = config;
  const signalledType = backwardCompatible ? objectType : (extensionType ?? objectType);
  // Parametric stereo makes two channels of one.
  const channels = extensionType === 29 && config.channels === 1 ? 2 : config.channels;
  return {
    codecString: `mp4a.40.${signalledType}`,
    sampleRate: config.extensionSampleRate ?? config.sampleRate,
    channels: channels || undefined,
    profile: aacProfile(extensionType ?? objectType),
  };
}

function opusInfo(bytes: Uint8Array): TrackInfo {
  return { codecString: "opus", sampleRate: opusSampleRate, channels: parseOpusHead(bytes).channels };
}

function flacInfo(bytes: Uint8Array): TrackInfo {
  const { sampleRate, channels } = parseFlacStreamInfo(bytes);
  return { codecString: "flac", sampleRate, channels };
}

function mp3Info(_config: Uint8Array, frame: Uint8Array): TrackInfo {
  return { codecString: "mp3", ...(frame.length > 0 ? soundOf(parseMpegAudioHeader(frame)) : undefined) };
}

function ac3Info(_config: Uint8Array, frame: Uint8Array): TrackInfo {
  return { codecString: "ac-3", ...(frame.length > 0 ? soundOf(parseAc3SyncFrame(frame)) : undefined) };
}

function eac3Info(_config: Uint8Array, frame: Uint8Array): TrackInfo {
  return { codecString: "ec-3", ...(frame.length > 0 ? soundOf(parseEac3SyncFrame(frame)) : undefined) };
}

/** Without a configuration G.711 and G.722 are what they are on a telephone line. */
function g711Info(codecString: string, bytes: Uint8Array): TrackInfo {
  return { codecString, ...soundOf(bytes.length > 0 ? parsePcmConfig(bytes) : usualG711) };
}

function g722Info(bytes: Uint8Array): TrackInfo {
  return { codecString: "g722", ...soundOf(bytes.length > 0 ? parsePcmConfig(bytes) : usualG722) };
}

function lpcmInfo(bytes: Uint8Array): TrackInfo {
  const config = parsePcmConfig(bytes);
  return { codecString: "ipcm", ...soundOf(config), profile: `${config.sampleBits} bits` };
}

function soundOf(header: { sampleRate: number; channels: number }): { sampleRate: number; channels: number } {
  return { sampleRate: header.sampleRate, channels: header.channels };
}

/** The first NAL unit of a frame for which `wanted` holds, which sees its first two bytes. */
function findNal(
  frame: Uint8Array,
  lengthSize: NalLengthSize,
  wanted: (first: number, second: number) => boolean,
): Uint8Array | undefined {
  const walker = new NalUnitWalker().reset(frame, lengthSize);
  while (walker.next()) {
    const second = walker.start + 1 < walker.end ? (frame[walker.start + 1] as number) : 0;
    if (wanted(frame[walker.start] as number, second)) return frame.subarray(walker.start, walker.end);
  }
  return undefined;
}

function findSequenceHeader(obus: Uint8Array): Av1SequenceHeader | undefined {
  for (const { type, bytes } of parseObus(obus)) {
    if (type === obuSequenceHeader) return parseAv1SequenceHeader(bytes);
  }
  return undefined;
}

function averageFps(framesIn256Seconds: number): number | undefined {
  return framesIn256Seconds > 0 ? framesIn256Seconds / 256 : undefined;
}

/** "4.1" from 41 with a scale of 10, or from 123 with a scale of 30. */
function decimalLevel(levelIdc: number, scale: number): string {
  return (levelIdc / scale).toFixed(1);
}

const av1LevelMax = 31; // seq_level_idx: above all levels
const opusSampleRate = 48_000; // RFC 7845 §5.1: whatever the source had, the decoder gives 48 kHz
const noBytes = new Uint8Array(0);

const readers: Record<CodecName, (config: Uint8Array, firstFrame: Uint8Array) => TrackInfo> = {
  h264: h264Info,
  h265: h265Info,
  vvc: vvcInfo,
  av1: av1Info,
  vp8: vp8Info,
  vp9: vp9Info,
  aac: aacInfo,
  opus: opusInfo,
  flac: flacInfo,
  mp3: mp3Info,
  ac3: ac3Info,
  eac3: eac3Info,
  g711a: (config) => g711Info("alaw", config),
  g711u: (config) => g711Info("ulaw", config),
  g722: g722Info,
  lpcm: lpcmInfo,
};

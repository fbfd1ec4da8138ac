/**
 * Tracks out of media sections, and media sections out of tracks: the codec, its configuration (docs/frames.md), the RTP clock, and
 * how frames are cut to packets. Payload types that need no a=rtpmap: RFC 3551 §6.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { aacFrameTicks } from "../../codecs/aac/frame-ticks.ts";
import type { CodecName } from "../../codecs/codec-name.ts";
import { codecKind } from "../../codecs/codec-name.ts";
import { maxSampleRateHz } from "../../codecs/limits.ts";
import { type PcmConfig, parsePcmConfig, usualG711, usualG722, writePcmConfig } from "../../codecs/pcm/pcm-config.ts";
import { parseTrackInfo } from "../../codecs/track-info.ts";
import { mpegAudioClockRate, type RtpTrack } from "../rtp-payload-format.ts";
import { type FormatParameters, parseNumber, type RtpMap } from "./attributes.ts";
import { ERR_SDP_CODEC } from "./errors.ts";
import { type MediaDescription, plainMedia } from "./media-description.ts";
import {
  aacConfigOf,
  aacHeaderFieldsOf,
  aacParametersOf,
  latmConfigOf,
  opusClockRate,
  opusConfigOf,
  opusParametersOf,
} from "./sound-parameters.ts";
import {
  av1ParametersOf,
  h264ConfigOf,
  h264ParametersOf,
  h265ConfigOf,
  h265ParametersOf,
  vp9ConfigOf,
  vp9ParametersOf,
  vvcConfigOfParameters,
  vvcParametersOf,
} from "./video-parameters.ts";

/** What a section is written from: a part of TrackFormat. */
export interface DescribedTrack {
  readonly codec: CodecName;
  readonly config: Uint8Array;
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
}

/** The track of a payload type of `media`. Errors: ERR_SDP_CODEC, naming what it is, and those of the configuration. */
export function trackOf(media: MediaDescription, payloadType: number): RtpTrack {
  const rtpMap = media.rtpMaps.get(payloadType) ?? staticRtpMaps.get(payloadType);
  if (rtpMap === undefined) {
    throw new CodedError(
      ERR_SDP_CODEC,
      `payload type ${payloadType} of the ${printable(media.kind)} section has no rtpmap, so its codec is not known`,
    );
  }
  const readTrack = encodings.get(rtpMap.encoding.toLowerCase());
  if (readTrack === undefined) {
    throw new CodedError(
      ERR_SDP_CODEC,
      `the codec ${printable(rtpMap.encoding)} (payload type ${payloadType}) is not supported over RTP: send ${supported}`,
    );
  }
  return { payloadType, ...readTrack(rtpMap, parametersOf(media, payloadType)) };
}

/** The tracks of all payload types that are supported, in the sender's order of preference. */
export function supportedTracksOf(media: MediaDescription): RtpTrack[] {
  return media.payloadTypes.flatMap((payloadType) => {
    try {
      return [trackOf(media, payloadType)];
    } catch (error) {
      if (error instanceof CodedError) return [];
      throw error;
    }
  });
}

/** The payload type of RFC 3551 that says all of a track, if there is one. */
export function staticPayloadTypeOf(track: DescribedTrack): number | undefined {
  if (track.codec === "mp3") return 14;
  const { rtpMap } = describe(track);
  for (const [payloadType, known] of staticRtpMaps) {
    const isSame = known.encoding === rtpMap.encoding && known.clockRate === rtpMap.clockRate;
    if (isSame && (known.channels ?? 1) === (rtpMap.channels ?? 1)) return payloadType;
  }
  return undefined;
}

/**
 * The section of a track: kind, payload type, a=rtpmap and a=fmtp; to be spread and completed. Its clock rate is that of the
 * rtpmap. Errors: ERR_SDP_CODEC when RTP has no form for the codec, and those of the configuration.
 */
export function mediaOf(track: DescribedTrack, payloadType: number): MediaDescription {
  const { rtpMap, parameters } = describe(track);
  return {
    ...plainMedia,
    kind: codecKind(track.codec),
    payloadTypes: [payloadType],
    rtpMaps: new Map([[payloadType, rtpMap]]),
    formatParameters: parameters.size > 0 ? new Map([[payloadType, parameters]]) : new Map(),
  };
}

type ReadTrack = (rtpMap: RtpMap, parameters: FormatParameters) => Omit<RtpTrack, "payloadType">;

/** HIK Media Server names another payload type in a=fmtp than in m=; where there is only one of each, it is meant. */
function parametersOf(media: MediaDescription, payloadType: number): FormatParameters {
  const own = media.formatParameters.get(payloadType);
  if (own !== undefined) return own;
  const [[otherType, other] = []] = media.formatParameters;
  const isMisnamed =
    media.payloadTypes.length === 1 &&
    media.formatParameters.size === 1 &&
    !media.rtpMaps.has(otherType ?? payloadType);
  return isMisnamed && other !== undefined ? other : new Map();
}

/** The clock, or what is usual when it is missing or can't be one. */
function clockOf(rtpMap: RtpMap, usual: number): number {
  return rtpMap.clockRate < leastClockRate || rtpMap.clockRate > mostClockRate ? usual : rtpMap.clockRate;
}

function videoReader(
  codec: "h264" | "h265" | "vvc" | "av1" | "vp8" | "vp9",
  configOf: (parameters: FormatParameters) => Uint8Array,
): ReadTrack {
  return (rtpMap, parameters) => {
    const interleaving = parseNumber(parameters.get("sprop-max-don-diff"), 32_767) ?? 0;
    if (interleaving > 0 || (codec === "h264" && parameters.get("packetization-mode") === "2")) {
      throw new CodedError(
        ERR_SDP_CODEC,
        `the sender interleaves the NAL units of ${codec} (sprop-max-don-diff, packetization-mode 2), which is not supported`,
      );
    }
    return {
      codec,
      clockRate: clockOf(rtpMap, videoClockRate),
      config: configOf(parameters),
      payloadFormat: { name: codec },
    };
  };
}

function readAacGeneric(rtpMap: RtpMap, parameters: FormatParameters): Omit<RtpTrack, "payloadType"> {
  const config = aacConfigOf(parameters, rtpMap);
  if (config.length === 0) {
    throw new CodedError(
      ERR_SDP_CODEC,
      `the AAC track has no usable config, and an rtpmap of ${rtpMap.clockRate} Hz and ${rtpMap.channels ?? 1} channels`,
    );
  }
  const clockRate = clockOf(rtpMap, parseTrackInfo("aac", config).sampleRate ?? opusClockRate);
  const frameTicks = aacFrameTicks(config, clockRate);
  const payloadFormat = { name: "aac-generic", fields: aacHeaderFieldsOf(parameters), frameTicks } as const;
  return { codec: "aac", clockRate, config, payloadFormat };
}

function readAacLatm(rtpMap: RtpMap, parameters: FormatParameters): Omit<RtpTrack, "payloadType"> {
  const muxConfig = latmConfigOf(parameters);
  return {
    codec: "aac",
    clockRate: clockOf(rtpMap, videoClockRate), // RFC 6416 §6.1: 90,000 unless told otherwise
    config: muxConfig?.audioSpecificConfig ?? noBytes,
    payloadFormat: { name: "aac-latm", muxConfig },
  };
}

function readOpus(rtpMap: RtpMap, parameters: FormatParameters): Omit<RtpTrack, "payloadType"> {
  // Whatever the rtpmap says: RFC 7587 §4.1 knows one clock.
  return {
    codec: "opus",
    clockRate: opusClockRate,
    config: opusConfigOf(parameters, rtpMap),
    payloadFormat: { name: "opus" },
  };
}

function readMpegAudio(rtpMap: RtpMap): Omit<RtpTrack, "payloadType"> {
  const clockRate = clockOf(rtpMap, mpegAudioClockRate);
  return { codec: "mp3", clockRate, config: noBytes, payloadFormat: { name: "mpeg-audio" } };
}

function ac3Reader(codec: "ac3" | "eac3"): ReadTrack {
  return (rtpMap) => ({ codec, clockRate: clockOf(rtpMap, 48_000), config: noBytes, payloadFormat: { name: codec } });
}

function pcmReader(codec: "g711a" | "g711u" | "g722" | "lpcm", sampleBits: number): ReadTrack {
  return (rtpMap) => {
    const clockRate = clockOf(rtpMap, codec === "lpcm" ? 44_100 : telephoneClockRate);
    const channels = rtpMap.channels ?? 1;
    const sampleRate = codec === "g722" ? usualG722.sampleRate : Math.min(clockRate, maxSampleRateHz);
    const config: PcmConfig = { sampleRate, channels, sampleBits };
    return {
      codec,
      clockRate,
      config: isUsual(codec, config) ? noBytes : writePcmConfig(config),
      payloadFormat: { name: "pcm", tickBytes: (channels * sampleBits) / 8 },
    };
  };
}

function isUsual(codec: CodecName, { sampleRate, channels }: PcmConfig): boolean {
  const usual = codec === "lpcm" ? undefined : codec === "g722" ? usualG722 : usualG711;
  return sampleRate === usual?.sampleRate && channels === usual.channels;
}

interface Description {
  readonly rtpMap: RtpMap;
  readonly parameters: FormatParameters;
}

function describe(track: DescribedTrack): Description {
  const { codec, config } = track;
  switch (codec) {
    case "h264":
      return video("H264", h264ParametersOf(config));
    case "h265":
      return video("H265", h265ParametersOf(config));
    case "vvc":
      return video("H266", vvcParametersOf(config));
    case "av1":
      return video("AV1", av1ParametersOf(config));
    case "vp8":
      return video("VP8", new Map());
    case "vp9":
      return video("VP9", vp9ParametersOf(config));
    case "aac": {
      const { sampleRate = 48_000, channels } = parseTrackInfo("aac", config);
      const rtpMap = { encoding: "MPEG4-GENERIC", clockRate: sampleRate, channels: channels ?? 1 };
      return { rtpMap, parameters: aacParametersOf(config) };
    }
    case "opus":
      return opusParametersOf(config);
    case "mp3":
      return sound("MPA", mpegAudioClockRate, undefined);
    case "ac3":
      return sound("AC3", track.sampleRate ?? 48_000, track.channels);
    case "eac3":
      return sound("EAC3", track.sampleRate ?? 48_000, track.channels);
    case "g711a":
    case "g711u": {
      const { sampleRate, channels } = config.length > 0 ? parsePcmConfig(config) : usualG711;
      return sound(codec === "g711a" ? "PCMA" : "PCMU", sampleRate, channels > 1 ? channels : undefined);
    }
    case "g722": {
      const { channels } = config.length > 0 ? parsePcmConfig(config) : usualG722;
      return sound("G722", telephoneClockRate, channels > 1 ? channels : undefined);
    }
    case "lpcm": {
      const { sampleRate, channels, sampleBits } = parsePcmConfig(config);
      if (sampleBits !== 16 && sampleBits !== 24) {
        throw new CodedError(ERR_SDP_CODEC, `LPCM of ${sampleBits} bits is not supported over RTP, only of 16 and 24`);
      }
      return sound(`L${sampleBits}`, sampleRate, channels);
    }
    case "flac":
      throw new CodedError(ERR_SDP_CODEC, "RTP has no payload format for FLAC: publish AAC or Opus for RTSP players");
  }
}

function video(encoding: string, parameters: FormatParameters): Description {
  return { rtpMap: { encoding, clockRate: videoClockRate, channels: undefined }, parameters };
}

function sound(encoding: string, clockRate: number, channels: number | undefined): Description {
  return { rtpMap: { encoding, clockRate, channels }, parameters: new Map() };
}

/** A word of a peer for a sentence of ours. */
function printable(text: string): string {
  return text.slice(0, 32).replace(/[^\x20-\x7e]/g, "?");
}

const noBytes = new Uint8Array(0);
const videoClockRate = 90_000;
/** Of G.711, and of G.722 by a mistake of RFC 1890 that was kept (RFC 3551 §4.5.2). */
const telephoneClockRate = 8_000;
const leastClockRate = 1_000;
const mostClockRate = 1_000_000;
const supported = "H.264, H.265, AV1, VP8, VP9, VVC, AAC, Opus, MP3, AC-3, E-AC-3, G.711, G.722 or L16";

/** Names in lower case: some cameras write them so. */
const encodings: ReadonlyMap<string, ReadTrack> = new Map<string, ReadTrack>([
  ["h264", videoReader("h264", h264ConfigOf)],
  ["h265", videoReader("h265", h265ConfigOf)],
  ["hevc", videoReader("h265", h265ConfigOf)],
  ["h266", videoReader("vvc", vvcConfigOfParameters)],
  ["av1", videoReader("av1", () => noBytes)],
  ["vp8", videoReader("vp8", () => noBytes)],
  ["vp9", videoReader("vp9", vp9ConfigOf)],
  ["mpeg4-generic", readAacGeneric],
  ["mp4a-latm", readAacLatm],
  ["opus", readOpus],
  ["multiopus", readOpus],
  ["mpa", readMpegAudio],
  ["ac3", ac3Reader("ac3")],
  ["eac3", ac3Reader("eac3")],
  ["pcmu", pcmReader("g711u", 8)],
  ["pcma", pcmReader("g711a", 8)],
  ["g722", pcmReader("g722", 8)],
  ["l16", pcmReader("lpcm", 16)],
  ["l24", pcmReader("lpcm", 24)],
]);

/** RFC 3551 tables 4 and 5, with those that we do not carry, so that a refusal names them. */
const staticRtpMaps: ReadonlyMap<number, RtpMap> = new Map(
  (
    [
      [0, "PCMU", 8_000, undefined],
      [3, "GSM", 8_000, undefined],
      [4, "G723", 8_000, undefined],
      [5, "DVI4", 8_000, undefined],
      [8, "PCMA", 8_000, undefined],
      [9, "G722", 8_000, undefined],
      [10, "L16", 44_100, 2],
      [11, "L16", 44_100, 1],
      [12, "QCELP", 8_000, undefined],
      [13, "CN", 8_000, undefined],
      [14, "MPA", 90_000, undefined],
      [15, "G728", 8_000, undefined],
      [18, "G729", 8_000, undefined],
      [26, "JPEG", 90_000, undefined],
      [28, "nv", 90_000, undefined],
      [31, "H261", 90_000, undefined],
      [32, "MPV", 90_000, undefined],
      [33, "MP2T", 90_000, undefined],
      [34, "H263", 90_000, undefined],
    ] as const
  ).map(([payloadType, encoding, clockRate, channels]) => [payloadType, { encoding, clockRate, channels }]),
);

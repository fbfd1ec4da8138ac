/**
 * Format parameters of sound: decoder configurations (docs/frames.md) out of a=rtpmap and a=fmtp, and those out of them. AAC
 * RFC 3640 §4.1 and RFC 6416 §7.3, Opus RFC 7587 §6.1 with the multi-channel form that browsers have.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import {
  type AudioSpecificConfig,
  parseAudioSpecificConfig,
  writeAudioSpecificConfig,
} from "../../codecs/aac/audio-specific-config.ts";
import { parseStreamMuxConfig, type StreamMuxConfig } from "../../codecs/aac/stream-mux-config.ts";
import { type OpusHead, parseOpusHead, writeOpusHead } from "../../codecs/opus/opus-head.ts";
import { type AacHeaderFields, aacHbr, aacLbr } from "../rtp-payload-format.ts";
import { type FormatParameters, parseNumber, type RtpMap } from "./attributes.ts";
import { ERR_SDP_CODEC } from "./errors.ts";
import { maxOpusChannels } from "./limits.ts";

/** AudioSpecificConfig of `config=`, or where that is missing or malformed AAC-LC as the rtpmap describes it. */
export function aacConfigOf(parameters: FormatParameters, rtpMap: RtpMap): Uint8Array {
  const told = parseHex(parameters.get("config"));
  if (told !== undefined && isAudioSpecificConfig(told)) return told;
  const channels = rtpMap.channels ?? 1;
  const channelConfiguration = channels === 8 ? 7 : channels;
  if (channelConfiguration > 7 || rtpMap.clockRate < leastAacRate || rtpMap.clockRate > mostAacRate) return noBytes;
  return writeAudioSpecificConfig({ ...plainLc, sampleRate: rtpMap.clockRate, channelConfiguration, channels });
}

/** Which fields AU-headers have. A mode that is known fills in what is not told, unless only the size is told. */
export function aacHeaderFieldsOf(parameters: FormatParameters): AacHeaderFields {
  const number = (name: string, limit: number): number | undefined => parseNumber(parameters.get(name), limit);
  const sizeLength = number("sizelength", 16);
  const mode = parameters.get("mode")?.toLowerCase();
  const usual = mode === "aac-lbr" ? aacLbr : aacHbr;
  const constantSize = number("constantsize", 0xffff) ?? 0;
  const isTold = sizeLength !== undefined || constantSize > 0 || mode === "generic";
  return {
    sizeLength: sizeLength ?? (isTold ? 0 : usual.sizeLength),
    indexLength: number("indexlength", 32) ?? (isTold ? 0 : usual.indexLength),
    indexDeltaLength: number("indexdeltalength", 32) ?? (isTold ? 0 : usual.indexDeltaLength),
    ctsDeltaLength: number("ctsdeltalength", 32) ?? 0,
    dtsDeltaLength: number("dtsdeltalength", 32) ?? 0,
    randomAccessIndication: number("randomaccessindication", 1) ?? 0,
    streamStateIndication: number("streamstateindication", 32) ?? 0,
    auxiliaryDataSizeLength: number("auxiliarydatasizelength", 32) ?? 0,
    constantSize,
  };
}

export function aacParametersOf(audioSpecificConfig: Uint8Array): FormatParameters {
  return new Map([
    ["streamtype", "5"],
    ["profile-level-id", "1"],
    ["mode", "AAC-hbr"],
    ["sizelength", `${aacHbr.sizeLength}`],
    ["indexlength", `${aacHbr.indexLength}`],
    ["indexdeltalength", `${aacHbr.indexDeltaLength}`],
    ["config", writeHex(audioSpecificConfig)],
  ]);
}

/**
 * StreamMuxConfig of `config=`; undefined when the configuration comes in the stream. RFC 6416 says that it does unless cpresent=0,
 * but who sends a configuration in the description and does not mention cpresent means that one.
 */
export function latmConfigOf(parameters: FormatParameters): StreamMuxConfig | undefined {
  const bytes = parseHex(parameters.get("config"));
  if (parameters.get("cpresent") === "1" || bytes === undefined) return undefined;
  return parseStreamMuxConfig(bytes);
}

/** Opus in one or two channels says so with sprop-stereo; a decoder gives two in any case. */
export function opusConfigOf(parameters: FormatParameters, rtpMap: RtpMap): Uint8Array {
  const channels = rtpMap.encoding.toLowerCase() === "multiopus" ? (rtpMap.channels ?? 2) : 2;
  const isMono = parameters.get("sprop-stereo") === "0";
  if (channels <= 2) return writeOpusHead({ ...plainOpus, channels: isMono ? 1 : 2 });
  if (channels > maxOpusChannels) {
    throw new CodedError(ERR_SDP_CODEC, `multiopus has ${channels} channels, at most ${maxOpusChannels} are supported`);
  }
  const indexes = (parameters.get("channel_mapping") ?? "").split(",").map((index) => parseNumber(index.trim(), 255));
  const head: OpusHead = {
    ...plainOpus,
    channels,
    mappingFamily: 1,
    mapping: {
      streamCount: parseNumber(parameters.get("num_streams"), 255) ?? 0,
      coupledCount: parseNumber(parameters.get("coupled_streams"), 255) ?? 0,
      indexes: Uint8Array.from({ length: channels }, (_, i) => indexes[i] ?? 255),
    },
  };
  const config = writeOpusHead(head);
  parseOpusHead(config); // refuses what does not fit together
  return config;
}

/** The name and the parameters: more than two channels have no place in RFC 7587. */
export function opusParametersOf(config: Uint8Array): { rtpMap: RtpMap; parameters: FormatParameters } {
  const { channels, mapping } = parseOpusHead(config);
  if (mapping === undefined || channels <= 2) {
    return {
      rtpMap: { encoding: "opus", clockRate: opusClockRate, channels: 2 },
      parameters: new Map([["sprop-stereo", channels === 1 ? "0" : "1"]]),
    };
  }
  return {
    rtpMap: { encoding: "multiopus", clockRate: opusClockRate, channels },
    parameters: new Map([
      ["num_streams", `${mapping.streamCount}`],
      ["coupled_streams", `${mapping.coupledCount}`],
      ["channel_mapping", mapping.indexes.join(",")],
    ]),
  };
}

/** RFC 7587 §4.1. */
export const opusClockRate = 48_000;

function isAudioSpecificConfig(bytes: Uint8Array): boolean {
  try {
    parseAudioSpecificConfig(bytes);
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

/** Undefined when it is missing, or anything but pairs of hexadecimal digits. */
function parseHex(text: string | undefined): Uint8Array | undefined {
  if (text === undefined || !/^(?:[0-9a-f]{2}){1,512}$/i.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function writeHex(bytes: Uint8Array): string {
  return bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}

const noBytes = new Uint8Array(0);
const leastAacRate = 7_350;
const mostAacRate = 96_000;
const plainLc: AudioSpecificConfig = {
  objectType: 2,
  sampleRate: 48_000,
  channelConfiguration: 2,
  channels: 2,
  shortFrames: false,
  coreCoderDelay: undefined,
  extensionType: undefined,
  extensionSampleRate: undefined,
  backwardCompatible: false,
};
const plainOpus: OpusHead = {
  version: 1,
  channels: 2,
  preSkip: 0, // who joins a live stream has no start to drop
  inputSampleRate: opusClockRate,
  outputGain: 0,
  mappingFamily: 0,
  mapping: undefined,
};

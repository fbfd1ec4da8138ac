/**
 * How FLV and RTMP name codecs: the codec ids of the FLV specification (10.1, §E.4.2 and §E.4.3) and the FourCCs of
 * Enhanced RTMP v2.
 *
 * Only the FourCCs of that specification are taken. "hev1" and "avc3" (parameter sets inside the frames) are in no
 * sender that we know; taking them would promise players a configuration record that may be empty.
 */

import { readU32 } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { AudioCodecName, VideoCodecName } from "../../codecs/codec-name.ts";
import { ERR_FLV_CODEC } from "./errors.ts";

/** The codecs that FLV can carry. G.711 and LPCM have sound formats of old, which are not written; G.722 has none. */
export type FlvCodecName = VideoCodecName | FlvAudioCodecName;
export type FlvAudioCodecName = Exclude<AudioCodecName, "g711a" | "g711u" | "g722" | "lpcm">;

/** The FourCC of a codec as text: a key of `videoFourCcInfoMap` and `audioFourCcInfoMap` in RTMP's connect. */
export function fourCcText(codec: FlvCodecName): string {
  return texts[codec];
}

/** The FourCC of a codec as the number that its four bytes are. */
export function fourCcOf(codec: FlvCodecName): number {
  return numbers[codec];
}

/** The picture codec of a FourCC. Error: ERR_FLV_CODEC. */
export function videoCodecOfFourCc(fourCc: number): VideoCodecName {
  switch (fourCc) {
    case numbers.h264:
      return "h264";
    case numbers.h265:
      return "h265";
    case numbers.av1:
      return "av1";
    case numbers.vp9:
      return "vp9";
    case numbers.vp8:
      return "vp8";
    case numbers.vvc:
      return "vvc";
    default:
      throw unsupported("video", printable(fourCc), "avc1, hvc1, av01, vp09, vp08 or vvc1");
  }
}

/** The sound codec of a FourCC. Error: ERR_FLV_CODEC. */
export function audioCodecOfFourCc(fourCc: number): FlvAudioCodecName {
  switch (fourCc) {
    case numbers.aac:
      return "aac";
    case numbers.opus:
      return "opus";
    case numbers.mp3:
      return "mp3";
    case numbers.ac3:
      return "ac3";
    case numbers.eac3:
      return "eac3";
    case numbers.flac:
      return "flac";
    default:
      throw unsupported("audio", printable(fourCc), "mp4a, Opus, .mp3, ac-3, ec-3 or fLaC");
  }
}

/** The picture codec of a codec id without FourCC. Error: ERR_FLV_CODEC, naming the codec. */
export function videoCodecOfId(codecId: number): VideoCodecName {
  if (codecId === codecIds.h264) return "h264";
  if (codecId === codecIds.h265) return "h265";
  const name = refusedVideoIds[codecId] ?? "unknown";
  throw unsupported("video", `${name} (id ${codecId})`, "H.264, or another codec over enhanced RTMP");
}

/** The sound codec of a sound format without FourCC. Error: ERR_FLV_CODEC, naming the codec. */
export function audioCodecOfId(soundFormat: number): FlvAudioCodecName {
  if (soundFormat === codecIds.aac) return "aac";
  if (soundFormat === codecIds.mp3 || soundFormat === mp3At8kHzId) return "mp3";
  const name = refusedAudioIds[soundFormat] ?? "unknown";
  throw unsupported("audio", `${name} (id ${soundFormat})`, "AAC or MP3, or another codec over enhanced RTMP");
}

/** `videocodecid` or `audiocodecid` of onMetaData: the codec id, or the FourCC as a number where that carries the codec. */
export function metadataCodecId(codec: FlvCodecName, isEnhanced: boolean): number {
  const ids: Readonly<Partial<Record<FlvCodecName, number>>> = codecIds;
  return (isEnhanced ? undefined : ids[codec]) ?? numbers[codec];
}

/** The ids that FLV without FourCC has for codecs we carry; 12 is a convention of Chinese networks, in no specification. */
export const codecIds = { h264: 7, h265: 12, aac: 10, mp3: 2 } as const;

/** MP3 at 8 kHz has a sound format of its own. */
export const mp3At8kHzId = 14;

function unsupported(kind: string, what: string, instead: string): CodedError {
  return new CodedError(ERR_FLV_CODEC, `${kind} codec ${what} is not supported; send ${instead}`);
}

/** Four characters, with anything that is not printable ASCII as a question mark; it goes into a log line. */
function printable(fourCc: number): string {
  let text = "";
  for (let shift = 24; shift >= 0; shift -= 8) {
    const code = (fourCc >>> shift) & 0xff;
    text += code > 0x20 && code < 0x7f ? String.fromCharCode(code) : "?";
  }
  return `"${text}" (0x${fourCc.toString(16).padStart(8, "0")})`;
}

const texts: Readonly<Record<FlvCodecName, string>> = {
  h264: "avc1",
  h265: "hvc1",
  av1: "av01",
  vp9: "vp09",
  vp8: "vp08",
  vvc: "vvc1",
  aac: "mp4a",
  opus: "Opus",
  mp3: ".mp3",
  ac3: "ac-3",
  eac3: "ec-3",
  flac: "fLaC",
};

const numbers = Object.fromEntries(
  Object.entries(texts).map(([codec, text]) => [codec, readU32(new TextEncoder().encode(text), 0)]),
) as Readonly<Record<FlvCodecName, number>>;

const refusedVideoIds: Readonly<Record<number, string>> = {
  2: "Sorenson H.263",
  3: "Screen Video",
  4: "VP6",
  5: "VP6 with alpha",
  6: "Screen Video 2",
};

const refusedAudioIds: Readonly<Record<number, string>> = {
  0: "LPCM",
  1: "ADPCM",
  3: "LPCM",
  4: "Nellymoser 16 kHz",
  5: "Nellymoser 8 kHz",
  6: "Nellymoser",
  7: "G.711 A-law",
  8: "G.711 mu-law",
  11: "Speex",
  15: "device-specific",
};

/** Bodies of audio tags; the table feeds the parse and write tests and the fuzz seeds. */

import type { AudioTag, AudioTagHeaderOptions, AudioTagTrack, LegacySound } from "./audio-tag.ts";

interface AudioTagCase {
  readonly name: string;
  readonly hex: string;
  readonly tag: AudioTag;
  /** Where we write the same bytes: what to write before `data`. */
  readonly options?: AudioTagHeaderOptions;
}

export const audioTagCases: readonly AudioTagCase[] = [
  {
    name: "AAC configuration",
    hex: "af001190",
    tag: tag({ packetType: "sequence-start", tracks: [track("aac", "1190")], legacy: sound(44_100, 16, true) }),
    options: options({ mode: "legacy", codec: "aac", packetType: "sequence-start" }),
  },
  {
    name: "AAC frame",
    hex: "af0121aa",
    tag: tag({ tracks: [track("aac", "21aa")], legacy: sound(44_100, 16, true) }),
    options: options({ mode: "legacy", codec: "aac", sampleRateHz: 48_000, channelCount: 1 }),
  },
  {
    name: "AAC frame, marked as 11 kHz mono",
    hex: "a40121",
    tag: tag({ tracks: [track("aac", "21")], legacy: sound(11_025, 8, false) }),
  },
  {
    name: "MP3, 44.1 kHz stereo",
    hex: "2ffffb",
    tag: tag({ tracks: [track("mp3", "fffb")], legacy: sound(44_100, 16, true) }),
    options: options({ mode: "legacy", codec: "mp3", sampleRateHz: 44_100, channelCount: 2 }),
  },
  {
    name: "MP3, 22 kHz mono",
    hex: "2afffb",
    tag: tag({ tracks: [track("mp3", "fffb")], legacy: sound(22_050, 16, false) }),
    options: options({ mode: "legacy", codec: "mp3", sampleRateHz: 22_050, channelCount: 1 }),
  },
  {
    name: "MP3, 48 kHz, which has no mark of its own",
    hex: "2ffffb",
    tag: tag({ tracks: [track("mp3", "fffb")], legacy: sound(44_100, 16, true) }),
    options: options({ mode: "legacy", codec: "mp3", sampleRateHz: 48_000, channelCount: 2 }),
  },
  {
    name: "MP3, 8 kHz",
    hex: "e2fffb",
    tag: tag({ tracks: [track("mp3", "fffb")], legacy: sound(8000, 16, false) }),
    options: options({ mode: "legacy", codec: "mp3", sampleRateHz: 8000, channelCount: 1 }),
  },
  {
    name: "Opus configuration",
    hex: "904f707573aabb",
    tag: ex({ packetType: "sequence-start", tracks: [track("opus", "aabb")] }),
    options: options({ codec: "opus", packetType: "sequence-start" }),
  },
  {
    name: "Opus packet",
    hex: "914f707573fc",
    tag: ex({ tracks: [track("opus", "fc")] }),
    options: options({ codec: "opus" }),
  },
  {
    name: "end of AC-3",
    hex: "9261632d33",
    tag: ex({ packetType: "sequence-end", tracks: [track("ac3", "")] }),
    options: options({ codec: "ac3", packetType: "sequence-end" }),
  },
  {
    name: "channels of E-AC-3",
    hex: "9465632d3301060000003f",
    tag: ex({ packetType: "multichannel-config", tracks: [track("eac3", "01060000003f")] }),
    options: options({ codec: "eac3", packetType: "multichannel-config" }),
  },
  {
    name: "FLAC",
    hex: "91664c6143fff8",
    tag: ex({ tracks: [track("flac", "fff8")] }),
    options: options({ codec: "flac" }),
  },
  {
    name: "MP3 with FourCC",
    hex: "912e6d7033fffb",
    tag: ex({ tracks: [track("mp3", "fffb")] }),
    options: options({ codec: "mp3" }),
  },
  {
    name: "AAC with FourCC and nanoseconds",
    hex: "9702000005016d70346121",
    tag: ex({ nanosecondOffset: 5, tracks: [track("aac", "21")] }),
    options: options({ codec: "aac", nanosecondOffset: 5 }),
  },
  {
    name: "multitrack, one track",
    hex: "95016d7034610121",
    tag: ex({ multitrack: "one-track", tracks: [track("aac", "21", 1)] }),
    options: options({ codec: "aac", trackId: 1 }),
  },
  {
    name: "multitrack, many tracks",
    hex: "95116d7034610000000121020000022122",
    tag: ex({ multitrack: "many-tracks", tracks: [track("aac", "21", 0), track("aac", "2122", 2)] }),
  },
  {
    name: "multitrack, many tracks and codecs",
    hex: "95216d70346100000001214f70757301000001fc",
    tag: ex({ multitrack: "many-tracks-many-codecs", tracks: [track("aac", "21", 0), track("opus", "fc", 1)] }),
  },
];

function tag(fields: Partial<AudioTag>): AudioTag {
  return {
    isEnhanced: false,
    packetType: "frame",
    nanosecondOffset: 0,
    multitrack: undefined,
    tracks: [],
    legacy: undefined,
    ...fields,
  };
}

function ex(fields: Partial<AudioTag>): AudioTag {
  return tag({ isEnhanced: true, ...fields });
}

function track(codec: AudioTagTrack["codec"], hex: string, trackId = 0): AudioTagTrack {
  return { trackId, codec, data: Uint8Array.fromHex(hex) };
}

function sound(sampleRateHz: number, sampleBits: 8 | 16, isStereo: boolean): LegacySound {
  return { sampleRateHz, sampleBits, isStereo };
}

function options(fields: Partial<AudioTagHeaderOptions> & Pick<AudioTagHeaderOptions, "codec">): AudioTagHeaderOptions {
  return {
    mode: "enhanced",
    packetType: "frame",
    nanosecondOffset: 0,
    trackId: 0,
    sampleRateHz: 48_000,
    channelCount: 2,
    ...fields,
  };
}

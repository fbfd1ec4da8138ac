/** The names of the codecs, the same in the kernel, the configuration, the API and the log. */

export type VideoCodecName = "h264" | "h265" | "av1" | "vp8" | "vp9" | "vvc";
export type AudioCodecName = "aac" | "opus" | "mp3" | "ac3" | "eac3" | "flac" | "g711a" | "g711u" | "g722" | "lpcm";
export type CodecName = VideoCodecName | AudioCodecName;

/** Which of the two a codec carries. */
export function codecKind(name: CodecName): "video" | "audio" {
  return kinds[name];
}

const kinds: Record<CodecName, "video" | "audio"> = {
  h264: "video",
  h265: "video",
  av1: "video",
  vp8: "video",
  vp9: "video",
  vvc: "video",
  aac: "audio",
  opus: "audio",
  mp3: "audio",
  ac3: "audio",
  eac3: "audio",
  flac: "audio",
  g711a: "audio",
  g711u: "audio",
  g722: "audio",
  lpcm: "audio",
};

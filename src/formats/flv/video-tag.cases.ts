/** Bodies of video tags; the table feeds the parse and write tests and the fuzz seeds. */

import type { VideoTag, VideoTagHeaderOptions, VideoTagTrack } from "./video-tag.ts";

interface VideoTagCase {
  readonly name: string;
  readonly hex: string;
  readonly tag: VideoTag;
  /** Where we write the same bytes: what to write before `data`. */
  readonly options?: VideoTagHeaderOptions;
}

export const videoTagCases: readonly VideoTagCase[] = [
  {
    name: "AVC configuration",
    hex: "1700000000aabb",
    tag: tag({ frameType: 1, packetType: "sequence-start", tracks: [track("h264", "aabb")] }),
    options: options({ mode: "legacy", codec: "h264", packetType: "sequence-start" }),
  },
  {
    name: "AVC key frame with a composition time",
    hex: "1701000050aabb",
    tag: tag({ frameType: 1, isKey: true, tracks: [track("h264", "aabb", 80)] }),
    options: options({ mode: "legacy", codec: "h264", isKey: true, compositionTimeMs: 80 }),
  },
  {
    name: "AVC inter frame with a negative composition time",
    hex: "2701ffffd8aa",
    tag: tag({ frameType: 2, tracks: [track("h264", "aa", -40)] }),
    options: options({ mode: "legacy", codec: "h264", compositionTimeMs: -40 }),
  },
  {
    name: "AVC key frame that a server made",
    hex: "4701000000aa",
    tag: tag({ frameType: 4, isKey: true, tracks: [track("h264", "aa")] }),
  },
  {
    name: "end of AVC (FFmpeg)",
    hex: "1702000000",
    tag: tag({ frameType: 1, packetType: "sequence-end", tracks: [track("h264", "")] }),
    options: options({ mode: "legacy", codec: "h264", packetType: "sequence-end" }),
  },
  {
    name: "end of AVC in two bytes",
    hex: "1702",
    tag: tag({ frameType: 1, packetType: "sequence-end", tracks: [track("h264", "")] }),
  },
  {
    name: "HEVC with codec id 12",
    hex: "1c01000000aa",
    tag: tag({ frameType: 1, isKey: true, tracks: [track("h265", "aa")] }),
    options: options({ mode: "legacy-hevc12", codec: "h265", isKey: true }),
  },
  {
    name: "AVC beside HEVC with codec id 12",
    hex: "2701000000aa",
    tag: tag({ frameType: 2, tracks: [track("h264", "aa")] }),
    options: options({ mode: "legacy-hevc12", codec: "h264" }),
  },
  { name: "command without FourCC", hex: "5700", tag: tag({ frameType: 5, packetType: "command", tracks: [] }) },
  {
    name: "HEVC configuration",
    hex: "906876633101aa",
    tag: ex({ frameType: 1, packetType: "sequence-start", tracks: [track("h265", "01aa")] }),
    options: options({ codec: "h265", packetType: "sequence-start" }),
  },
  {
    name: "HEVC CodedFrames",
    hex: "9168766331000028aa",
    tag: ex({ frameType: 1, isKey: true, tracks: [track("h265", "aa", 40)] }),
    options: options({ codec: "h265", isKey: true, compositionTimeMs: 40 }),
  },
  {
    name: "HEVC CodedFrames with a composition time of 0",
    hex: "a168766331000000aa",
    tag: ex({ frameType: 2, tracks: [track("h265", "aa")] }),
  },
  {
    name: "HEVC CodedFramesX",
    hex: "a368766331aa",
    tag: ex({ frameType: 2, tracks: [track("h265", "aa")] }),
    options: options({ codec: "h265" }),
  },
  {
    name: "AVC with FourCC",
    hex: "a161766331ffffffaa",
    tag: ex({ frameType: 2, tracks: [track("h264", "aa", -1)] }),
    options: options({ codec: "h264", compositionTimeMs: -1 }),
  },
  {
    name: "VVC CodedFrames",
    hex: "a176766331000001aa",
    tag: ex({ frameType: 2, tracks: [track("vvc", "aa", 1)] }),
    options: options({ codec: "vvc", compositionTimeMs: 1 }),
  },
  {
    name: "AV1 CodedFrames, no composition time",
    hex: "9161763031aa",
    tag: ex({ frameType: 1, isKey: true, tracks: [track("av1", "aa")] }),
    options: options({ codec: "av1", isKey: true }),
  },
  {
    name: "VP9 CodedFrames",
    hex: "a176703039aa",
    tag: ex({ frameType: 2, tracks: [track("vp9", "aa")] }),
    options: options({ codec: "vp9" }),
  },
  {
    name: "VP8 CodedFrames",
    hex: "a176703038aa",
    tag: ex({ frameType: 2, tracks: [track("vp8", "aa")] }),
    options: options({ codec: "vp8" }),
  },
  {
    name: "end of HEVC",
    hex: "9268766331",
    tag: ex({ frameType: 1, packetType: "sequence-end", tracks: [track("h265", "")] }),
    options: options({ codec: "h265", packetType: "sequence-end" }),
  },
  {
    name: "metadata, marked as a command (FFmpeg)",
    hex: "d4687663310200",
    tag: ex({ frameType: 5, packetType: "metadata", tracks: [track("h265", "0200")] }),
    options: options({ codec: "h265", packetType: "metadata" }),
  },
  {
    name: "metadata of another track",
    hex: "96046876633101020061",
    tag: ex({ frameType: 1, multitrack: "one-track", packetType: "metadata", tracks: [track("h265", "020061", 0, 1)] }),
    options: options({ codec: "h265", packetType: "metadata", trackId: 1 }),
  },
  {
    name: "AV1 in MPEG-2 TS form",
    hex: "956176303180",
    tag: ex({ frameType: 1, packetType: "mpeg2ts-sequence-start", tracks: [track("av1", "80")] }),
  },
  { name: "command with FourCC", hex: "d100", tag: ex({ frameType: 5, packetType: "command", tracks: [] }) },
  {
    name: "nanoseconds",
    hex: "a7020f423f0368766331aa",
    tag: ex({ frameType: 2, nanosecondOffset: 999_999, tracks: [track("h265", "aa")] }),
    options: options({ codec: "h265", nanosecondOffset: 999_999 }),
  },
  {
    name: "nanoseconds behind an unknown ModEx",
    hex: "a700ff17020000010368766331aa",
    tag: ex({ frameType: 2, nanosecondOffset: 1, tracks: [track("h265", "aa")] }),
  },
  {
    name: "ModEx with a 16-bit size",
    hex: `a7ff0101${"00".repeat(258)}1368766331aa`,
    tag: ex({ frameType: 2, tracks: [track("h265", "aa")] }),
  },
  {
    name: "multitrack, one track",
    hex: "a6036176633102aa",
    tag: ex({ frameType: 2, multitrack: "one-track", tracks: [track("h264", "aa", 0, 2)] }),
    options: options({ codec: "h264", trackId: 2 }),
  },
  {
    name: "multitrack, one track with nanoseconds and composition time",
    hex: "a70200000706016876633101000028aa",
    tag: ex({ frameType: 2, multitrack: "one-track", nanosecondOffset: 7, tracks: [track("h265", "aa", 40, 1)] }),
    options: options({ codec: "h265", trackId: 1, nanosecondOffset: 7, compositionTimeMs: 40 }),
  },
  {
    name: "multitrack, many tracks",
    hex: "96116176633100000004000028aa01000003000000",
    tag: ex({
      frameType: 1,
      isKey: true,
      multitrack: "many-tracks",
      tracks: [track("h264", "aa", 40, 0), track("h264", "", 0, 1)],
    }),
  },
  {
    name: "multitrack, many tracks and codecs",
    hex: "96206876633100000002aabb6176303105000001cc",
    tag: ex({
      frameType: 1,
      packetType: "sequence-start",
      multitrack: "many-tracks-many-codecs",
      tracks: [track("h265", "aabb", 0, 0), track("av1", "cc", 0, 5)],
    }),
  },
];

function tag(fields: Partial<VideoTag>): VideoTag {
  return {
    isEnhanced: false,
    isKey: false,
    frameType: 2,
    packetType: "frame",
    nanosecondOffset: 0,
    multitrack: undefined,
    tracks: [],
    ...fields,
  };
}

function ex(fields: Partial<VideoTag>): VideoTag {
  return tag({ isEnhanced: true, ...fields });
}

function track(codec: VideoTagTrack["codec"], hex: string, compositionTimeMs = 0, trackId = 0): VideoTagTrack {
  return { trackId, codec, compositionTimeMs, data: Uint8Array.fromHex(hex) };
}

function options(fields: Partial<VideoTagHeaderOptions> & Pick<VideoTagHeaderOptions, "codec">): VideoTagHeaderOptions {
  return {
    mode: "enhanced",
    isKey: false,
    packetType: "frame",
    compositionTimeMs: 0,
    nanosecondOffset: 0,
    trackId: 0,
    ...fields,
  };
}

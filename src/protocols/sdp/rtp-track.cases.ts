/** Media sections and the tracks in them: of each codec, and of cameras, named after the device. */

import { aacHbr, type RtpTrack } from "../rtp-payload-format.ts";
import type { DescribedTrack } from "./rtp-track.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const nothing = hex("");

export interface TrackCase {
  readonly name: string;
  /** The section without its line ends; the track is that of its first payload type. */
  readonly lines: readonly string[];
  readonly track: RtpTrack;
  /** Where the section is written from this as exactly these lines. */
  readonly described?: DescribedTrack;
}

const avcConfig = "0164002affe1001a6764002aac2c6a81e0089f966e0a020a80000003008000000f4201000568ee31b21bfdf8f800";
const hevcConfig =
  "010160000000b0000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300b0000003000003007817024021000100294201" +
  "01016000000300b00000030000030078a002a0802f1cd58817b916452ffcb9fc4fea6e0404040122000100074401c072f05324";
const vvcConfig = "ff00615f010233800000050002d00000020f00010010007900ad0233800000800a0200b446a01000010003008180";
const stereoOpus = hex("4f707573486561640102000080bb0000000000");
const monoOpus = hex("4f707573486561640101000080bb0000000000");
const surroundOpus = hex("4f707573486561640106000080bb00000000010402000401020305");
const hbr48 = { name: "aac-generic", fields: aacHbr, frameTicks: 1_024 } as const;

/** Written and read. */
export const writtenTrackCases: readonly (TrackCase & { readonly described: DescribedTrack })[] = [
  {
    name: "H.264",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
      "a=fmtp:96 packetization-mode=1;profile-level-id=64002a;sprop-parameter-sets=Z2QAKqwsaoHgCJ+WbgoCCoAAAAMAgAAAD0I=,aO4xshs=",
    ],
    described: { codec: "h264", config: hex(avcConfig) },
    track: {
      payloadType: 96,
      codec: "h264",
      clockRate: 90_000,
      config: hex(avcConfig),
      payloadFormat: { name: "h264" },
    },
  },
  {
    name: "H.264 whose parameter sets are not known yet",
    lines: ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"],
    described: { codec: "h264", config: nothing },
    track: { payloadType: 96, codec: "h264", clockRate: 90_000, config: nothing, payloadFormat: { name: "h264" } },
  },
  {
    name: "H.265",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H265/90000",
      "a=fmtp:96 sprop-vps=QAEMAf//AWAAAAMAsAAAAwAAAwB4FwJA;sprop-sps=QgEBAWAAAAMAsAAAAwAAAwB4oAKggC8c1YgXuRZFL/y5/E/qbgQEBAE=;sprop-pps=RAHAcvBTJA==",
    ],
    described: { codec: "h265", config: hex(hevcConfig) },
    track: {
      payloadType: 96,
      codec: "h265",
      clockRate: 90_000,
      config: hex(hevcConfig),
      payloadFormat: { name: "h265" },
    },
  },
  {
    name: "AV1: its configuration is in the stream",
    lines: ["m=video 0 RTP/AVP 98", "a=rtpmap:98 AV1/90000", "a=fmtp:98 profile=0;level-idx=8;tier=0"],
    described: { codec: "av1", config: hex("81080c00") },
    track: { payloadType: 98, codec: "av1", clockRate: 90_000, config: nothing, payloadFormat: { name: "av1" } },
  },
  {
    name: "VP8",
    lines: ["m=video 0 RTP/AVP 98", "a=rtpmap:98 VP8/90000"],
    described: { codec: "vp8", config: nothing },
    track: { payloadType: 98, codec: "vp8", clockRate: 90_000, config: nothing, payloadFormat: { name: "vp8" } },
  },
  {
    name: "VP9, profile 2",
    lines: ["m=video 0 RTP/AVP 98", "a=rtpmap:98 VP9/90000", "a=fmtp:98 profile-id=2"],
    described: { codec: "vp9", config: hex("010000000200a20202020000") },
    track: {
      payloadType: 98,
      codec: "vp9",
      clockRate: 90_000,
      config: hex("010000000200a20202020000"),
      payloadFormat: { name: "vp9" },
    },
  },
  {
    name: "AAC",
    lines: [
      "m=audio 0 RTP/AVP 97",
      "a=rtpmap:97 MPEG4-GENERIC/48000/2",
      "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190",
    ],
    described: { codec: "aac", config: hex("1190") },
    track: { payloadType: 97, codec: "aac", clockRate: 48_000, config: hex("1190"), payloadFormat: hbr48 },
  },
  {
    name: "HE-AAC v2: the clock is that of what comes out, and a frame has 2,048 samples of it",
    lines: [
      "m=audio 0 RTP/AVP 97",
      "a=rtpmap:97 MPEG4-GENERIC/48000/2",
      "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=eb098800",
    ],
    described: { codec: "aac", config: hex("eb098800") },
    track: {
      payloadType: 97,
      codec: "aac",
      clockRate: 48_000,
      config: hex("eb098800"),
      payloadFormat: { ...hbr48, frameTicks: 2_048 },
    },
  },
  {
    name: "Opus",
    lines: ["m=audio 0 RTP/AVP 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 sprop-stereo=1"],
    described: { codec: "opus", config: stereoOpus },
    track: { payloadType: 111, codec: "opus", clockRate: 48_000, config: stereoOpus, payloadFormat: { name: "opus" } },
  },
  {
    name: "Opus, one channel: the rtpmap has two all the same (RFC 7587 §7)",
    lines: ["m=audio 0 RTP/AVP 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 sprop-stereo=0"],
    described: { codec: "opus", config: monoOpus },
    track: { payloadType: 111, codec: "opus", clockRate: 48_000, config: monoOpus, payloadFormat: { name: "opus" } },
  },
  {
    name: "Opus 5.1 as browsers have it",
    lines: [
      "m=audio 0 RTP/AVP 96",
      "a=rtpmap:96 multiopus/48000/6",
      "a=fmtp:96 num_streams=4;coupled_streams=2;channel_mapping=0,4,1,2,3,5",
    ],
    described: { codec: "opus", config: surroundOpus },
    track: { payloadType: 96, codec: "opus", clockRate: 48_000, config: surroundOpus, payloadFormat: { name: "opus" } },
  },
  {
    name: "G.711",
    lines: ["m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000"],
    described: { codec: "g711a", config: nothing },
    track: {
      payloadType: 8,
      codec: "g711a",
      clockRate: 8_000,
      config: nothing,
      payloadFormat: { name: "pcm", tickBytes: 1 },
    },
  },
  {
    name: "G.711 at 16 kHz in two channels",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMU/16000/2"],
    described: { codec: "g711u", config: hex("00003e800208") },
    track: {
      payloadType: 97,
      codec: "g711u",
      clockRate: 16_000,
      config: hex("00003e800208"),
      payloadFormat: { name: "pcm", tickBytes: 2 },
    },
  },
  {
    name: "G.722: 16,000 samples a second on a clock of 8,000",
    lines: ["m=audio 0 RTP/AVP 9", "a=rtpmap:9 G722/8000"],
    described: { codec: "g722", config: nothing },
    track: {
      payloadType: 9,
      codec: "g722",
      clockRate: 8_000,
      config: nothing,
      payloadFormat: { name: "pcm", tickBytes: 1 },
    },
  },
  {
    name: "L16",
    lines: ["m=audio 0 RTP/AVP 10", "a=rtpmap:10 L16/44100/2"],
    described: { codec: "lpcm", config: hex("0000ac440210") },
    track: {
      payloadType: 10,
      codec: "lpcm",
      clockRate: 44_100,
      config: hex("0000ac440210"),
      payloadFormat: { name: "pcm", tickBytes: 4 },
    },
  },
  {
    name: "MP3",
    lines: ["m=audio 0 RTP/AVP 14", "a=rtpmap:14 MPA/90000"],
    described: { codec: "mp3", config: nothing, sampleRate: 44_100, channels: 2 },
    track: { payloadType: 14, codec: "mp3", clockRate: 90_000, config: nothing, payloadFormat: { name: "mpeg-audio" } },
  },
  {
    name: "AC-3",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 AC3/48000/6"],
    described: { codec: "ac3", config: nothing, sampleRate: 48_000, channels: 6 },
    track: { payloadType: 97, codec: "ac3", clockRate: 48_000, config: nothing, payloadFormat: { name: "ac3" } },
  },
  {
    name: "E-AC-3",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 EAC3/44100"],
    described: { codec: "eac3", config: nothing, sampleRate: 44_100 },
    track: { payloadType: 97, codec: "eac3", clockRate: 44_100, config: nothing, payloadFormat: { name: "eac3" } },
  },
];

/** Read only. */
const foreignTrackCases: readonly TrackCase[] = [
  {
    name: "H.266, its VPS left out",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H266/90000",
      "a=fmtp:96 sprop-sps=AHkArQIzgAAAgAoCALRGoA==;sprop-pps=AIGA",
    ],
    track: { payloadType: 96, codec: "vvc", clockRate: 90_000, config: hex(vvcConfig), payloadFormat: { name: "vvc" } },
  },
  {
    name: "static types without rtpmap: G.711",
    lines: ["m=audio 0 RTP/AVP 0"],
    track: {
      payloadType: 0,
      codec: "g711u",
      clockRate: 8_000,
      config: nothing,
      payloadFormat: { name: "pcm", tickBytes: 1 },
    },
  },
  {
    name: "static types without rtpmap: L16 in one channel",
    lines: ["m=audio 0 RTP/AVP 11"],
    track: {
      payloadType: 11,
      codec: "lpcm",
      clockRate: 44_100,
      config: hex("0000ac440110"),
      payloadFormat: { name: "pcm", tickBytes: 2 },
    },
  },
  {
    name: "DWC-MV94WiAT: static type 14 without rtpmap",
    lines: ["m=audio 0 RTP/AVP 14", "a=control:trackID=1"],
    track: { payloadType: 14, codec: "mp3", clockRate: 90_000, config: nothing, payloadFormat: { name: "mpeg-audio" } },
  },
  {
    name: "L24",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 L24/48000/2"],
    track: {
      payloadType: 97,
      codec: "lpcm",
      clockRate: 48_000,
      config: hex("0000bb800218"),
      payloadFormat: { name: "pcm", tickBytes: 6 },
    },
  },
  {
    name: "a camera that gives G.722 its true rate: the clock is believed, the samples stay 16,000",
    lines: ["m=audio 0 RTP/AVP 9", "a=rtpmap:9 g722/16000/1"],
    track: {
      payloadType: 9,
      codec: "g722",
      clockRate: 16_000,
      config: nothing,
      payloadFormat: { name: "pcm", tickBytes: 1 },
    },
  },
  {
    name: "names in lower case, and no rates",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 pcma"],
    track: {
      payloadType: 97,
      codec: "g711a",
      clockRate: 8_000,
      config: nothing,
      payloadFormat: { name: "pcm", tickBytes: 1 },
    },
  },
  {
    name: "Opus with another clock (a Flutter publisher)",
    lines: ["m=audio 0 RTP/AVP 101", "a=rtpmap:101 opus/90000"],
    track: { payloadType: 101, codec: "opus", clockRate: 48_000, config: stereoOpus, payloadFormat: { name: "opus" } },
  },
  {
    name: "Dahua IPC: no profile, zeros behind the PPS, and packetization-mode in capitals",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 h264/90000",
      "a=fmtp:96 Packetization-Mode=1;sprop-parameter-sets=Z2QAKqwsaoHgCJ+WbgoCCoAAAAMAgAAAD0IA,aO4xshsA;",
    ],
    track: {
      payloadType: 96,
      codec: "h264",
      clockRate: 90_000,
      config: hex(avcConfig),
      payloadFormat: { name: "h264" },
    },
  },
  {
    name: "start codes in front of the parameter sets, an empty one between them, and no padding",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
      "a=fmtp:96 sprop-parameter-sets=AAAAAWdkACqsLGqB4Aiflm4KAgqAAAADAIAAAA9C,,AAABaO4xshs ",
    ],
    track: {
      payloadType: 96,
      codec: "h264",
      clockRate: 90_000,
      config: hex(avcConfig),
      payloadFormat: { name: "h264" },
    },
  },
  {
    name: "YGTek: parameter sets of H.265 in a section of H.264 are left out",
    lines: [
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
      "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=QgEBAWAAAAMAAAMAAAMAAAMAlqADwIAQ5Y2uSTJrlnAIAAADAAgAAAMAyEA=,RAHgdrAmQA==",
    ],
    track: { payloadType: 96, codec: "h264", clockRate: 90_000, config: nothing, payloadFormat: { name: "h264" } },
  },
  {
    name: "HIK Media Server V5: fmtp names another payload type",
    lines: [
      "m=audio 0 RTP/AVP 104",
      "a=rtpmap:104 MPEG4-GENERIC/16000",
      "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408",
    ],
    track: { payloadType: 104, codec: "aac", clockRate: 16_000, config: hex("1408"), payloadFormat: hbr48 },
  },
  {
    name: "Foscam: AAC without fmtp is AAC-LC of the rtpmap",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/16000/1"],
    track: { payloadType: 97, codec: "aac", clockRate: 16_000, config: hex("1408"), payloadFormat: hbr48 },
  },
  {
    name: "AAC with a config that is none",
    lines: ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/44100/2", "a=fmtp:97 mode=AAC-hbr;config=zzz1210"],
    track: { payloadType: 97, codec: "aac", clockRate: 44_100, config: hex("1210"), payloadFormat: hbr48 },
  },
  {
    name: "AMS32: only the size has a length",
    lines: [
      "m=audio 0 RTP/AVP 97",
      "a=rtpmap:97 mpeg4-generic/48000/2",
      "a=fmtp: 97 mode=AAC-hbr;config=1190;sizeLength=13",
    ],
    track: {
      payloadType: 97,
      codec: "aac",
      clockRate: 48_000,
      config: hex("1190"),
      payloadFormat: { ...hbr48, fields: { ...aacHbr, indexLength: 0, indexDeltaLength: 0 } },
    },
  },
  {
    name: "LATM, its configuration in the description (GStreamer)",
    lines: [
      "m=audio 0 RTP/AVP 96",
      "a=rtpmap:96 MP4A-LATM/48000",
      "a=fmtp:96 profile-level-id=30;cpresent=0;config=40002310",
    ],
    track: {
      payloadType: 96,
      codec: "aac",
      clockRate: 48_000,
      config: hex("1188"),
      payloadFormat: {
        name: "aac-latm",
        muxConfig: {
          audioSpecificConfig: hex("1188"),
          subFrameCount: 1,
          fixedFrameBytes: undefined,
          otherDataBits: 0,
        },
      },
    },
  },
  {
    name: "LATM, its configuration in the stream",
    lines: ["m=audio 0 RTP/AVP 96", "a=rtpmap:96 MP4A-LATM/90000/1", "a=fmtp:96 cpresent=1"],
    track: {
      payloadType: 96,
      codec: "aac",
      clockRate: 90_000,
      config: nothing,
      payloadFormat: { name: "aac-latm", muxConfig: undefined },
    },
  },
];

export const trackCases: readonly TrackCase[] = [...writtenTrackCases, ...foreignTrackCases];

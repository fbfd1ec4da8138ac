import type { CodecName } from "./codec-name.ts";
import type { TrackInfo } from "./track-info.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const none = hex("");

export interface TrackInfoCase {
  readonly name: string;
  readonly codec: CodecName;
  readonly config: Uint8Array;
  readonly frame: Uint8Array;
  readonly info: TrackInfo;
}

export const trackInfoCases: readonly TrackInfoCase[] = [
  {
    name: "H.264 High",
    codec: "h264",
    config: hex("0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800"),
    frame: none,
    info: { codecString: "avc1.64000c", width: 320, height: 180, fps: 25, profile: "High", level: "1.2" },
  },
  {
    name: "H.264 with its parameter sets in the frame",
    codec: "h264",
    config: hex("0142c00cffe000"),
    frame: hex("00000002" + "0906" + "0000001a" + "6764000cacd941419f9f011000000300100000030320f1429960"),
    info: {
      codecString: "avc1.42c00c",
      width: 320,
      height: 180,
      fps: 25,
      profile: "Constrained Baseline",
      level: "1.2",
    },
  },
  {
    name: "H.264 without any parameter set",
    codec: "h264",
    config: hex("014d0028ffe000"),
    frame: none,
    info: { codecString: "avc1.4d0028", profile: "Main", level: "4.0" },
  },
  {
    name: "H.265 Main",
    codec: "h265",
    config: hex(
      "0101600000009000000000003cf000fcfdf8f800000f01" +
        "210001002b42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840",
    ),
    frame: none,
    info: { codecString: "hvc1.1.6.L60.90", width: 320, height: 180, fps: 25, profile: "Main", level: "2.0" },
  },
  {
    name: "H.265 Main 10 at the high tier, with its SPS in the frame",
    codec: "h265",
    config: hex("0122200000009000000000003cf000fcfdfafa00000f00"),
    frame: hex("0000002a42010102200000030090000003000003003ca00a080b9f6d96566924caf0168080000003008000000c84"),
    info: { codecString: "hvc1.2.4.H60.90", width: 320, height: 180, fps: 25, profile: "Main 10", level: "2.0" },
  },
  {
    name: "H.265 without parameter sets, 25 frames per second in the record",
    codec: "h265",
    config: hex("01a1600000001122334455663cf000fcfdf8f819000f00"),
    frame: none,
    info: { codecString: "hvc1.B1.6.H60.11.22.33.44.55.66", fps: 25, profile: "Main", level: "2.0" },
  },
  {
    name: "H.265 with the frame rate in its VPS",
    codec: "h265",
    config: hex(
      "0101600000009000000000005df000fcfdf8f800000f01" +
        "2000010022" +
        "40010c01ffff01600000030090000003000003005dac0c0000030004000003006540",
    ),
    frame: none,
    info: { codecString: "hvc1.1.6.L93.90", fps: 25, profile: "Main", level: "3.1" },
  },
  {
    name: "VVC Main 10",
    codec: "vvc",
    config: hex("ff00615f0102338020200100000007050002d01900018f00010010007900ad0233800000800a0200b446a0"),
    frame: none,
    info: { codecString: "vvc1.1.L51.CQA", width: 1280, height: 720, fps: 25, profile: "Main 10", level: "3.1" },
  },
  {
    name: "VVC with profile and size in the frame's SPS",
    codec: "vvc",
    config: hex("fe00"),
    frame: hex("00000010" + "007900ad0233800000800a0200b446a0"),
    info: { codecString: "vvc1.1.L51", width: 1280, height: 720, profile: "Main 10", level: "3.1" },
  },
  { name: "VVC without anything", codec: "vvc", config: hex("fe00"), frame: none, info: { codecString: "vvc1" } },
  {
    name: "AV1 Main",
    codec: "av1",
    config: hex("81000c000a0b000000043cfeccdaf90040"),
    frame: none,
    info: { codecString: "av01.0.00M.08", width: 320, height: 180, profile: "Main", level: "2.0" },
  },
  {
    name: "AV1 with the sequence header in the frame",
    codec: "av1",
    config: hex("81080c00"),
    frame: hex("12000a0b000000043cfeccdaf90040"),
    info: { codecString: "av01.0.08M.08", width: 320, height: 180, profile: "Main", level: "4.0" },
  },
  {
    name: "VP9 from its record",
    codec: "vp9",
    config: hex("01000000000b820202020000"),
    frame: none,
    info: { codecString: "vp09.00.11.08", profile: "0", level: "1.1" },
  },
  {
    name: "VP9 from its first frame",
    codec: "vp9",
    config: none,
    frame: hex("924983420001f8017b041c120e0c2c00"),
    info: { codecString: "vp09.02.10.10", width: 64, height: 48, profile: "2", level: "1.0" },
  },
  {
    name: "VP8",
    codec: "vp8",
    config: none,
    frame: hex("1062009d012a4001b4000007088588"),
    info: { codecString: "vp8", width: 320, height: 180 },
  },
  {
    name: "AAC-LC",
    codec: "aac",
    config: hex("119056e500"),
    frame: none,
    info: { codecString: "mp4a.40.2", sampleRate: 48_000, channels: 2, profile: "LC" },
  },
  {
    name: "HE-AAC, backward compatible",
    codec: "aac",
    config: hex("131056e598"),
    frame: none,
    info: { codecString: "mp4a.40.2", sampleRate: 48_000, channels: 2, profile: "HE-AAC" },
  },
  {
    name: "HE-AAC v2, mono made stereo",
    codec: "aac",
    config: hex("eb098800"),
    frame: none,
    info: { codecString: "mp4a.40.29", sampleRate: 48_000, channels: 2, profile: "HE-AAC v2" },
  },
  {
    name: "Opus of a 44.1 kHz source",
    codec: "opus",
    config: hex("4f7075734865616401023801" + "44ac0000" + "000000"),
    frame: none,
    info: { codecString: "opus", sampleRate: 48_000, channels: 2 },
  },
  {
    name: "FLAC",
    codec: "flac",
    config: hex("1200120000010e0005170bb802f000004b00581c026f9fb198c5a69bdefdd58a1c2c"),
    frame: none,
    info: { codecString: "flac", sampleRate: 48_000, channels: 2 },
  },
  {
    name: "MP3",
    codec: "mp3",
    config: none,
    frame: hex("fffb9464000001ee"),
    info: { codecString: "mp3", sampleRate: 48_000, channels: 2 },
  },
  { name: "MP3 before its first frame", codec: "mp3", config: none, frame: none, info: { codecString: "mp3" } },
  {
    name: "AC-3",
    codec: "ac3",
    config: none,
    frame: hex("0b77fe95144043e106f46370"),
    info: { codecString: "ac-3", sampleRate: 48_000, channels: 2 },
  },
  {
    name: "E-AC-3",
    codec: "eac3",
    config: none,
    frame: hex("0b7703ce7f87c00020802000"),
    info: { codecString: "ec-3", sampleRate: 44_100, channels: 6 },
  },
  {
    name: "G.711 A-law as on a telephone line",
    codec: "g711a",
    config: none,
    frame: hex("d5d5"),
    info: { codecString: "alaw", sampleRate: 8_000, channels: 1 },
  },
  {
    name: "G.711 mu-law at 16 kHz",
    codec: "g711u",
    config: hex("00003e800108"),
    frame: none,
    info: { codecString: "ulaw", sampleRate: 16_000, channels: 1 },
  },
  {
    name: "G.722",
    codec: "g722",
    config: none,
    frame: none,
    info: { codecString: "g722", sampleRate: 16_000, channels: 1 },
  },
  {
    name: "LPCM, 24 bits",
    codec: "lpcm",
    config: hex("0000bb800218"),
    frame: none,
    info: { codecString: "ipcm", sampleRate: 48_000, channels: 2, profile: "24 bits" },
  },
];

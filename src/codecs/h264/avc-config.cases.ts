import type { AvcConfig } from "./avc-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const avcConfigCases: readonly { name: string; bytes: Uint8Array; config: AvcConfig }[] = [
  {
    name: "High, with the part for High profiles (FFmpeg, x264)",
    bytes: hex("0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800"),
    config: {
      profileIdc: 100,
      profileCompatibility: 0,
      levelIdc: 12,
      lengthSize: 4,
      sps: [hex("6764000cacd941419f9f011000000300100000030320f1429960")],
      pps: [hex("68ebe3cb22c0")],
      high: { chromaFormatIdc: 1, bitDepthLuma: 8, bitDepthChroma: 8, spsExt: [] },
    },
  },
  {
    name: "High, without it (OBS)",
    bytes: hex("0164001fffe100196764001facd9405005bb016c80000003008000001e078c18cb01000568ebecb22c"),
    config: {
      profileIdc: 100,
      profileCompatibility: 0,
      levelIdc: 31,
      lengthSize: 4,
      sps: [hex("6764001facd9405005bb016c80000003008000001e078c18cb")],
      pps: [hex("68ebecb22c")],
      high: undefined,
    },
  },
  {
    name: "Baseline with two PPS and lengths of 2 bytes",
    bytes: hex("0142c01efde1000467abcdef020002680100026802"),
    config: {
      profileIdc: 66,
      profileCompatibility: 0xc0,
      levelIdc: 30,
      lengthSize: 2,
      sps: [hex("67abcdef")],
      pps: [hex("6801"), hex("6802")],
      high: undefined,
    },
  },
  {
    name: "no parameter sets: they stand in the frames",
    bytes: hex("014d0028ffe000"),
    config: {
      profileIdc: 77,
      profileCompatibility: 0,
      levelIdc: 40,
      lengthSize: 4,
      sps: [],
      pps: [],
      high: undefined,
    },
  },
];

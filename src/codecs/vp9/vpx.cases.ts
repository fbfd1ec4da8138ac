import type { Vp8FrameHeader } from "../vp8/frame-header.ts";
import type { Vp9FrameHeader } from "./frame-header.ts";
import type { VpcConfig } from "./vpc-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const vpcConfigCases: readonly { name: string; bytes: Uint8Array; config: VpcConfig }[] = [
  {
    name: "VP9 profile 0 (FFmpeg, enhanced RTMP)",
    bytes: hex("01000000000b820202020000"),
    config: {
      profile: 0,
      level: 11,
      bitDepth: 8,
      chromaSubsampling: 1,
      fullRange: false,
      colourPrimaries: 2,
      transferCharacteristics: 2,
      matrixCoefficients: 2,
    },
  },
  {
    name: "VP9 profile 3, full range",
    bytes: hex("010000000332c70910090000"),
    config: {
      profile: 3,
      level: 50,
      bitDepth: 12,
      chromaSubsampling: 3,
      fullRange: true,
      colourPrimaries: 9,
      transferCharacteristics: 16,
      matrixCoefficients: 9,
    },
  },
];

export const vp9FrameCases: readonly { name: string; frame: Uint8Array; header: Vp9FrameHeader }[] = [
  {
    name: "key frame of profile 0 (libvpx)",
    frame: hex("824983420013f00b360438241c184a00"),
    header: {
      profile: 0,
      isKey: true,
      isShown: true,
      key: {
        bitDepth: 8,
        colorSpace: 0,
        fullRange: false,
        subsamplingX: true,
        subsamplingY: true,
        width: 320,
        height: 180,
      },
    },
  },
  {
    name: "key frame of profile 1, 4:4:4 (libvpx)",
    frame: hex("a249834200007e005ec2070483830940"),
    header: {
      profile: 1,
      isKey: true,
      isShown: true,
      key: {
        bitDepth: 8,
        colorSpace: 0,
        fullRange: false,
        subsamplingX: false,
        subsamplingY: false,
        width: 64,
        height: 48,
      },
    },
  },
  {
    name: "key frame of profile 2, 10 bits (libvpx)",
    frame: hex("924983420001f8017b041c120e0c2c00"),
    header: {
      profile: 2,
      isKey: true,
      isShown: true,
      key: {
        bitDepth: 10,
        colorSpace: 0,
        fullRange: false,
        subsamplingX: true,
        subsamplingY: true,
        width: 64,
        height: 48,
      },
    },
  },
  {
    name: "key frame of profile 3, RGB with 12 bits",
    frame: hex("b024c1a17800fc00bc"),
    header: {
      profile: 3,
      isKey: true,
      isShown: false,
      key: {
        bitDepth: 12,
        colorSpace: 7,
        fullRange: true,
        subsamplingX: false,
        subsamplingY: false,
        width: 64,
        height: 48,
      },
    },
  },
  {
    name: "inter frame (libvpx)",
    frame: hex("86004092f0e140"),
    header: { profile: 0, isKey: false, isShown: true, key: undefined },
  },
  { name: "frame shown again", frame: hex("88"), header: { profile: 0, isKey: false, isShown: true, key: undefined } },
];

export const vp8FrameCases: readonly { name: string; frame: Uint8Array; header: Vp8FrameHeader }[] = [
  {
    name: "key frame (libvpx)",
    frame: hex("1062009d012a4001b4000007088588"),
    header: { isKey: true, version: 0, isShown: true, width: 320, height: 180 },
  },
  {
    name: "key frame that is to be scaled",
    frame: hex("1062009d012a4041b480"),
    header: { isKey: true, version: 0, isShown: true, width: 320, height: 180 },
  },
  {
    name: "inter frame",
    frame: hex("310500"),
    header: { isKey: false, version: 0, isShown: true, width: undefined, height: undefined },
  },
];

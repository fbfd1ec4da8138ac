import type { MpegAudioHeader } from "./frame-header.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const mpegAudioCases: readonly { name: string; frame: Uint8Array; header: MpegAudioHeader }[] = [
  {
    name: "MP3 128 kb/s, 48 kHz, joint stereo (LAME)",
    frame: hex("fffb9464000001ee"),
    header: {
      version: 1,
      layer: 3,
      bitRate: 128_000,
      sampleRate: 48_000,
      channels: 2,
      samplesPerFrame: 1152,
      frameLength: 384,
    },
  },
  {
    name: "MP3 128 kb/s, 44.1 kHz, mono, padded",
    frame: hex("fffb92c0"),
    header: {
      version: 1,
      layer: 3,
      bitRate: 128_000,
      sampleRate: 44_100,
      channels: 1,
      samplesPerFrame: 1152,
      frameLength: 418,
    },
  },
  {
    name: "MPEG-2 layer III 64 kb/s, 22.05 kHz",
    frame: hex("fff38000"),
    header: {
      version: 2,
      layer: 3,
      bitRate: 64_000,
      sampleRate: 22_050,
      channels: 2,
      samplesPerFrame: 576,
      frameLength: 208,
    },
  },
  {
    name: "MPEG-2.5 layer III 8 kb/s, 8 kHz",
    frame: hex("ffe318c0"),
    header: {
      version: 2.5,
      layer: 3,
      bitRate: 8_000,
      sampleRate: 8_000,
      channels: 1,
      samplesPerFrame: 576,
      frameLength: 72,
    },
  },
  {
    name: "MPEG-1 layer II 192 kb/s, 48 kHz",
    frame: hex("fffda404"),
    header: {
      version: 1,
      layer: 2,
      bitRate: 192_000,
      sampleRate: 48_000,
      channels: 2,
      samplesPerFrame: 1152,
      frameLength: 576,
    },
  },
  {
    name: "MPEG-1 layer I 384 kb/s, 32 kHz",
    frame: hex("ffffc800"),
    header: {
      version: 1,
      layer: 1,
      bitRate: 384_000,
      sampleRate: 32_000,
      channels: 2,
      samplesPerFrame: 384,
      frameLength: 576,
    },
  },
];

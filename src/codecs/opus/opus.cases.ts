import type { OpusHead } from "./opus-head.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const opusHeadCases: readonly { name: string; bytes: Uint8Array; head: OpusHead }[] = [
  {
    name: "stereo (FFmpeg, libopus)",
    bytes: hex("4f707573486561640102380180bb0000000000"),
    head: {
      version: 1,
      channels: 2,
      preSkip: 312,
      inputSampleRate: 48_000,
      outputGain: 0,
      mappingFamily: 0,
      mapping: undefined,
    },
  },
  {
    name: "5.1 with a gain of -1 dB and a silent channel",
    bytes: hex("4f707573486561640106380144ac000000ff01040200040102ff05"),
    head: {
      version: 1,
      channels: 6,
      preSkip: 312,
      inputSampleRate: 44_100,
      outputGain: -256,
      mappingFamily: 1,
      mapping: { streamCount: 4, coupledCount: 2, indexes: hex("00040102ff05") },
    },
  },
];

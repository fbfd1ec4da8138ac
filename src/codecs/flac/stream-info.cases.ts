import type { FlacStreamInfo } from "./stream-info.ts";

export const flacCases: readonly { name: string; bytes: Uint8Array; info: FlacStreamInfo }[] = [
  {
    name: "stereo 48 kHz (FFmpeg)",
    bytes: Uint8Array.fromHex("1200120000010e0005170bb802f000004b00581c026f9fb198c5a69bdefdd58a1c2c"),
    info: { minBlockSize: 4608, maxBlockSize: 4608, sampleRate: 48_000, channels: 2, bitsPerSample: 16 },
  },
];

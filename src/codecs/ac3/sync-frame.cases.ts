import type { Ac3SyncFrame, Eac3SyncFrame } from "./sync-frame.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const ac3Cases: readonly { name: string; frame: Uint8Array; header: Ac3SyncFrame }[] = [
  {
    name: "stereo 192 kb/s at 48 kHz (FFmpeg)",
    frame: hex("0b77fe95144043e106f46370"),
    header: { sampleRate: 48_000, channels: 2, samplesPerFrame: 1536, frameLength: 768 },
  },
  {
    name: "5.1 448 kb/s at 44.1 kHz (FFmpeg)",
    frame: hex("0b770dce5e40ebf8403eff9d"),
    header: { sampleRate: 44_100, channels: 6, samplesPerFrame: 1536, frameLength: 1950 },
  },
  {
    name: "mono 96 kb/s at 44.1 kHz with a word more",
    frame: hex("0b771ef84d402f842be1877b"),
    header: { sampleRate: 44_100, channels: 1, samplesPerFrame: 1536, frameLength: 418 },
  },
];

export const eac3Cases: readonly { name: string; frame: Uint8Array; header: Eac3SyncFrame }[] = [
  {
    name: "stereo at 48 kHz (FFmpeg)",
    frame: hex("0b77017f3487c00020842108"),
    header: {
      streamType: 0,
      substreamId: 0,
      sampleRate: 48_000,
      channels: 2,
      samplesPerFrame: 1536,
      frameLength: 768,
    },
  },
  {
    name: "5.1 at 44.1 kHz (FFmpeg)",
    frame: hex("0b7703ce7f87c00020802000"),
    header: {
      streamType: 0,
      substreamId: 0,
      sampleRate: 44_100,
      channels: 6,
      samplesPerFrame: 1536,
      frameLength: 1950,
    },
  },
  {
    name: "dependent stereo at 24 kHz",
    frame: hex("0b77400fc480"),
    header: {
      streamType: 1,
      substreamId: 0,
      sampleRate: 24_000,
      channels: 2,
      samplesPerFrame: 1536,
      frameLength: 32,
    },
  },
];

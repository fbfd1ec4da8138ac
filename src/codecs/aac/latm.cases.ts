import type { StreamMuxConfig } from "./stream-mux-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

const plain: StreamMuxConfig = {
  audioSpecificConfig: hex("1190"),
  subFrameCount: 1,
  fixedFrameBytes: undefined,
  otherDataBits: 0,
};

export const streamMuxConfigCases: readonly {
  name: string;
  bytes: Uint8Array;
  config: StreamMuxConfig;
  /** Whether the configuration in it is written as exactly these bytes. */
  isWritten: boolean;
}[] = [
  { name: "LC 48 kHz stereo", bytes: hex("400023203fc0"), config: plain, isWritten: true },
  {
    name: "LC 24 kHz stereo",
    bytes: hex("400026203fc0"),
    config: { ...plain, audioSpecificConfig: hex("1310") },
    isWritten: true,
  },
  {
    name: "GStreamer: nothing behind the AudioSpecificConfig",
    bytes: hex("40002310"),
    config: { ...plain, audioSpecificConfig: hex("1188") },
    isWritten: false,
  },
  {
    name: "GStreamer: the extension of avenc_aac behind it",
    bytes: hex("40002310adca00"),
    config: { ...plain, audioSpecificConfig: hex("118856e500") },
    isWritten: false,
  },
  {
    name: "HE-AAC v2, hierarchical",
    bytes: hex("4001d613101fe0"),
    config: { ...plain, audioSpecificConfig: hex("eb098800") },
    isWritten: true,
  },
  {
    name: "version 1: fixed lengths, two subframes, other data and a checksum",
    bytes: hex("8ff8200101190250821aa0"),
    config: { ...plain, subFrameCount: 2, fixedFrameBytes: 100, otherDataBits: 16 },
    isWritten: false,
  },
];

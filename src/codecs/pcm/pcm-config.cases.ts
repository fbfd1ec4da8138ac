import { type PcmConfig, usualG711, usualG722 } from "./pcm-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const pcmConfigCases: readonly { name: string; bytes: Uint8Array; config: PcmConfig }[] = [
  { name: "G.711", bytes: hex("00001f400108"), config: usualG711 },
  { name: "G.722", bytes: hex("00003e800108"), config: usualG722 },
  {
    name: "CD sound",
    bytes: hex("0000ac440210"),
    config: { sampleRate: 44_100, channels: 2, sampleBits: 16 },
  },
];

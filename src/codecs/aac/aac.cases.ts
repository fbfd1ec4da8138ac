import type { AdtsHeader } from "./adts.ts";
import type { AudioSpecificConfig } from "./audio-specific-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

const plainLc: AudioSpecificConfig = {
  objectType: 2,
  sampleRate: 48_000,
  channelConfiguration: 2,
  channels: 2,
  shortFrames: false,
  coreCoderDelay: undefined,
  extensionType: undefined,
  extensionSampleRate: undefined,
  backwardCompatible: false,
};

/** Parsed and written. */
export const audioSpecificConfigCases: readonly { name: string; bytes: Uint8Array; config: AudioSpecificConfig }[] = [
  { name: "LC 48 kHz stereo", bytes: hex("1190"), config: plainLc },
  {
    name: "LC with a rate that has no index",
    bytes: hex("1780678410"),
    config: { ...plainLc, sampleRate: 53_000 },
  },
  {
    name: "LC that depends on a core coder",
    bytes: hex("10120c08"),
    config: { ...plainLc, sampleRate: 96_000, coreCoderDelay: 385 },
  },
  { name: "LC with frames of 960 samples", bytes: hex("1194"), config: { ...plainLc, shortFrames: true } },
  {
    name: "HE-AAC, hierarchical",
    bytes: hex("2b920800"),
    config: { ...plainLc, sampleRate: 22_050, extensionType: 5, extensionSampleRate: 44_100 },
  },
  {
    name: "HE-AAC v2, hierarchical",
    bytes: hex("eb098800"),
    config: {
      ...plainLc,
      sampleRate: 24_000,
      channelConfiguration: 1,
      channels: 1,
      extensionType: 29,
      extensionSampleRate: 48_000,
    },
  },
  {
    name: "HE-AAC, backward compatible",
    bytes: hex("131056e598"),
    config: { ...plainLc, sampleRate: 24_000, extensionType: 5, extensionSampleRate: 48_000, backwardCompatible: true },
  },
  {
    name: "HE-AAC v2, backward compatible",
    bytes: hex("130856e59d4880"),
    config: {
      ...plainLc,
      sampleRate: 24_000,
      channelConfiguration: 1,
      channels: 1,
      extensionType: 29,
      extensionSampleRate: 48_000,
      backwardCompatible: true,
    },
  },
];

/** Parsed only: written otherwise, or not at all. */
export const foreignAudioSpecificConfigCases: typeof audioSpecificConfigCases = [
  { name: "LC that says it has no SBR (FFmpeg)", bytes: hex("119056e500"), config: plainLc },
  {
    name: "5.1 in a program_config_element: one channel, two pairs, one low-frequency",
    bytes: hex("118004c8050001088000"),
    config: { ...plainLc, channelConfiguration: 0, channels: 6 },
  },
  {
    name: "a program_config_element that is left out",
    bytes: hex("1180"),
    config: { ...plainLc, channelConfiguration: 0, channels: 0 },
  },
  {
    name: "ELD with frames of 480 samples",
    bytes: hex("f8e670"),
    config: { ...plainLc, objectType: 39, shortFrames: true, channelConfiguration: 3, channels: 3 },
  },
];

export const adtsCases: readonly { name: string; bytes: Uint8Array; header: AdtsHeader }[] = [
  {
    name: "LC 48 kHz stereo",
    bytes: hex("fff14c80017ffc11223344"),
    header: {
      objectType: 2,
      sampleRate: 48_000,
      channelConfiguration: 2,
      channels: 2,
      frameLength: 11,
      headerLength: 7,
    },
  },
  {
    name: "LC 44.1 kHz 7.1",
    bytes: hex("fff151c000fffc"),
    header: {
      objectType: 2,
      sampleRate: 44_100,
      channelConfiguration: 7,
      channels: 8,
      frameLength: 7,
      headerLength: 7,
    },
  },
];

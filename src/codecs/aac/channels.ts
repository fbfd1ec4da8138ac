/** Sampling frequencies and channel configurations that AudioSpecificConfig and ADTS share: ISO/IEC 14496-3 §1.6.3. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";

/** The rate of a samplingFrequencyIndex (table 1.18); undefined for 13 and 14, which are reserved, and 15, the escape. */
export function aacSampleRate(index: number): number | undefined {
  return sampleRates[index];
}

/** The samplingFrequencyIndex of a rate, or undefined when it has none. */
export function aacSampleRateIndex(sampleRate: number): number | undefined {
  const index = sampleRates.indexOf(sampleRate);
  return index < 0 ? undefined : index;
}

/** Channels of a channelConfiguration (table 1.19); 0 when they stand in a program_config_element instead. */
export function aacChannels(channelConfiguration: number): number {
  const channels = channelCounts[channelConfiguration];
  if (channels === undefined) {
    throw new CodedError(ERR_CODEC_CONFIG, `the AAC channelConfiguration ${channelConfiguration} is reserved`);
  }
  return channels;
}

const sampleRates = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const channelCounts: readonly (number | undefined)[] = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  8,
  undefined,
  undefined,
  undefined,
  7,
  8,
  24,
  8,
];

/** How long an access unit of AAC lasts: the frame lengths of ISO/IEC 14496-3 §4.5.1.1 (table 4.130). */

import { parseAudioSpecificConfig } from "./audio-specific-config.ts";

/** Ticks of a clock of `clockRate`; with SBR that counts twice as many samples when it is the clock of what comes out. */
export function aacFrameTicks(audioSpecificConfig: Uint8Array, clockRate: number): number {
  const { objectType, sampleRate, shortFrames } = parseAudioSpecificConfig(audioSpecificConfig);
  const isLowDelay = objectType === 23 || objectType === 39; // ER AAC LD, ER AAC ELD
  const sampleCount = (shortFrames ? 960 : 1_024) / (isLowDelay ? 2 : 1);
  return Math.round((sampleCount * clockRate) / sampleRate);
}

/**
 * The configuration of a track of plain samples: G.711, G.722 and LPCM. They have no decoder configuration of their own, so
 * this one is ours (docs/frames.md): sample rate (32 bits), channels (8 bits), bits of one sample (8 bits).
 */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { within } from "../bounds.ts";
import { maxSampleRateHz } from "../limits.ts";

export interface PcmConfig {
  readonly sampleRate: number;
  readonly channels: number;
  /** 8 for G.711 and G.722; 16 or 24 for LPCM. */
  readonly sampleBits: number;
}

export function parsePcmConfig(bytes: Uint8Array): PcmConfig {
  const reader = new ByteReader(bytes);
  return {
    sampleRate: within(reader.u32(), 1, maxSampleRateHz, "sample rate of the PCM configuration"),
    channels: within(reader.u8(), 1, 255, "number of channels of the PCM configuration"),
    sampleBits: within(reader.u8(), 8, 24, "bits per sample of the PCM configuration"),
  };
}

export function writePcmConfig(config: PcmConfig): Uint8Array {
  return new ByteWriter(6).u32(config.sampleRate).u8(config.channels).u8(config.sampleBits).finish();
}

/** What G.711 is when nobody says otherwise. */
export const usualG711: PcmConfig = { sampleRate: 8_000, channels: 1, sampleBits: 8 };

/** G.722 always has 16,000 samples a second, although its RTP clock says 8,000 (RFC 3551 §4.5.2). */
export const usualG722: PcmConfig = { sampleRate: 16_000, channels: 1, sampleBits: 8 };

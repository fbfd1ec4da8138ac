/** profile_tier_level of H.265 (§7.3.3), which also stands in hvcC and in the codec string. */

import type { BitReader } from "../../bytes/bit-reader.ts";

export interface H265ProfileTierLevel {
  /** 0 except in streams made for other standards. */
  readonly profileSpace: number;
  readonly highTier: boolean;
  /** 1 Main, 2 Main 10, 3 Main Still Picture, 4 range extensions … */
  readonly profileIdc: number;
  /** general_profile_compatibility_flag, flag 0 in the top bit of 32. */
  readonly compatibilityFlags: number;
  /** The 48 bits of constraint flags: the first 16, and the other 32. */
  readonly constraintFlagsHigh: number;
  readonly constraintFlagsLow: number;
  /** Thirty times the level. */
  readonly levelIdc: number;
}

/** Parses the structure with its profile part, for 1 to 7 sub-layers. */
export function parseH265ProfileTierLevel(bits: BitReader, maxSubLayers: number): H265ProfileTierLevel {
  const general = parseH265Profile(bits);
  const levelIdc = bits.bits(8);
  let skip = 0;
  if (maxSubLayers > 1) {
    for (let i = 0; i < maxSubLayers - 1; i++) {
      if (bits.flag()) skip += 88; // sub_layer_profile_present_flag
      if (bits.flag()) skip += 8; // sub_layer_level_present_flag
    }
    bits.skip(2 * (9 - maxSubLayers)); // reserved_zero_2bits
    bits.skip(skip);
  }
  return { ...general, levelIdc };
}

/** The 88 bits before the level. */
export function parseH265Profile(bits: BitReader): Omit<H265ProfileTierLevel, "levelIdc"> {
  return {
    profileSpace: bits.bits(2),
    highTier: bits.flag(),
    profileIdc: bits.bits(5),
    compatibilityFlags: bits.bits(32),
    constraintFlagsHigh: bits.bits(16),
    constraintFlagsLow: bits.bits(32),
  };
}

/** The first half of VVC's sequence parameter set (H.266 §7.3.2.4): profile, level, picture size and bit depth. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, pictureSide } from "../bounds.ts";
import { ERR_CODEC_PARAMETER_SET, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { unescapeParameterSet } from "../nal/emulation-prevention.ts";
import { vvcNalSps, vvcNalType } from "./nal-unit.ts";

export interface VvcSps {
  readonly spsId: number;
  /** Undefined when the VPS has them instead. */
  readonly profileTierLevel: VvcSpsProfile | undefined;
  readonly maxSubLayers: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormatIdc: number;
  /** Pixels, after the conformance window. */
  readonly width: number;
  readonly height: number;
  /** Of luma and chroma; undefined in an SPS with subpictures, where it stands behind their layout. */
  readonly bitDepth: number | undefined;
}

export interface VvcSpsProfile extends VvcProfileTierLevel {
  /** ptl_frame_only_constraint_flag, ptl_multilayer_enabled_flag and general_constraints_info, to a whole byte. */
  readonly constraintInfo: Uint8Array;
}

export interface VvcProfileTierLevel {
  /** 1 Main 10, 33 Main 4:4:4 10 … */
  readonly profileIdc: number;
  readonly highTier: boolean;
  /** Sixteen times the level's first number, plus three times its second. */
  readonly levelIdc: number;
}

/** Parses one NAL unit of type 15, header and emulation prevention included. */
export function parseVvcSps(nal: Uint8Array): VvcSps {
  const plain = unescapeParameterSet(nal);
  const bits = new BitReader(plain);
  const header = bits.bits(16);
  if (header > 0x7fff || vvcNalType(header & 0xff) !== vvcNalSps) {
    throw new CodedError(ERR_CODEC_PARAMETER_SET, `expected a VVC SPS, a NAL unit with header ${header} came`);
  }
  const layer = (header >> 8) & 0x3f;
  if (layer !== 0) {
    throw new CodedError(ERR_CODEC_UNSUPPORTED, `the VVC SPS is of layer ${layer}, only layer 0 is supported`);
  }
  const spsId = bits.bits(4);
  bits.skip(4); // sps_video_parameter_set_id
  const maxSubLayers = atMost(bits.bits(3), 6, "sps_max_sublayers_minus1") + 1;
  const chromaFormatIdc = bits.bits(2);
  bits.skip(2); // sps_log2_ctu_size_minus5
  const profileTierLevel = bits.flag() ? parseProfileTierLevel(bits, maxSubLayers, plain) : undefined;
  bits.skip(1); // sps_gdr_enabled_flag
  if (bits.flag()) bits.skip(1); // sps_ref_pic_resampling_enabled_flag, sps_res_change_in_clvs_allowed_flag
  let width = pictureSide(bits.ue(), "sps_pic_width_max_in_luma_samples");
  let height = pictureSide(bits.ue(), "sps_pic_height_max_in_luma_samples");
  if (bits.flag()) {
    const unitX = chromaFormatIdc === 1 || chromaFormatIdc === 2 ? 2 : 1;
    const unitY = chromaFormatIdc === 1 ? 2 : 1;
    width = pictureSide(width - (bits.ue() + bits.ue()) * unitX, "width of the VVC picture");
    height = pictureSide(height - (bits.ue() + bits.ue()) * unitY, "height of the VVC picture");
  }
  const hasSubpictures = bits.flag();
  // 16 bits are allowed, and have no place in a vvcC.
  const bitDepth = hasSubpictures ? undefined : atMost(bits.ue(), 7, "sps_bitdepth_minus8") + 8;
  return { spsId, profileTierLevel, maxSubLayers, chromaFormatIdc, width, height, bitDepth };
}

/** profile_tier_level with its profile part: §7.3.3.1. */
function parseProfileTierLevel(bits: BitReader, maxSubLayers: number, sps: Uint8Array): VvcSpsProfile {
  const profileIdc = bits.bits(7);
  const highTier = bits.flag();
  const levelIdc = bits.bits(8);
  const constraintStart = bits.bitOffset / 8; // what is before it in an SPS is a whole number of bytes
  bits.skip(2); // ptl_frame_only_constraint_flag, ptl_multilayer_enabled_flag
  if (bits.flag()) {
    bits.skip(constraintFlagBits);
    bits.skip(bits.bits(8)); // gci_num_additional_bits
  }
  skipToByte(bits);
  const constraintInfo = sps.slice(constraintStart, bits.bitOffset / 8);
  let subLayerLevels = 0;
  for (let i = 1; i < maxSubLayers; i++) if (bits.flag()) subLayerLevels++;
  skipToByte(bits);
  bits.skip(8 * subLayerLevels);
  bits.skip(32 * bits.bits(8)); // general_sub_profile_idc
  return { profileIdc, highTier, levelIdc, constraintInfo };
}

function skipToByte(bits: BitReader): void {
  bits.skip((8 - (bits.bitOffset % 8)) % 8);
}

const constraintFlagBits = 71; // §7.3.3.2, between gci_present_flag and gci_num_additional_bits

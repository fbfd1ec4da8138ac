/** Sequence parameter set of H.265: §7.3.2.2, VUI in Annex E.2.1. */

import type { BitReader } from "../../bytes/bit-reader.ts";
import { atMost, framesPerSecond, pictureSide } from "../bounds.ts";
import { maxDpbFrames } from "../limits.ts";
import { h265NalSps, openH265ParameterSet } from "./nal-unit.ts";
import { type H265ProfileTierLevel, parseH265ProfileTierLevel } from "./profile-tier-level.ts";
import { skipShortTermRefPicSets } from "./short-term-ref-pic-set.ts";

export interface H265Sps extends H265ProfileTierLevel {
  readonly maxSubLayers: number;
  readonly temporalIdNesting: boolean;
  readonly spsId: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Pixels, after the conformance window. */
  readonly width: number;
  readonly height: number;
  /** Frames that may come before another in decoding order and after it in output. */
  readonly maxNumReorderPics: number;
  /** From the VUI's timing; undefined when it has none. */
  readonly fps: number | undefined;
}

/** Parses one NAL unit of type 33, header and emulation prevention included. */
export function parseH265Sps(nal: Uint8Array): H265Sps {
  const bits = openH265ParameterSet(nal, h265NalSps, "SPS");
  bits.skip(4); // sps_video_parameter_set_id
  const maxSubLayers = atMost(bits.bits(3), 6, "sps_max_sub_layers_minus1") + 1;
  const temporalIdNesting = bits.flag();
  const profileTierLevel = parseH265ProfileTierLevel(bits, maxSubLayers);
  const spsId = atMost(bits.ue(), 15, "sps_seq_parameter_set_id");
  const chromaFormatIdc = atMost(bits.ue(), 3, "chroma_format_idc");
  const separatePlanes = chromaFormatIdc === 3 && bits.flag();
  let width = pictureSide(bits.ue(), "pic_width_in_luma_samples");
  let height = pictureSide(bits.ue(), "pic_height_in_luma_samples");
  if (bits.flag()) {
    const unitX = !separatePlanes && (chromaFormatIdc === 1 || chromaFormatIdc === 2) ? 2 : 1;
    const unitY = !separatePlanes && chromaFormatIdc === 1 ? 2 : 1;
    width = pictureSide(width - (bits.ue() + bits.ue()) * unitX, "width of the H.265 picture");
    height = pictureSide(height - (bits.ue() + bits.ue()) * unitY, "height of the H.265 picture");
  }
  const bitDepthLuma = atMost(bits.ue(), 8, "bit_depth_luma_minus8") + 8;
  const bitDepthChroma = atMost(bits.ue(), 8, "bit_depth_chroma_minus8") + 8;
  const pocLsbBits = atMost(bits.ue(), 12, "log2_max_pic_order_cnt_lsb_minus4") + 4;
  const maxNumReorderPics = skipDpbSizes(bits, maxSubLayers);
  skipCodingTools(bits, pocLsbBits);
  const fps = bits.flag() ? parseVuiFps(bits) : undefined;
  return {
    ...profileTierLevel,
    maxSubLayers,
    temporalIdNesting,
    spsId,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    width,
    height,
    maxNumReorderPics,
    fps,
  };
}

/** The picture buffer's sizes, which VPS and SPS write alike. Returns max_num_reorder_pics of the highest sub-layer. */
export function skipDpbSizes(bits: BitReader, maxSubLayers: number): number {
  let maxNumReorderPics = 0;
  for (let i = bits.flag() ? 0 : maxSubLayers - 1; i < maxSubLayers; i++) {
    const maxDecPicBuffering = atMost(bits.ue(), maxDpbFrames - 1, "max_dec_pic_buffering_minus1");
    maxNumReorderPics = atMost(bits.ue(), maxDecPicBuffering, "max_num_reorder_pics");
    bits.ue(); // max_latency_increase_plus1
  }
  return maxNumReorderPics;
}

/** From log2_min_luma_coding_block_size_minus3 to strong_intra_smoothing_enabled_flag. */
function skipCodingTools(bits: BitReader, pocLsbBits: number): void {
  for (let i = 0; i < 6; i++) bits.ue(); // block sizes and hierarchy depths
  if (bits.flag() && bits.flag()) skipScalingLists(bits);
  bits.skip(2); // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (bits.flag()) {
    bits.skip(8); // pcm_sample_bit_depth_luma_minus1, …chroma…
    bits.ue(); // log2_min_pcm_luma_coding_block_size_minus3
    bits.ue(); // log2_diff_max_min_pcm_luma_coding_block_size
    bits.skip(1); // pcm_loop_filter_disabled_flag
  }
  skipShortTermRefPicSets(bits, atMost(bits.ue(), 64, "num_short_term_ref_pic_sets"));
  if (bits.flag()) {
    const longTermCount = atMost(bits.ue(), 32, "num_long_term_ref_pics_sps");
    bits.skip(longTermCount * (pocLsbBits + 1)); // lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
  }
  bits.skip(2); // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
}

/** §7.3.4. */
function skipScalingLists(bits: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    const coefficients = Math.min(64, 1 << (4 + 2 * sizeId));
    for (let matrixId = 0; matrixId < 6; matrixId += sizeId === 3 ? 3 : 1) {
      if (!bits.flag()) {
        bits.ue(); // scaling_list_pred_matrix_id_delta
        continue;
      }
      if (sizeId > 1) bits.se(); // scaling_list_dc_coef_minus8
      for (let i = 0; i < coefficients; i++) bits.se(); // scaling_list_delta_coef
    }
  }
}

/** Nothing behind the timing is of use here, so reading ends there. */
function parseVuiFps(bits: BitReader): number | undefined {
  if (bits.flag() && bits.bits(8) === extendedSar) bits.skip(32); // sar_width, sar_height
  if (bits.flag()) bits.skip(1); // overscan_appropriate_flag
  if (bits.flag()) {
    bits.skip(4); // video_format, video_full_range_flag
    if (bits.flag()) bits.skip(24); // colour_primaries, transfer_characteristics, matrix_coeffs
  }
  if (bits.flag()) {
    bits.ue(); // chroma_sample_loc_type_top_field
    bits.ue(); // chroma_sample_loc_type_bottom_field
  }
  bits.skip(3); // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
  if (bits.flag()) for (let i = 0; i < 4; i++) bits.ue(); // default display window
  if (!bits.flag()) return undefined;
  const unitsInTick = bits.bits(32);
  return framesPerSecond(bits.bits(32), unitsInTick);
}

const extendedSar = 255;

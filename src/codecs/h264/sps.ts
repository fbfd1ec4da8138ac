/** Sequence parameter set of H.264: §7.3.2.1.1, VUI in Annex E.1.1. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, framesPerSecond, pictureSide, within } from "../bounds.ts";
import { ERR_CODEC_PARAMETER_SET } from "../errors.ts";
import { maxDpbFrames, maxPictureSide } from "../limits.ts";
import { unescapeParameterSet } from "../nal/emulation-prevention.ts";
import { h264NalSps, h264NalType } from "./nal-unit.ts";

export interface H264Sps {
  /** 66 Baseline, 77 Main, 100 High … */
  readonly profileIdc: number;
  /** constraint_set0_flag to constraint_set5_flag from the top bit down, as in avcC and in the codec string. */
  readonly constraintFlags: number;
  /** Ten times the level. */
  readonly levelIdc: number;
  readonly spsId: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly maxNumRefFrames: number;
  /** False when the stream may hold fields or field pairs. */
  readonly frameMbsOnly: boolean;
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  /** From the VUI's timing; undefined when it has none. */
  readonly fps: number | undefined;
  /** Frames that may come before another in decoding order and after it in output; from the VUI. */
  readonly maxNumReorderFrames: number | undefined;
}

/** Parses one NAL unit of type 7, header and emulation prevention included. */
export function parseH264Sps(nal: Uint8Array): H264Sps {
  const bits = new BitReader(unescapeParameterSet(nal));
  const header = bits.bits(8);
  if (header > 0x7f || h264NalType(header) !== h264NalSps) {
    throw new CodedError(ERR_CODEC_PARAMETER_SET, `expected an H.264 SPS, a NAL unit that starts with ${header} came`);
  }
  const profileIdc = bits.bits(8);
  const constraintFlags = bits.bits(8);
  const levelIdc = bits.bits(8);
  const spsId = atMost(bits.ue(), 31, "seq_parameter_set_id");
  const format = profilesWithChromaFormat.has(profileIdc) ? parseSampleFormat(bits) : format420;

  atMost(bits.ue(), 12, "log2_max_frame_num_minus4");
  skipPictureOrderCount(bits);
  const maxNumRefFrames = atMost(bits.ue(), maxDpbFrames, "max_num_ref_frames");
  bits.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthInMbs = atMost(bits.ue(), maxPictureSide / 16, "pic_width_in_mbs_minus1") + 1;
  const heightInMapUnits = atMost(bits.ue(), maxPictureSide / 16, "pic_height_in_map_units_minus1") + 1;
  const frameMbsOnly = bits.flag();
  if (!frameMbsOnly) bits.skip(1); // mb_adaptive_frame_field_flag
  bits.skip(1); // direct_8x8_inference_flag

  // §7.4.2.1.1: offsets are in units of the chroma samples, and of field lines when fields are possible.
  const linesPerMapUnit = frameMbsOnly ? 1 : 2;
  let width = widthInMbs * 16;
  let height = heightInMapUnits * 16 * linesPerMapUnit;
  if (bits.flag()) {
    width -= (bits.ue() + bits.ue()) * format.cropUnitX;
    height -= (bits.ue() + bits.ue()) * format.cropUnitY * linesPerMapUnit;
  }
  const vui = bits.flag() ? parseVui(bits) : noVui;
  return {
    profileIdc,
    constraintFlags,
    levelIdc,
    spsId,
    chromaFormatIdc: format.chromaFormatIdc,
    bitDepthLuma: format.bitDepthLuma,
    bitDepthChroma: format.bitDepthChroma,
    maxNumRefFrames,
    frameMbsOnly,
    width: pictureSide(width, "width of the H.264 picture"),
    height: pictureSide(height, "height of the H.264 picture"),
    fps: vui.fps,
    maxNumReorderFrames: vui.maxNumReorderFrames,
  };
}

interface SampleFormat {
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly cropUnitX: number;
  readonly cropUnitY: number;
}

function parseSampleFormat(bits: BitReader): SampleFormat {
  const chromaFormatIdc = atMost(bits.ue(), 3, "chroma_format_idc");
  const separatePlanes = chromaFormatIdc === 3 && bits.flag();
  const bitDepthLuma = atMost(bits.ue(), 6, "bit_depth_luma_minus8") + 8;
  const bitDepthChroma = atMost(bits.ue(), 6, "bit_depth_chroma_minus8") + 8;
  bits.skip(1); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const lists = chromaFormatIdc === 3 ? 12 : 8;
    for (let i = 0; i < lists; i++) if (bits.flag()) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  const subsampledX = !separatePlanes && (chromaFormatIdc === 1 || chromaFormatIdc === 2);
  const subsampledY = !separatePlanes && chromaFormatIdc === 1;
  return {
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    cropUnitX: subsampledX ? 2 : 1,
    cropUnitY: subsampledY ? 2 : 1,
  };
}

/** §7.3.2.1.1.1. The list ends early when the next scale becomes 0. */
function skipScalingList(bits: BitReader, size: number): void {
  let scale = 8;
  for (let i = 0; i < size && scale !== 0; i++) {
    scale = (scale + within(bits.se(), -128, 127, "delta_scale") + 256) % 256;
  }
}

function skipPictureOrderCount(bits: BitReader): void {
  const type = atMost(bits.ue(), 2, "pic_order_cnt_type");
  if (type === 0) atMost(bits.ue(), 12, "log2_max_pic_order_cnt_lsb_minus4");
  if (type === 1) {
    bits.skip(1); // delta_pic_order_always_zero_flag
    bits.se(); // offset_for_non_ref_pic
    bits.se(); // offset_for_top_to_bottom_field
    const cycle = atMost(bits.ue(), 255, "num_ref_frames_in_pic_order_cnt_cycle");
    for (let i = 0; i < cycle; i++) bits.se(); // offset_for_ref_frame
  }
}

interface Vui {
  readonly fps: number | undefined;
  readonly maxNumReorderFrames: number | undefined;
}

function parseVui(bits: BitReader): Vui {
  let fps: number | undefined;
  let maxNumReorderFrames: number | undefined;
  if (bits.flag() && bits.bits(8) === extendedSar) bits.skip(32); // sar_width, sar_height
  if (bits.flag()) bits.skip(1); // overscan_appropriate_flag
  if (bits.flag()) {
    bits.skip(4); // video_format, video_full_range_flag
    if (bits.flag()) bits.skip(24); // colour_primaries, transfer_characteristics, matrix_coefficients
  }
  if (bits.flag()) {
    bits.ue(); // chroma_sample_loc_type_top_field
    bits.ue(); // chroma_sample_loc_type_bottom_field
  }
  if (bits.flag()) {
    const unitsInTick = bits.bits(32);
    const timeScale = bits.bits(32);
    bits.skip(1); // fixed_frame_rate_flag
    fps = framesPerSecond(timeScale, 2 * unitsInTick); // a tick is a field's time
  }
  const nalHrd = bits.flag();
  if (nalHrd) skipHrd(bits);
  const vclHrd = bits.flag();
  if (vclHrd) skipHrd(bits);
  if (nalHrd || vclHrd) bits.skip(1); // low_delay_hrd_flag
  bits.skip(1); // pic_struct_present_flag
  if (bits.flag()) {
    bits.skip(1); // motion_vectors_over_pic_boundaries_flag
    for (let i = 0; i < 4; i++) bits.ue(); // max_bytes_per_pic_denom … log2_max_mv_length_vertical
    maxNumReorderFrames = atMost(bits.ue(), maxDpbFrames, "max_num_reorder_frames");
    atMost(bits.ue(), maxDpbFrames, "max_dec_frame_buffering");
  }
  return { fps, maxNumReorderFrames };
}

/** Annex E.1.2. */
function skipHrd(bits: BitReader): void {
  const count = atMost(bits.ue(), 31, "cpb_cnt_minus1") + 1;
  bits.skip(8); // bit_rate_scale, cpb_size_scale
  for (let i = 0; i < count; i++) {
    bits.ue(); // bit_rate_value_minus1
    bits.ue(); // cpb_size_value_minus1
    bits.skip(1); // cbr_flag
  }
  bits.skip(20); // three delay lengths, time_offset_length
}

const extendedSar = 255;
const format420: SampleFormat = { chromaFormatIdc: 1, bitDepthLuma: 8, bitDepthChroma: 8, cropUnitX: 2, cropUnitY: 2 };
const noVui: Vui = { fps: undefined, maxNumReorderFrames: undefined };

/** The profiles whose SPS has chroma_format_idc and what follows it. */
const profilesWithChromaFormat: ReadonlySet<number> = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);

/** Sequence header OBU of AV1: §5.5. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, framesPerSecond, pictureSide } from "../bounds.ts";
import { ERR_CODEC_PARAMETER_SET } from "../errors.ts";
import { obuSequenceHeader, parseObu } from "./obu.ts";

export interface Av1SequenceHeader extends Av1ColorConfig {
  /** 0 Main, 1 High, 2 Professional. */
  readonly profile: number;
  /** seq_level_idx of the first operating point: level 2.0 is 0, 2.1 is 1, 3.0 is 4 … */
  readonly levelIdx: number;
  readonly highTier: boolean;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** When the header promises a constant rate. */
  readonly fps: number | undefined;
}

interface Av1ColorConfig {
  readonly bitDepth: number;
  readonly monochrome: boolean;
  readonly subsamplingX: boolean;
  readonly subsamplingY: boolean;
  readonly chromaSamplePosition: number;
}

/** Parses one OBU of type 1, with its OBU header and with or without its size. */
export function parseAv1SequenceHeader(obu: Uint8Array): Av1SequenceHeader {
  const { type, payload } = parseObu(new ByteReader(obu));
  if (type !== obuSequenceHeader) {
    throw new CodedError(ERR_CODEC_PARAMETER_SET, `expected an AV1 sequence header, an OBU of type ${type} came`);
  }
  const bits = new BitReader(payload);
  const profile = atMost(bits.bits(3), 2, "seq_profile");
  bits.skip(1); // still_picture
  const reduced = bits.flag(); // reduced_still_picture_header
  const operation = reduced ? { levelIdx: bits.bits(5), highTier: false, fps: undefined } : parseOperation(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const width = pictureSide(bits.bits(widthBits) + 1, "max_frame_width");
  const height = pictureSide(bits.bits(heightBits) + 1, "max_frame_height");
  skipTools(bits, reduced);
  return { profile, ...operation, width, height, ...parseColorConfig(bits, profile) };
}

/** From timing_info_present_flag through the operating points. */
function parseOperation(bits: BitReader): { levelIdx: number; highTier: boolean; fps: number | undefined } {
  let fps: number | undefined;
  let delayBits = 0;
  if (bits.flag()) {
    const unitsInTick = bits.bits(32);
    const timeScale = bits.bits(32);
    if (bits.flag()) fps = framesPerSecond(timeScale, unitsInTick * (bits.ue() + 1)); // uvlc() is ue(v)
    if (bits.flag()) {
      delayBits = bits.bits(5) + 1; // buffer_delay_length_minus_1
      bits.skip(32 + 10); // num_units_in_decoding_tick, two lengths
    }
  }
  const initialDelay = bits.flag();
  const count = bits.bits(5) + 1;
  let levelIdx = 0;
  let highTier = false;
  for (let i = 0; i < count; i++) {
    bits.skip(12); // operating_point_idc
    const level = bits.bits(5);
    const tier = level > 7 && bits.flag();
    if (i === 0) {
      levelIdx = level;
      highTier = tier;
    }
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1); // operating_parameters_info
    if (initialDelay && bits.flag()) bits.skip(4); // initial_display_delay_minus_1
  }
  return { levelIdx, highTier, fps };
}

/** From frame_id_numbers_present_flag to enable_restoration. */
function skipTools(bits: BitReader, reduced: boolean): void {
  if (!reduced && bits.flag()) bits.skip(7); // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
  bits.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!reduced) {
    bits.skip(4); // enable_interintra_compound … enable_dual_filter
    const orderHint = bits.flag();
    if (orderHint) bits.skip(2); // enable_jnt_comp, enable_ref_frame_mvs
    const screenContentTools = bits.flag() || bits.flag(); // chosen by each frame, or on for all
    if (screenContentTools && !bits.flag()) bits.skip(1); // seq_choose_integer_mv, seq_force_integer_mv
    if (orderHint) bits.skip(3); // order_hint_bits_minus_1
  }
  bits.skip(3); // enable_superres, enable_cdef, enable_restoration
}

/** §5.5.2. */
function parseColorConfig(bits: BitReader, profile: number): Av1ColorConfig {
  const highBitDepth = bits.flag();
  const twelveBit = profile === 2 && highBitDepth && bits.flag();
  const bitDepth = twelveBit ? 12 : highBitDepth ? 10 : 8;
  const monochrome = profile !== 1 && bits.flag();
  const description = bits.flag() ? bits.bits(24) : unspecifiedColors;
  if (monochrome) {
    bits.skip(1); // color_range
    return { bitDepth, monochrome, subsamplingX: true, subsamplingY: true, chromaSamplePosition: 0 };
  }
  if (description === sRgbColors) {
    return { bitDepth, monochrome, subsamplingX: false, subsamplingY: false, chromaSamplePosition: 0 };
  }
  bits.skip(1); // color_range
  const subsamplingX = twelveBit ? bits.flag() : profile !== 1;
  const subsamplingY = twelveBit ? subsamplingX && bits.flag() : profile === 0;
  const chromaSamplePosition = subsamplingX && subsamplingY ? bits.bits(2) : 0;
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition };
}

const unspecifiedColors = 0x020202;
const sRgbColors = 0x010d00; // CP_BT_709, TC_SRGB, MC_IDENTITY

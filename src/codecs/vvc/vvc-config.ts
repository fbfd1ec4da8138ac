/** VvcDecoderConfigurationRecord, the configuration of a VVC track: ISO/IEC 14496-15 §11.2.4.2.2. */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, within } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxPictureSide } from "../limits.ts";
import { type NalLengthSize, parseNalLengthSize } from "../nal/length-prefixed.ts";
import {
  type ParameterSetArray,
  parseParameterSetArrays,
  writeParameterSetArrays,
} from "../nal/parameter-set-arrays.ts";
import { vvcNalDci, vvcNalOpi, vvcNalPps, vvcNalSps, vvcNalVps } from "./nal-unit.ts";
import { parseVvcSps, type VvcProfileTierLevel } from "./sps.ts";

export interface VvcConfig {
  readonly lengthSize: NalLengthSize;
  /** Undefined when the record has no profile, tier and level. */
  readonly native: VvcNativeConfig | undefined;
  readonly arrays: readonly ParameterSetArray[];
}

export interface VvcNativeConfig extends VvcProfileTierLevel {
  readonly numSubLayers: number;
  readonly chromaFormatIdc: number;
  readonly bitDepth: number;
  /** Two flags and general_constraint_info, as they stand in the record; a view. */
  readonly constraintInfo: Uint8Array;
  /** Pixels; 0 when not known. */
  readonly maxPictureWidth: number;
  readonly maxPictureHeight: number;
  /** Frames in 256 seconds; 0 when not known. */
  readonly avgFrameRate: number;
}

/** Parses a record, with or without the version and flags that it has as an ISO box. Bytes after it are passed over. */
export function parseVvcConfig(bytes: Uint8Array): VvcConfig {
  const reader = new ByteReader(bytes);
  if (bytes.length > fullBoxHeader && bytes.subarray(0, fullBoxHeader).every((byte) => byte === 0)) {
    reader.skip(fullBoxHeader);
  }
  const head = reader.u8();
  if (head < 0xf8) {
    throw new CodedError(
      ERR_CODEC_CONFIG,
      `expected a VvcDecoderConfigurationRecord, one that starts with ${head} came`,
    );
  }
  const lengthSize = parseNalLengthSize(head >> 1);
  const native = (head & 1) === 1 ? parseNative(reader) : undefined;
  const arrays = parseParameterSetArrays(reader, 0x1f, (type) => type !== vvcNalDci && type !== vvcNalOpi);
  return { lengthSize, native, arrays };
}

function parseNative(reader: ByteReader): VvcNativeConfig {
  const layers = reader.u16(); // ols_idx 9, num_sublayers 3, constant_frame_rate 2, chroma_format_idc 2
  const numSubLayers = (layers >> 4) & 7;
  const bitDepth = (reader.u8() >> 5) + 8;
  const constraintLength = within(reader.u8() & 0x3f, 1, 0x3f, "num_bytes_constraint_info");
  const profile = reader.u8();
  const levelIdc = reader.u8();
  const constraintInfo = reader.view(constraintLength);
  if (numSubLayers > 1) {
    // The flags stand in the top bits, for at most 7 sub-layers but the highest.
    const present = reader.u8() >> (9 - numSubLayers);
    reader.skip(countBits(present)); // sublayer_level_idc
  }
  reader.skip(4 * reader.u8()); // general_sub_profile_idc
  const maxPictureWidth = atMost(reader.u16(), maxPictureSide, "max_picture_width");
  const maxPictureHeight = atMost(reader.u16(), maxPictureSide, "max_picture_height");
  return {
    profileIdc: profile >> 1,
    highTier: (profile & 1) === 1,
    levelIdc,
    numSubLayers,
    chromaFormatIdc: layers & 3,
    bitDepth,
    constraintInfo,
    maxPictureWidth,
    maxPictureHeight,
    avgFrameRate: reader.u16(),
  };
}

/** Writes a record without the version and flags of the box; without sub-layer levels, sub-profiles, DCI and OPI. */
export function writeVvcConfig({ lengthSize, native, arrays }: VvcConfig): Uint8Array {
  assert(!arrays.some(({ nalType }) => nalType === vvcNalDci || nalType === vvcNalOpi), "DCI and OPI are not written");
  const writer = new ByteWriter();
  writer.u8(0xf8 | ((lengthSize - 1) << 1) | (native === undefined ? 0 : 1));
  if (native !== undefined) {
    const { constraintInfo, numSubLayers } = native;
    assert(constraintInfo.length >= 1 && constraintInfo.length <= 0x3f, "constraint info has 1 to 63 bytes");
    writer.u16((numSubLayers << 4) | native.chromaFormatIdc).u8(((native.bitDepth - 8) << 5) | 0x1f);
    writer
      .u8(constraintInfo.length)
      .u8((native.profileIdc << 1) | (native.highTier ? 1 : 0))
      .u8(native.levelIdc);
    writer.put(constraintInfo);
    if (numSubLayers > 1) writer.u8(0); // no sublayer_level_present_flag
    writer.u8(0); // ptl_num_sub_profiles
    writer.u16(native.maxPictureWidth).u16(native.maxPictureHeight).u16(native.avgFrameRate);
  }
  writeParameterSetArrays(writer, arrays);
  return writer.finish();
}

/** The configuration of a track that is known by its parameter sets, which are kept as they are; for lengths of 4 bytes. */
export function vvcConfigOf(
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
): VvcConfig {
  const first = sps[0];
  if (first === undefined || pps.length === 0) {
    throw new CodedError(ERR_CODEC_CONFIG, "a VVC track needs an SPS and a PPS");
  }
  const { profileTierLevel, maxSubLayers, chromaFormatIdc, bitDepth, width, height } = parseVvcSps(first);
  const native = profileTierLevel && {
    ...profileTierLevel,
    numSubLayers: maxSubLayers,
    chromaFormatIdc,
    bitDepth: bitDepth ?? usualBitDepth,
    maxPictureWidth: width,
    maxPictureHeight: height,
    avgFrameRate: 0,
  };
  const arrays = [
    { nalType: vvcNalVps, complete: false, units: vps },
    { nalType: vvcNalSps, complete: false, units: sps },
    { nalType: vvcNalPps, complete: false, units: pps },
  ].filter(({ units }) => units.length > 0);
  return { lengthSize: 4, native, arrays };
}

const usualBitDepth = 10; // of Main 10, which is also the profile of nearly all that is encoded with 8 bits

function countBits(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

const fullBoxHeader = 4;

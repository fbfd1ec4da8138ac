/** VvcDecoderConfigurationRecord, the configuration of a VVC track: ISO/IEC 14496-15 §11.2.4.2.2. */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, within } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxPictureSide } from "../limits.ts";
import { type NalLengthSize, parseNalLengthSize } from "../nal/length-prefixed.ts";
import { type ParameterSetArray, parseParameterSetArrays } from "../nal/parameter-set-arrays.ts";
import { vvcNalDci, vvcNalOpi } from "./nal-unit.ts";
import type { VvcProfileTierLevel } from "./sps.ts";

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

function countBits(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

const fullBoxHeader = 4;

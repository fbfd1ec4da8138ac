/** HEVCDecoderConfigurationRecord, the configuration of an H.265 track: ISO/IEC 14496-15 §8.3.3.1.2. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { type NalLengthSize, parseNalLengthSize } from "../nal/length-prefixed.ts";
import {
  type ParameterSetArray,
  parseParameterSetArrays,
  writeParameterSetArrays,
} from "../nal/parameter-set-arrays.ts";
import { h265NalPps, h265NalSps, h265NalVps } from "./nal-unit.ts";
import { type H265ProfileTierLevel, parseH265Profile } from "./profile-tier-level.ts";
import { parseH265Sps } from "./sps.ts";

export interface HevcConfig extends H265ProfileTierLevel {
  readonly minSpatialSegmentationIdc: number;
  readonly parallelismType: number;
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Frames in 256 seconds; 0 when not known. */
  readonly avgFrameRate: number;
  readonly constantFrameRate: number;
  readonly numTemporalLayers: number;
  readonly temporalIdNested: boolean;
  readonly lengthSize: NalLengthSize;
  readonly arrays: readonly ParameterSetArray[];
}

/** Parses a record. Bytes after it are passed over. */
export function parseHevcConfig(bytes: Uint8Array): HevcConfig {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  // Encoders from before the standard was final write 0.
  if (version > 1) {
    throw new CodedError(ERR_CODEC_CONFIG, `expected version 1 of an HEVCDecoderConfigurationRecord, ${version} came`);
  }
  const profile = parseH265Profile(new BitReader(reader.view(profileLength)));
  const levelIdc = reader.u8();
  const minSpatialSegmentationIdc = reader.u16() & 0xfff;
  const parallelismType = reader.u8() & 3;
  const chromaFormatIdc = reader.u8() & 3;
  const bitDepthLuma = (reader.u8() & 7) + 8;
  const bitDepthChroma = (reader.u8() & 7) + 8;
  const avgFrameRate = reader.u16();
  const layers = reader.u8();
  return {
    ...profile,
    levelIdc,
    minSpatialSegmentationIdc,
    parallelismType,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    avgFrameRate,
    constantFrameRate: layers >> 6,
    numTemporalLayers: (layers >> 3) & 7,
    temporalIdNested: (layers & 4) !== 0,
    lengthSize: parseNalLengthSize(layers),
    arrays: parseParameterSetArrays(reader, 0x3f, () => true),
  };
}

export function writeHevcConfig(config: HevcConfig): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(1);
  writer.u8((config.profileSpace << 6) | (config.highTier ? 0x20 : 0) | config.profileIdc);
  writer.u32(config.compatibilityFlags);
  writer.u16(config.constraintFlagsHigh).u32(config.constraintFlagsLow);
  writer.u8(config.levelIdc);
  writer.u16(0xf000 | config.minSpatialSegmentationIdc);
  writer.u8(0xfc | config.parallelismType);
  writer.u8(0xfc | config.chromaFormatIdc);
  writer.u8(0xf8 | (config.bitDepthLuma - 8));
  writer.u8(0xf8 | (config.bitDepthChroma - 8));
  writer.u16(config.avgFrameRate);
  const nested = config.temporalIdNested ? 4 : 0;
  writer.u8((config.constantFrameRate << 6) | (config.numTemporalLayers << 3) | nested | (config.lengthSize - 1));
  writeParameterSetArrays(writer, config.arrays);
  return writer.finish();
}

/** The configuration of a track that is known by its parameter sets, which are kept as they are; for lengths of 4 bytes. */
export function hevcConfigOf(
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
): HevcConfig {
  const first = sps[0];
  if (first === undefined || pps.length === 0) {
    throw new CodedError(ERR_CODEC_CONFIG, "an H.265 track needs an SPS and a PPS");
  }
  const { profileSpace, highTier, profileIdc, compatibilityFlags, constraintFlagsHigh, constraintFlagsLow, ...rest } =
    parseH265Sps(first);
  // Not complete: senders repeat them before key frames, and they stay there.
  const arrays = [
    { nalType: h265NalVps, complete: false, units: vps },
    { nalType: h265NalSps, complete: false, units: sps },
    { nalType: h265NalPps, complete: false, units: pps },
  ].filter(({ units }) => units.length > 0);
  return {
    profileSpace,
    highTier,
    profileIdc,
    compatibilityFlags,
    constraintFlagsHigh,
    constraintFlagsLow,
    levelIdc: rest.levelIdc,
    minSpatialSegmentationIdc: 0,
    parallelismType: 0,
    chromaFormatIdc: rest.chromaFormatIdc,
    bitDepthLuma: rest.bitDepthLuma,
    bitDepthChroma: rest.bitDepthChroma,
    avgFrameRate: 0,
    constantFrameRate: 0,
    numTemporalLayers: rest.maxSubLayers,
    temporalIdNested: rest.temporalIdNesting,
    lengthSize: 4,
    arrays,
  };
}

const profileLength = 11; // 88 bits

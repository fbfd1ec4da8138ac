/**
 * VPCodecConfigurationRecord, the configuration of a VP8 or VP9 track: VP Codec ISO Media File Format Binding, "Syntax".
 *
 * Enhanced RTMP v2 names the record; FFmpeg puts version and flags of the ISO box before it (01 00 00 00). That is the form
 * that is written here; both are read, which is safe because a bare record would have a bit depth of 0 there.
 */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";

export interface VpcConfig {
  readonly profile: number;
  /** Ten times the level; 0 when not known. */
  readonly level: number;
  readonly bitDepth: number;
  /** 0 and 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaSubsampling: number;
  readonly fullRange: boolean;
  /** As in ISO/IEC 23091-2. */
  readonly colourPrimaries: number;
  readonly transferCharacteristics: number;
  readonly matrixCoefficients: number;
}

export function parseVpcConfig(bytes: Uint8Array): VpcConfig {
  const reader = new ByteReader(bytes);
  if (hasBoxHeader(bytes)) reader.skip(boxHeader.length);
  const profile = reader.u8();
  const level = reader.u8();
  const samples = reader.u8();
  const config: VpcConfig = {
    profile,
    level,
    bitDepth: samples >> 4,
    chromaSubsampling: (samples >> 1) & 7,
    fullRange: (samples & 1) === 1,
    colourPrimaries: reader.u8(),
    transferCharacteristics: reader.u8(),
    matrixCoefficients: reader.u8(),
  };
  if (profile > 3 || ![8, 10, 12].includes(config.bitDepth)) {
    throw new CodedError(ERR_CODEC_CONFIG, `the vpcC has profile ${profile} and bit depth ${config.bitDepth}`);
  }
  const initializationBytes = reader.u16();
  if (initializationBytes !== 0) {
    throw new CodedError(
      ERR_CODEC_CONFIG,
      `codecInitializationDataSize is ${initializationBytes}, for VP8 and VP9 it is 0`,
    );
  }
  return config;
}

/** Writes the record with version and flags before it. */
export function writeVpcConfig(config: VpcConfig): Uint8Array {
  assert([8, 10, 12].includes(config.bitDepth), "VP9 has 8, 10 or 12 bits");
  const writer = new ByteWriter(boxHeader.length + recordLength);
  writer.put(boxHeader).u8(config.profile).u8(config.level);
  writer.u8((config.bitDepth << 4) | (config.chromaSubsampling << 1) | (config.fullRange ? 1 : 0));
  writer.u8(config.colourPrimaries).u8(config.transferCharacteristics).u8(config.matrixCoefficients);
  return writer.u16(0).finish();
}

/** Version 1, no flags. */
const boxHeader = Uint8Array.of(1, 0, 0, 0);
const recordLength = 8;

function hasBoxHeader(bytes: Uint8Array): boolean {
  return bytes.length > recordLength && boxHeader.every((byte, i) => bytes[i] === byte);
}

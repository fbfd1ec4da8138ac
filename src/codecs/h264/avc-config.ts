/** AVCDecoderConfigurationRecord, the configuration of an H.264 track: ISO/IEC 14496-15 §5.3.3.1.2. */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxParameterSetBytes } from "../limits.ts";
import { type NalLengthSize, parseNalLengthSize } from "../nal/length-prefixed.ts";
import { parseH264Sps } from "./sps.ts";

export interface AvcConfig {
  readonly profileIdc: number;
  /** The constraint flags, as in the SPS. */
  readonly profileCompatibility: number;
  readonly levelIdc: number;
  readonly lengthSize: NalLengthSize;
  /** NAL units; when parsed, views of the record. */
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
  /** The part that High profiles add; many writers leave it out. */
  readonly high: AvcHighConfig | undefined;
}

export interface AvcHighConfig {
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly spsExt: readonly Uint8Array[];
}

/** Parses a record. Bytes after it are passed over. */
export function parseAvcConfig(bytes: Uint8Array): AvcConfig {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== 1) {
    throw new CodedError(ERR_CODEC_CONFIG, `expected version 1 of an AVCDecoderConfigurationRecord, ${version} came`);
  }
  const profileIdc = reader.u8();
  const profileCompatibility = reader.u8();
  const levelIdc = reader.u8();
  const lengthSize = parseNalLengthSize(reader.u8());
  const sps = parseUnits(reader, reader.u8() & 0x1f);
  const pps = parseUnits(reader, reader.u8());
  const high = hasHighPart(profileIdc) && reader.left >= highPartLength ? parseHighPart(reader) : undefined;
  return { profileIdc, profileCompatibility, levelIdc, lengthSize, sps, pps, high };
}

export function writeAvcConfig(config: AvcConfig): Uint8Array {
  assert(config.sps.length <= 31 && config.pps.length <= 255, "an avcC holds at most 31 SPS and 255 PPS");
  const writer = new ByteWriter();
  writer.u8(1).u8(config.profileIdc).u8(config.profileCompatibility).u8(config.levelIdc);
  writer.u8(0xfc | (config.lengthSize - 1));
  writer.u8(0xe0 | config.sps.length);
  writeUnits(writer, config.sps);
  writer.u8(config.pps.length);
  writeUnits(writer, config.pps);
  if (config.high !== undefined && hasHighPart(config.profileIdc)) {
    const { chromaFormatIdc, bitDepthLuma, bitDepthChroma, spsExt } = config.high;
    assert(spsExt.length <= 255, "an avcC holds at most 255 SPS extensions");
    writer.u8(0xfc | chromaFormatIdc);
    writer.u8(0xf8 | (bitDepthLuma - 8));
    writer.u8(0xf8 | (bitDepthChroma - 8));
    writer.u8(spsExt.length);
    writeUnits(writer, spsExt);
  }
  return writer.finish();
}

/** The configuration of a track that is known by its parameter sets, which are kept as they are; for lengths of 4 bytes. */
export function avcConfigOf(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): AvcConfig {
  const first = sps[0];
  if (first === undefined || pps.length === 0) {
    throw new CodedError(ERR_CODEC_CONFIG, "an H.264 track needs an SPS and a PPS");
  }
  const { profileIdc, constraintFlags, levelIdc, chromaFormatIdc, bitDepthLuma, bitDepthChroma } = parseH264Sps(first);
  const high = hasHighPart(profileIdc) ? { chromaFormatIdc, bitDepthLuma, bitDepthChroma, spsExt: [] } : undefined;
  return { profileIdc, profileCompatibility: constraintFlags, levelIdc, lengthSize: 4, sps, pps, high };
}

const highPartLength = 4;

function hasHighPart(profileIdc: number): boolean {
  return profileIdc !== 66 && profileIdc !== 77 && profileIdc !== 88;
}

function parseHighPart(reader: ByteReader): AvcHighConfig {
  const chromaFormatIdc = reader.u8() & 3;
  const bitDepthLuma = (reader.u8() & 7) + 8;
  const bitDepthChroma = (reader.u8() & 7) + 8;
  return { chromaFormatIdc, bitDepthLuma, bitDepthChroma, spsExt: parseUnits(reader, reader.u8()) };
}

function parseUnits(reader: ByteReader, count: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let i = 0; i < count; i++) units.push(reader.view(reader.u16()));
  if (units.some((unit) => unit.length === 0)) {
    throw new CodedError(ERR_CODEC_CONFIG, "a parameter set in the AVCDecoderConfigurationRecord is empty");
  }
  return units;
}

function writeUnits(writer: ByteWriter, units: readonly Uint8Array[]): void {
  for (const unit of units)
    writer.u16(atMost(unit.length, maxParameterSetBytes, "length of the parameter set")).put(unit);
}

/** AV1CodecConfigurationRecord, the configuration of an AV1 track: AV1 in ISOBMFF §2.3. */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";

export interface Av1Config {
  readonly profile: number;
  readonly levelIdx: number;
  readonly highTier: boolean;
  readonly bitDepth: number;
  readonly monochrome: boolean;
  readonly subsamplingX: boolean;
  readonly subsamplingY: boolean;
  readonly chromaSamplePosition: number;
  /** Frames that a decoder holds back at the start; undefined when not told. */
  readonly initialPresentationDelay: number | undefined;
  /** OBUs that stand before every frame, the sequence header first; may be empty. When parsed, a view. */
  readonly configObus: Uint8Array;
}

export function parseAv1Config(bytes: Uint8Array): Av1Config {
  const reader = new ByteReader(bytes);
  const marker = reader.u8();
  if (marker !== markerAndVersion) {
    throw new CodedError(ERR_CODEC_CONFIG, `expected version 1 of an av1C (129), one that starts with ${marker} came`);
  }
  const level = reader.u8();
  const color = reader.u8();
  const delay = reader.u8();
  const highBitDepth = (color & 0x40) !== 0;
  return {
    profile: level >> 5,
    levelIdx: level & 0x1f,
    highTier: (color & 0x80) !== 0,
    bitDepth: highBitDepth ? ((color & 0x20) !== 0 ? 12 : 10) : 8,
    monochrome: (color & 0x10) !== 0,
    subsamplingX: (color & 8) !== 0,
    subsamplingY: (color & 4) !== 0,
    chromaSamplePosition: color & 3,
    initialPresentationDelay: (delay & 0x10) !== 0 ? (delay & 0xf) + 1 : undefined,
    configObus: reader.rest(),
  };
}

export function writeAv1Config(config: Av1Config): Uint8Array {
  const { bitDepth, initialPresentationDelay: delay } = config;
  const writer = new ByteWriter(4 + config.configObus.length);
  writer.u8(markerAndVersion);
  writer.u8((config.profile << 5) | config.levelIdx);
  writer.u8(
    (config.highTier ? 0x80 : 0) |
      (bitDepth > 8 ? 0x40 : 0) |
      (bitDepth > 10 ? 0x20 : 0) |
      (config.monochrome ? 0x10 : 0) |
      (config.subsamplingX ? 8 : 0) |
      (config.subsamplingY ? 4 : 0) |
      config.chromaSamplePosition,
  );
  writer.u8(delay === undefined ? 0 : 0x10 | (delay - 1));
  return writer.put(config.configObus).finish();
}

const markerAndVersion = 0x81;

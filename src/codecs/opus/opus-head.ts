/** OpusHead, the identification header of an Opus track, with its magic: RFC 7845 §5.1. */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";

export interface OpusHead {
  /** The upper four bits are 0; 1 in all that is written today. */
  readonly version: number;
  readonly channels: number;
  /** Samples at 48 kHz to drop at the start. */
  readonly preSkip: number;
  /** Of the source, for information; Opus itself always decodes to 48 kHz. */
  readonly inputSampleRate: number;
  /** 1/256 dB. */
  readonly outputGain: number;
  /** 0 mono or stereo, 1 Vorbis order, 255 no meaning. */
  readonly mappingFamily: number;
  /** Absent for family 0. */
  readonly mapping: OpusChannelMapping | undefined;
}

export interface OpusChannelMapping {
  readonly streamCount: number;
  readonly coupledCount: number;
  /** One index for each channel; 255 is silence. When parsed, a view. */
  readonly indexes: Uint8Array;
}

export function parseOpusHead(bytes: Uint8Array): OpusHead {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== magicHigh || reader.u32() !== magicLow) {
    throw new CodedError(ERR_CODEC_CONFIG, "expected the magic OpusHead at the start of the Opus configuration");
  }
  const version = reader.u8();
  if (version > 15) throw new CodedError(ERR_CODEC_CONFIG, `expected OpusHead of version 0 to 15, ${version} came`);
  const channels = reader.u8();
  const preSkip = reader.u16le();
  const inputSampleRate = reader.u32le();
  const outputGain = (reader.u16le() << 16) >> 16;
  const mappingFamily = reader.u8();
  if (channels === 0 || (mappingFamily === 0 && channels > 2)) {
    throw new CodedError(ERR_CODEC_CONFIG, `OpusHead has ${channels} channels in mapping family ${mappingFamily}`);
  }
  const mapping = mappingFamily === 0 ? undefined : parseMapping(reader, channels);
  return { version, channels, preSkip, inputSampleRate, outputGain, mappingFamily, mapping };
}

export function writeOpusHead(head: OpusHead): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(magicHigh).u32(magicLow).u8(head.version).u8(head.channels);
  writer.u8(head.preSkip).u8(head.preSkip >> 8);
  writer.u32le(head.inputSampleRate);
  writer.u8(head.outputGain).u8(head.outputGain >> 8);
  writer.u8(head.mappingFamily);
  if (head.mapping !== undefined) {
    writer.u8(head.mapping.streamCount).u8(head.mapping.coupledCount).put(head.mapping.indexes);
  }
  return writer.finish();
}

function parseMapping(reader: ByteReader, channels: number): OpusChannelMapping {
  const streamCount = reader.u8();
  const coupledCount = reader.u8();
  const indexes = reader.view(channels);
  const decodedChannels = streamCount + coupledCount;
  if (streamCount === 0 || coupledCount > streamCount || decodedChannels > 255) {
    throw new CodedError(ERR_CODEC_CONFIG, `OpusHead has ${streamCount} streams of which ${coupledCount} are coupled`);
  }
  if (indexes.some((index) => index >= decodedChannels && index !== 255)) {
    throw new CodedError(ERR_CODEC_CONFIG, `OpusHead maps a channel above the ${decodedChannels} that are decoded`);
  }
  return { streamCount, coupledCount, indexes };
}

const magicHigh = 0x4f707573; // Opus
const magicLow = 0x48656164; // Head

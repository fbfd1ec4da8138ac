/**
 * StreamMuxConfig, the configuration of a LATM multiplex: ISO/IEC 14496-3 §1.7.3, table 1.42. RTP has it in SDP or in the stream
 * (RFC 6416). Only what live senders use: one programme of one layer, in which all frames keep step.
 */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { within } from "../bounds.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { maxLatmBits } from "../limits.ts";
import {
  parseAudioSpecificConfig,
  readAudioSpecificConfig,
  writeAudioSpecificConfig,
} from "./audio-specific-config.ts";
import { BitWriter } from "./bit-writer.ts";

export interface StreamMuxConfig {
  /** AudioSpecificConfig, filled up to whole bytes; its own memory. */
  readonly audioSpecificConfig: Uint8Array;
  /** Access units in each AudioMuxElement, 1 to 64. */
  readonly subFrameCount: number;
  /** Bytes of each access unit where they have no lengths (frameLengthType 1), otherwise undefined. */
  readonly fixedFrameBytes: number | undefined;
  /** Bits behind the access units of an AudioMuxElement, to be passed over. */
  readonly otherDataBits: number;
}

/** Parses the configuration of an SDP. GStreamer ends it behind the AudioSpecificConfig; what is missing is then the usual. */
export function parseStreamMuxConfig(bytes: Uint8Array): StreamMuxConfig {
  return readConfig(bytes, new BitReader(bytes), true);
}

/** Reads the configuration at the place where `bits`, a reader over `bytes`, is, and leaves that behind it. */
export function readStreamMuxConfig(bytes: Uint8Array, bits: BitReader): StreamMuxConfig {
  return readConfig(bytes, bits, false);
}

/** Writes the configuration (version 0) of a multiplex of one access unit in each AudioMuxElement. */
export function writeStreamMuxConfig(audioSpecificConfig: Uint8Array): Uint8Array {
  const config = parseAudioSpecificConfig(audioSpecificConfig);
  // Version 0 has no length for it, so an extension behind it would not be found: it goes in front.
  const embedded = config.backwardCompatible
    ? writeAudioSpecificConfig({ ...config, backwardCompatible: false })
    : audioSpecificConfig;
  const embeddedBits = new BitReader(embedded);
  readAudioSpecificConfig(embeddedBits, false);
  const writer = new BitWriter();
  writer.bits(0, 1).bits(1, 1).bits(0, 6).bits(0, 4).bits(0, 3); // version 0, same framing, 1 subframe, programme, layer
  const source = new BitReader(embedded);
  for (let left = embeddedBits.bitOffset; left > 0; left -= 8) {
    const count = Math.min(left, 8);
    writer.bits(source.bits(count), count);
  }
  writer.bits(0, 3).bits(0xff, 8); // frameLengthType 0, latmBufferFullness: variable rate
  writer.bits(0, 1).bits(0, 1); // no other data, no CRC
  return writer.finish();
}

/** `count` bits from where `bits`, a reader over `bytes`, is; as their own memory, filled up with zeros. */
export function takeBits(bytes: Uint8Array, bits: BitReader, count: number): Uint8Array {
  const wholeBytes = count >> 3;
  const start = bits.bitOffset;
  bits.skip(count); // throws before anything is allocated
  if (start % 8 === 0 && count % 8 === 0) return bytes.slice(start >> 3, (start >> 3) + wholeBytes);
  const source = new BitReader(bytes, start);
  const taken = new Uint8Array((count + 7) >> 3);
  for (let i = 0; i < wholeBytes; i++) taken[i] = source.bits(8);
  if (count % 8 > 0) taken[wholeBytes] = source.bits(count % 8) << (8 - (count % 8));
  return taken;
}

function readConfig(bytes: Uint8Array, bits: BitReader, mayEndEarly: boolean): StreamMuxConfig {
  const version = bits.bits(1);
  if (version === 1 && bits.flag()) {
    throw new CodedError(ERR_CODEC_UNSUPPORTED, "the StreamMuxConfig has audioMuxVersionA 1, which is reserved");
  }
  if (version === 1) readLatmValue(bits); // taraBufferFullness
  const allStreamsSameTimeFraming = bits.flag();
  const subFrameCount = bits.bits(6) + 1;
  const programCount = bits.bits(4) + 1;
  const layerCount = bits.bits(3) + 1;
  if (!allStreamsSameTimeFraming || programCount > 1 || layerCount > 1) {
    throw new CodedError(
      ERR_CODEC_UNSUPPORTED,
      `the LATM multiplex has ${programCount} programmes of ${layerCount} layers, only one of one is supported`,
    );
  }
  const audioSpecificConfig = version === 0 ? readBareConfig(bytes, bits) : readSizedConfig(bytes, bits);
  if (mayEndEarly && bits.bitsLeft < leastTailBits) {
    return { audioSpecificConfig, subFrameCount, fixedFrameBytes: undefined, otherDataBits: 0 };
  }
  const frameLengthType = bits.bits(3);
  let fixedFrameBytes: number | undefined;
  if (frameLengthType === 0)
    bits.skip(8); // latmBufferFullness
  else if (frameLengthType === 1) fixedFrameBytes = bits.bits(9) + 20;
  else throw new CodedError(ERR_CODEC_UNSUPPORTED, `LATM frameLengthType ${frameLengthType} is not of AAC`);
  const otherDataBits = bits.flag() ? readOtherDataBits(bits, version) : 0;
  if (bits.flag()) bits.skip(8); // crcCheckSum
  return { audioSpecificConfig, subFrameCount, fixedFrameBytes, otherDataBits };
}

function readBareConfig(bytes: Uint8Array, bits: BitReader): Uint8Array {
  const start = bits.bitOffset;
  const probe = new BitReader(bytes, start);
  readAudioSpecificConfig(probe, false);
  // GStreamer leaves the extension where it was. What it would be otherwise is a frameLengthType that does not exist.
  const hasExtension = probe.bitsLeft >= 16 && new BitReader(bytes, probe.bitOffset).bits(11) === extensionSync;
  readAudioSpecificConfig(bits, hasExtension);
  return takeBits(bytes, new BitReader(bytes, start), bits.bitOffset - start);
}

function readSizedConfig(bytes: Uint8Array, bits: BitReader): Uint8Array {
  const length = within(readLatmValue(bits), 1, maxLatmBits, "ascLen of the StreamMuxConfig");
  const config = takeBits(bytes, bits, length);
  parseAudioSpecificConfig(config);
  return config;
}

/** Table 1.43. */
function readLatmValue(bits: BitReader): number {
  return bits.bits(8 * (bits.bits(2) + 1));
}

function readOtherDataBits(bits: BitReader, version: number): number {
  let count = 0;
  if (version === 1) {
    count = readLatmValue(bits);
  } else {
    for (let hasMore = true; hasMore; ) {
      hasMore = bits.flag();
      count = count * 256 + bits.bits(8);
      if (count > maxLatmBits) break;
    }
  }
  if (count > maxLatmBits) {
    throw new CodedError(ERR_CODEC_CONFIG, `the LATM multiplex announces ${count} bits of other data`);
  }
  return count;
}

const leastTailBits = 13; // frameLengthType, latmBufferFullness, otherDataPresent, crcCheckPresent
const extensionSync = 0x2b7; // ISO/IEC 14496-3 §1.6.6.2

/** The header of an ADTS frame, which carries AAC where there is no AudioSpecificConfig: ISO/IEC 13818-7 §6.2. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER, ERR_CODEC_LIMIT, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import type { AudioSpecificConfig } from "./audio-specific-config.ts";
import { aacChannels, aacSampleRate, aacSampleRateIndex } from "./channels.ts";

export interface AdtsHeader {
  /** 1 Main, 2 LC, 3 SSR, 4 LTP. */
  readonly objectType: number;
  readonly sampleRate: number;
  readonly channelConfiguration: number;
  /** 0 when only the frame tells. */
  readonly channels: number;
  /** Bytes of the frame, this header included. */
  readonly frameLength: number;
  /** 7, or 9 with a checksum. */
  readonly headerLength: number;
}

/** Bytes that {@link writeAdtsHeader} writes. */
export const adtsHeaderLength = 7;

/** Parses the header at the start of `bytes`; the frame itself need not be there. */
export function parseAdtsHeader(bytes: Uint8Array): AdtsHeader {
  const bits = new BitReader(bytes);
  const sync = bits.bits(12);
  bits.skip(1); // ID: MPEG-4 or MPEG-2
  const layer = bits.bits(2);
  if (sync !== syncWord || layer !== 0) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `expected an ADTS header (fff, layer 0), ${sync} and ${layer} came`);
  }
  const headerLength = bits.flag() ? adtsHeaderLength : adtsHeaderLength + checksumLength;
  const objectType = bits.bits(2) + 1;
  const sampleRateIndex = bits.bits(4);
  bits.skip(1); // private_bit
  const channelConfiguration = bits.bits(3);
  bits.skip(4); // original_copy, home, two copyright bits
  const frameLength = bits.bits(13);
  bits.skip(11); // adts_buffer_fullness
  const blocks = bits.bits(2) + 1;
  const sampleRate = aacSampleRate(sampleRateIndex);
  if (sampleRate === undefined) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `sampling_frequency_index ${sampleRateIndex} of ADTS is reserved`);
  }
  if (frameLength < headerLength) {
    throw new CodedError(
      ERR_CODEC_FRAME_HEADER,
      `the ADTS frame has ${frameLength} bytes, its header alone ${headerLength}`,
    );
  }
  if (blocks > 1) {
    throw new CodedError(ERR_CODEC_UNSUPPORTED, `the ADTS frame has ${blocks} raw data blocks, only 1 is supported`);
  }
  const channels = aacChannels(channelConfiguration);
  return { objectType, sampleRate, channelConfiguration, channels, frameLength, headerLength };
}

/**
 * Writes the header of a frame of `payloadLength` bytes into `out` at `at`. ERR_CODEC_UNSUPPORTED when ADTS can't express
 * the configuration, ERR_CODEC_LIMIT when the frame is too long for its 13 bits.
 */
export function writeAdtsHeader(
  out: Uint8Array,
  at: number,
  config: Pick<AudioSpecificConfig, "objectType" | "sampleRate" | "channelConfiguration">,
  payloadLength: number,
): void {
  const { objectType, sampleRate, channelConfiguration } = config;
  const rateIndex = aacSampleRateIndex(sampleRate);
  if (objectType < 1 || objectType > 4 || rateIndex === undefined || channelConfiguration > 7) {
    throw new CodedError(
      ERR_CODEC_UNSUPPORTED,
      `ADTS has no room for AAC type ${objectType}, ${sampleRate} Hz, channel configuration ${channelConfiguration}`,
    );
  }
  const frameLength = adtsHeaderLength + payloadLength;
  if (frameLength > maxFrameLength) {
    throw new CodedError(
      ERR_CODEC_LIMIT,
      `the ADTS frame would have ${frameLength} bytes, at most ${maxFrameLength} fit`,
    );
  }
  out[at] = 0xff;
  out[at + 1] = 0xf1; // MPEG-4, layer 0, no checksum
  out[at + 2] = ((objectType - 1) << 6) | (rateIndex << 2) | (channelConfiguration >> 2);
  out[at + 3] = ((channelConfiguration & 3) << 6) | (frameLength >> 11);
  out[at + 4] = frameLength >> 3;
  out[at + 5] = ((frameLength & 7) << 5) | 0x1f; // buffer fullness 0x7ff: variable rate
  out[at + 6] = 0xfc; // one raw data block
}

const syncWord = 0xfff;
const checksumLength = 2;
const maxFrameLength = 0x1fff;

/**
 * STREAMINFO, the configuration of a FLAC track: RFC 9639 §8.2.
 *
 * A track's configuration is the bare block of 34 bytes, which is what FFmpeg sends in enhanced RTMP. Others send it with
 * the header of its metadata block, or with "fLaC" before that as in a file; both are read.
 */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { within } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxSampleRateHz } from "../limits.ts";

export interface FlacStreamInfo {
  /** Samples of one channel in a frame. */
  readonly minBlockSize: number;
  readonly maxBlockSize: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitsPerSample: number;
}

export function parseFlacStreamInfo(bytes: Uint8Array): FlacStreamInfo {
  const bits = new BitReader(bytes.subarray(blockStart(bytes)));
  const minBlockSize = bits.bits(16);
  const maxBlockSize = bits.bits(16);
  if (minBlockSize < 16 || minBlockSize > maxBlockSize) {
    throw new CodedError(ERR_CODEC_CONFIG, `STREAMINFO has blocks of ${minBlockSize} to ${maxBlockSize} samples`);
  }
  bits.skip(48); // minimum and maximum frame size
  const sampleRate = within(bits.bits(20), 1, maxSampleRateHz, "sample rate in STREAMINFO");
  const channels = bits.bits(3) + 1;
  const bitsPerSample = within(bits.bits(5) + 1, 4, 32, "bits per sample in STREAMINFO");
  bits.skip(36 + 128); // number of samples, MD5 checksum
  return { minBlockSize, maxBlockSize, sampleRate, channels, bitsPerSample };
}

/** Where the block starts: behind "fLaC" and the metadata block's header, as far as they are there. */
function blockStart(bytes: Uint8Array): number {
  const afterMagic = startsWith(bytes, 0, magic) ? magic.length : 0;
  // Neither form of the header can be the beginning of a block: it would have a least block size above the largest.
  const hasHeader = blockHeaders.some((header) => startsWith(bytes, afterMagic, header));
  return hasHeader ? afterMagic + blockHeaderLength : afterMagic;
}

function startsWith(bytes: Uint8Array, at: number, wanted: readonly number[]): boolean {
  return wanted.every((byte, i) => bytes[at + i] === byte);
}

const magic = [0x66, 0x4c, 0x61, 0x43]; // fLaC
const blockHeaderLength = 4;
/** Type STREAMINFO with 34 bytes; in the second it is the last metadata block. */
const blockHeaders = [
  [0x00, 0, 0, 34],
  [0x80, 0, 0, 34],
];

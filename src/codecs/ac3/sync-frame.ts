/** The start of an AC-3 frame (ETSI TS 102 366 §4.3, §4.4) and of an E-AC-3 frame (§E.1.2, §E.1.3). */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER } from "../errors.ts";

export interface Ac3SyncFrame {
  readonly sampleRate: number;
  /** The low-frequency channel included. */
  readonly channels: number;
  readonly samplesPerFrame: number;
  /** Bytes, the sync word included. */
  readonly frameLength: number;
}

export interface Eac3SyncFrame extends Ac3SyncFrame {
  /** 0 independent, 1 dependent (more channels for the one before), 2 independent, from AC-3. */
  readonly streamType: number;
  readonly substreamId: number;
}

export function parseAc3SyncFrame(frame: Uint8Array): Ac3SyncFrame {
  const bits = openSyncFrame(frame, "AC-3");
  bits.skip(16); // crc1
  const sampleRateCode = bits.bits(2);
  const frameSizeCode = bits.bits(6);
  const bitStreamId = bits.bits(5);
  const sampleRate = sampleRates[sampleRateCode];
  const kbps = bitRatesKbps[frameSizeCode >> 1];
  if (sampleRate === undefined || kbps === undefined || bitStreamId > lastAc3BitStreamId) {
    throw new CodedError(
      ERR_CODEC_FRAME_HEADER,
      `the AC-3 frame has fscod ${sampleRateCode}, frmsizecod ${frameSizeCode} and bsid ${bitStreamId}`,
    );
  }
  bits.skip(3); // bsmod
  const mode = bits.bits(3);
  if ((mode & 1) !== 0 && mode !== 1) bits.skip(2); // cmixlev
  if ((mode & 4) !== 0) bits.skip(2); // surmixlev
  if (mode === 2) bits.skip(2); // dsurmod
  const lowFrequency = bits.bits(1);
  // Table 4.13: words of 16 bits; at 44.1 kHz the odd codes have one word more.
  const words = Math.floor((kbps * 1000 * samplesPerAc3Frame) / (16 * sampleRate));
  const extraWord = sampleRateCode === 1 ? frameSizeCode & 1 : 0;
  return {
    sampleRate,
    channels: (channelsOfMode[mode] as number) + lowFrequency,
    samplesPerFrame: samplesPerAc3Frame,
    frameLength: (words + extraWord) * 2,
  };
}

export function parseEac3SyncFrame(frame: Uint8Array): Eac3SyncFrame {
  const bits = openSyncFrame(frame, "E-AC-3");
  const streamType = bits.bits(2);
  const substreamId = bits.bits(3);
  const frameLength = (bits.bits(11) + 1) * 2;
  const sampleRateCode = bits.bits(2);
  const blocksOrRateCode = bits.bits(2);
  const mode = bits.bits(3);
  const lowFrequency = bits.bits(1);
  const bitStreamId = bits.bits(5);
  const reduced = sampleRateCode === 3;
  const sampleRate = reduced ? reducedSampleRates[blocksOrRateCode] : sampleRates[sampleRateCode];
  if (streamType === 3 || sampleRate === undefined || bitStreamId < 11 || bitStreamId > 16) {
    throw new CodedError(
      ERR_CODEC_FRAME_HEADER,
      `the E-AC-3 frame has strmtyp ${streamType}, fscod ${sampleRateCode} and bsid ${bitStreamId}`,
    );
  }
  const blocks = reduced ? 6 : (blocksOfCode[blocksOrRateCode] as number);
  return {
    streamType,
    substreamId,
    sampleRate,
    channels: (channelsOfMode[mode] as number) + lowFrequency,
    samplesPerFrame: blocks * samplesPerBlock,
    frameLength,
  };
}

function openSyncFrame(frame: Uint8Array, name: string): BitReader {
  const bits = new BitReader(frame);
  const word = bits.bits(16);
  if (word !== syncWord) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `expected the ${name} sync word 0b77, ${word.toString(16)} came`);
  }
  return bits;
}

const syncWord = 0x0b77;
const samplesPerBlock = 256;
const samplesPerAc3Frame = 6 * samplesPerBlock;
const lastAc3BitStreamId = 8; // 9 and 10 are halved rates that nobody sends, 11 to 16 are E-AC-3
const sampleRates: readonly (number | undefined)[] = [48_000, 44_100, 32_000, undefined];
const reducedSampleRates: readonly (number | undefined)[] = [24_000, 22_050, 16_000, undefined];
const blocksOfCode = [1, 2, 3, 6];
const channelsOfMode = [2, 1, 2, 3, 3, 4, 4, 5]; // table 4.3, acmod
const bitRatesKbps = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

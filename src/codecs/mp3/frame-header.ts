/** The four bytes before an MPEG audio frame: ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3, and the unofficial MPEG 2.5. */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER, ERR_CODEC_UNSUPPORTED } from "../errors.ts";

export interface MpegAudioHeader {
  readonly version: 1 | 2 | 2.5;
  readonly layer: 1 | 2 | 3;
  readonly bitRate: number;
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly samplesPerFrame: number;
  /** Bytes, this header included. */
  readonly frameLength: number;
}

export function parseMpegAudioHeader(frame: Uint8Array): MpegAudioHeader {
  const header = new ByteReader(frame).u32();
  const version = versions[(header >>> 19) & 3];
  const layer = layers[(header >>> 17) & 3];
  const sampleRateAt1 = sampleRates[(header >>> 10) & 3];
  const bitRateIndex = (header >>> 12) & 0xf;
  if (header >>> 21 !== 0x7ff || version === undefined || layer === undefined || sampleRateAt1 === undefined) {
    throw new CodedError(ERR_CODEC_FRAME_HEADER, `expected an MPEG audio frame, ${header.toString(16)} came`);
  }
  if (bitRateIndex === 0) {
    throw new CodedError(ERR_CODEC_UNSUPPORTED, "an MPEG audio frame in free format has no length to go by");
  }
  const kbps = bitRates(version, layer)[bitRateIndex - 1];
  if (kbps === undefined)
    throw new CodedError(ERR_CODEC_FRAME_HEADER, "the bit rate of the MPEG audio frame is reserved");
  const sampleRate = sampleRateAt1 / (version === 1 ? 1 : version === 2 ? 2 : 4);
  const samplesPerFrame = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152;
  const slotBytes = layer === 1 ? 4 : 1;
  const padding = (header >>> 9) & 1;
  const slots = Math.floor((samplesPerFrame * kbps * 1000) / (8 * slotBytes * sampleRate)) + padding;
  return {
    version,
    layer,
    bitRate: kbps * 1000,
    sampleRate,
    channels: ((header >>> 6) & 3) === singleChannel ? 1 : 2,
    samplesPerFrame,
    frameLength: slots * slotBytes,
  };
}

function bitRates(version: 1 | 2 | 2.5, layer: 1 | 2 | 3): readonly number[] {
  if (version === 1) return layer === 1 ? rates1Layer1 : layer === 2 ? rates1Layer2 : rates1Layer3;
  return layer === 1 ? rates2Layer1 : rates2Layers2And3;
}

const singleChannel = 3;
const versions: readonly (1 | 2 | 2.5 | undefined)[] = [2.5, undefined, 2, 1];
const layers: readonly (1 | 2 | 3 | undefined)[] = [undefined, 3, 2, 1];
const sampleRates: readonly (number | undefined)[] = [44_100, 48_000, 32_000, undefined];
const rates1Layer1 = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const rates1Layer2 = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const rates1Layer3 = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const rates2Layer1 = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const rates2Layers2And3 = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

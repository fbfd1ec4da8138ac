/** From payloads to VP9 frames and superframes: RFC 9628 §4. */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { equalBytes } from "../../../bytes/equal-bytes.ts";
import { isVp9KeyFrame, parseVp9FrameHeader, type Vp9FrameHeader } from "../../../codecs/vp9/frame-header.ts";
import { vp9LevelOfSize } from "../../../codecs/vp9/level.ts";
import { writeVpcConfig } from "../../../codecs/vp9/vpc-config.ts";
import { ERR_RTP_PAYLOAD } from "../errors.ts";
import type { RtpPayloadReader } from "../payload.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import { type PayloadPlace, type VideoDepacketizer, VideoPayloadReader } from "./video-reader.ts";

/** `config` is a vpcC that is known already: only another one is told with a frame. */
export function openVp9Reader(config?: Uint8Array): RtpPayloadReader {
  return new VideoPayloadReader(new Vp9Depacketizer(config));
}

/** Bits of the payload descriptor, §4.2. */
export const vp9PictureIdFlag = 0x80;
export const vp9InterPredictedFlag = 0x40;
const vp9LayerFlag = 0x20;
const vp9FlexibleFlag = 0x10;
export const vp9StartFlag = 0x08;
export const vp9EndFlag = 0x04;
export const vp9StructureFlag = 0x02;

class Vp9Depacketizer implements VideoDepacketizer {
  #config: Uint8Array | undefined;
  #newConfig: Uint8Array | undefined;
  /** Where the frames of the picture's spatial layers begin: at most 8, as many as SID can say. */
  readonly #layerStarts: number[] = [];
  #isInLayer = false;
  #isKey = false;

  constructor(config: Uint8Array | undefined) {
    this.#config = config;
  }

  readonly isDisposable = false;
  readonly isLeading = false;
  readonly isKeyKnown = true;
  readonly hasConfig = true;
  readonly isPlain = true;

  get hasPicture(): boolean {
    return this.#layerStarts.length > 0;
  }

  get isWhole(): boolean {
    return !this.#isInLayer;
  }

  get isKey(): boolean {
    return this.#isKey;
  }

  takeConfig(): Uint8Array | undefined {
    const config = this.#newConfig;
    this.#newConfig = undefined;
    return config;
  }

  reset(): void {
    this.#layerStarts.length = 0;
    this.#isInLayer = false;
    this.#isKey = false;
  }

  placeOf(payload: Uint8Array): PayloadPlace {
    if (((payload[0] as number) & vp9StartFlag) === 0) return "continue";
    let spatialId = 0;
    try {
      spatialId = readDescriptor(new ByteReader(payload));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // `read` will say what is wrong with it
    }
    return spatialId === 0 ? "begin" : "continue";
  }

  read(payload: Uint8Array, frame: FrameBuffer): void {
    const reader = new ByteReader(payload);
    readDescriptor(reader);
    const head = payload[0] as number;
    const data = reader.rest();
    if (data.length === 0) throw payloadError("has no data behind its descriptor");
    if ((head & vp9StartFlag) !== 0) {
      if (this.#isInLayer) throw payloadError("begins a frame inside of another");
      if (this.#layerStarts.length === maxSpatialLayers) throw payloadError("is of more than 8 spatial layers");
      if (this.#layerStarts.length === 0) this.#isKey = isVp9KeyFrame(data);
      this.#layerStarts.push(frame.length);
      this.#isInLayer = true;
    } else if (!this.#isInLayer) {
      throw payloadError("goes on with a frame that has not begun");
    }
    frame.append(data);
    if ((head & vp9EndFlag) !== 0) this.#isInLayer = false;
  }

  /** Looks at key frames; spatial layers of one picture become one superframe: VP9 bitstream specification, Annex B. */
  finish(frame: FrameBuffer): void {
    if (this.#isKey) this.#noteConfig(frame.bytes.subarray(0, frame.length));
    const starts = this.#layerStarts;
    if (starts.length < 2) return;
    const end = frame.length;
    const sizes = starts.map((start, layer) => (starts[layer + 1] ?? end) - start);
    const sizeBytes = Math.max(...sizes) > 0xffff ? (Math.max(...sizes) > 0xff_ffff ? 4 : 3) : 2;
    const marker = 0xc0 | ((sizeBytes - 1) << 3) | (sizes.length - 1);
    let at = frame.reserve(2 + sizeBytes * sizes.length);
    const { bytes } = frame;
    bytes[at++] = marker;
    for (const size of sizes) for (let i = 0; i < sizeBytes; i++) bytes[at++] = size >>> (8 * i);
    bytes[at] = marker;
  }

  #noteConfig(keyFrame: Uint8Array): void {
    let header: Vp9FrameHeader;
    try {
      header = parseVp9FrameHeader(keyFrame);
    } catch (error) {
      if (error instanceof CodedError) return; // as an access unit it is whole; who looks into it will say what is wrong
      throw error;
    }
    const { profile, key } = header;
    if (key === undefined) return;
    const config = writeVpcConfig({
      profile,
      level: vp9LevelOfSize(key.width, key.height),
      bitDepth: key.bitDepth,
      chromaSubsampling: chromaSubsampling(key.subsamplingX, key.subsamplingY),
      fullRange: key.fullRange,
      ...(colours[key.colorSpace] as Colours),
    });
    if (this.#config !== undefined && equalBytes(config, this.#config)) return;
    this.#config = config;
    this.#newConfig = config;
  }
}

/** Goes behind the payload descriptor and the scalability structure in it (§4.2, §4.2.1). Returns the spatial layer's id. */
function readDescriptor(reader: ByteReader): number {
  const head = reader.u8();
  const isFlexible = (head & vp9FlexibleFlag) !== 0;
  if ((head & vp9PictureIdFlag) !== 0 && reader.u8() >= 0x80) reader.skip(1);
  let spatialId = 0;
  if ((head & vp9LayerFlag) !== 0) {
    spatialId = (reader.u8() >> 1) & 7;
    if (!isFlexible) reader.skip(1); // TL0PICIDX
  }
  if (isFlexible && (head & vp9InterPredictedFlag) !== 0) {
    let references = 1;
    while ((reader.u8() & 1) !== 0) {
      if (++references > maxReferences) throw payloadError("has more than 3 P_DIFF");
    }
  }
  if ((head & vp9StructureFlag) !== 0) skipStructure(reader);
  return spatialId;
}

function skipStructure(reader: ByteReader): void {
  const head = reader.u8();
  const layerCount = (head >> 5) + 1;
  if ((head & 0x10) !== 0) reader.skip(4 * layerCount); // Y: width and height of each
  if ((head & 0x08) === 0) return; // G: a group of pictures is described
  for (let pictures = reader.u8(); pictures > 0; pictures--) {
    const references = (reader.u8() >> 2) & 3;
    reader.skip(references); // P_DIFF
  }
}

function chromaSubsampling(isHalfX: boolean, isHalfY: boolean): number {
  if (isHalfX) return isHalfY ? 1 : 2; // 4:2:0 with chroma at the place of luma, 4:2:2
  return isHalfY ? 1 : 3; // the record has nothing for 4:4:0; 4:4:4
}

function payloadError(problem: string): CodedError {
  return new CodedError(ERR_RTP_PAYLOAD, `an RTP payload of VP9 ${problem}`);
}

const maxSpatialLayers = 8; // SID has 3 bits, and so has the count of a superframe
const maxReferences = 3; // RFC 9628 §4.2, P_DIFF

interface Colours {
  readonly colourPrimaries: number;
  readonly transferCharacteristics: number;
  readonly matrixCoefficients: number;
}

/** color_space of VP9 (§7.2.2 of its specification) in the numbers of ISO/IEC 23091-2; 2 is "unspecified". */
const colours: readonly Colours[] = [
  { colourPrimaries: 2, transferCharacteristics: 2, matrixCoefficients: 2 }, // unknown
  { colourPrimaries: 5, transferCharacteristics: 6, matrixCoefficients: 5 }, // BT.601
  { colourPrimaries: 1, transferCharacteristics: 1, matrixCoefficients: 1 }, // BT.709
  { colourPrimaries: 6, transferCharacteristics: 6, matrixCoefficients: 6 }, // SMPTE 170
  { colourPrimaries: 7, transferCharacteristics: 7, matrixCoefficients: 7 }, // SMPTE 240
  { colourPrimaries: 9, transferCharacteristics: 2, matrixCoefficients: 9 }, // BT.2020, with or without HDR
  { colourPrimaries: 2, transferCharacteristics: 2, matrixCoefficients: 2 }, // reserved
  { colourPrimaries: 1, transferCharacteristics: 13, matrixCoefficients: 0 }, // sRGB
];

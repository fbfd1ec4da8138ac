/** From payloads to VP8 frames: RFC 7741 §4. */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { isVp8KeyFrame } from "../../../codecs/vp8/frame-header.ts";
import { ERR_RTP_PAYLOAD } from "../errors.ts";
import type { RtpPayloadReader } from "../payload.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import { type PayloadPlace, type VideoDepacketizer, VideoPayloadReader } from "./video-reader.ts";

export function openVp8Reader(): RtpPayloadReader {
  return new VideoPayloadReader(new Vp8Depacketizer());
}

/** Bits of the payload descriptor, §4.2. */
export const vp8ExtendedFlag = 0x80;
const vp8NonReferenceFlag = 0x20;
export const vp8StartFlag = 0x10;
export const vp8PictureIdFlag = 0x80;

class Vp8Depacketizer implements VideoDepacketizer {
  #hasPicture = false;
  #isKey = false;
  #isDisposable = false;

  readonly isLeading = false;
  readonly isKeyKnown = true;
  readonly hasConfig = true;
  readonly isPlain = true;
  readonly isWhole = true;

  get hasPicture(): boolean {
    return this.#hasPicture;
  }

  get isKey(): boolean {
    return this.#isKey;
  }

  get isDisposable(): boolean {
    return this.#isDisposable;
  }

  takeConfig(): undefined {
    return undefined; // all that a decoder needs is in its key frames
  }

  reset(): void {
    this.#hasPicture = false;
    this.#isKey = false;
    this.#isDisposable = false;
  }

  placeOf(payload: Uint8Array): PayloadPlace {
    return isFrameStart(payload[0] as number) ? "begin" : "continue";
  }

  read(payload: Uint8Array, frame: FrameBuffer): void {
    const reader = new ByteReader(payload);
    const head = reader.u8();
    if ((head & vp8ExtendedFlag) !== 0) skipExtension(reader);
    const data = reader.rest();
    if (data.length === 0) throw payloadError("has no data behind its descriptor");
    if (isFrameStart(head)) {
      if (this.#hasPicture) throw payloadError("begins a frame inside of another");
      this.#hasPicture = true;
      this.#isKey = isVp8KeyFrame(data);
      this.#isDisposable = (head & vp8NonReferenceFlag) !== 0;
    } else if (!this.#hasPicture) {
      throw payloadError("goes on with a frame that has not begun");
    }
    frame.append(data);
  }
}

/** PictureID, TL0PICIDX, TID and KEYIDX: nothing that is needed when packets come in order. */
function skipExtension(reader: ByteReader): void {
  const fields = reader.u8();
  if ((fields & vp8PictureIdFlag) !== 0 && reader.u8() >= 0x80) reader.skip(1);
  if ((fields & 0x40) !== 0) reader.skip(1);
  if ((fields & 0x30) !== 0) reader.skip(1);
}

/** S is set, and the partition is the first. */
function isFrameStart(head: number): boolean {
  return (head & (vp8StartFlag | 0x07)) === vp8StartFlag;
}

function payloadError(problem: string): CodedError {
  return new CodedError(ERR_RTP_PAYLOAD, `an RTP payload of VP8 ${problem}`);
}

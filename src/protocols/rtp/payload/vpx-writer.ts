/** From VP8 and VP9 frames to payloads: RFC 7741 §4, RFC 9628 §4. */

import { assert } from "../../../bytes/assert.ts";
import { writeU16 } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { parseVp9FrameHeader } from "../../../codecs/vp9/frame-header.ts";
import type { PayloadSink, RtpPayloadWriter } from "../payload.ts";
import { vp8ExtendedFlag, vp8PictureIdFlag, vp8StartFlag } from "./vp8-depacketizer.ts";
import {
  vp9EndFlag,
  vp9InterPredictedFlag,
  vp9PictureIdFlag,
  vp9StartFlag,
  vp9StructureFlag,
} from "./vp9-depacketizer.ts";

export interface VpxWriterOptions {
  readonly maxPayloadBytes: number;
  /** Of the first frame, 15 bits; §4.2 of both RFCs wants a random one. */
  readonly initialPictureId: number;
}

/** Each packet has a picture id of 15 bits; one spatial and one temporal layer. */
export function openVp8Writer(options: VpxWriterOptions): RtpPayloadWriter {
  return new Vp8Writer(options);
}

/** As {@link openVp8Writer}, in non-flexible mode; key frames say their size in a scalability structure. */
export function openVp9Writer(options: VpxWriterOptions): RtpPayloadWriter {
  return new Vp9Writer(options);
}

class Vp8Writer implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #descriptor: Uint8Array = Uint8Array.of(vp8ExtendedFlag, vp8PictureIdFlag, 0, 0);
  #pictureId: number;

  constructor({ maxPayloadBytes, initialPictureId }: VpxWriterOptions) {
    assert(maxPayloadBytes >= minPayloadBytes, "a payload has no room for descriptor and data");
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#pictureId = initialPictureId;
  }

  writeFrame(data: Uint8Array, _isKey: boolean, sink: PayloadSink): void {
    const descriptor = this.#descriptor;
    this.#pictureId = writePictureId(descriptor, 2, this.#pictureId);
    const room = this.#maxPayloadBytes - descriptor.length;
    for (let at = 0; at < data.length; at += room) {
      const end = Math.min(at + room, data.length);
      descriptor[0] = vp8ExtendedFlag | (at === 0 ? vp8StartFlag : 0);
      sink.begin(descriptor.length + end - at, end === data.length);
      sink.write(descriptor);
      sink.write(data, at, end);
    }
  }
}

class Vp9Writer implements RtpPayloadWriter {
  readonly #maxPayloadBytes: number;
  readonly #descriptor = new Uint8Array(3 + structureBytes);
  #pictureId: number;

  constructor({ maxPayloadBytes, initialPictureId }: VpxWriterOptions) {
    assert(maxPayloadBytes >= minPayloadBytes, "a payload has no room for descriptor and data");
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#pictureId = initialPictureId;
  }

  writeFrame(data: Uint8Array, isKey: boolean, sink: PayloadSink): void {
    const descriptor = this.#descriptor;
    this.#pictureId = writePictureId(descriptor, 1, this.#pictureId);
    const hasStructure = isKey && writeStructure(descriptor, 3, data);
    const flags = vp9PictureIdFlag | (isKey ? 0 : vp9InterPredictedFlag);
    for (let at = 0; at < data.length; ) {
      const isFirst = at === 0;
      const descriptorBytes = isFirst && hasStructure ? 3 + structureBytes : 3;
      const end = Math.min(at + this.#maxPayloadBytes - descriptorBytes, data.length);
      descriptor[0] =
        flags |
        (isFirst ? vp9StartFlag : 0) |
        (end === data.length ? vp9EndFlag : 0) |
        (isFirst && hasStructure ? vp9StructureFlag : 0);
      sink.begin(descriptorBytes + end - at, end === data.length);
      sink.write(descriptor, 0, descriptorBytes);
      sink.write(data, at, end);
      at = end;
    }
  }
}

/** 15 bits behind a set bit that says so. Returns the next one. */
function writePictureId(descriptor: Uint8Array, at: number, pictureId: number): number {
  writeU16(descriptor, at, 0x8000 | pictureId);
  return (pictureId + 1) & 0x7fff;
}

/**
 * The scalability structure of RFC 9628 §4.2.1: one spatial layer with its size, and a group of one picture that refers to the
 * one before. False when the frame does not tell a size.
 */
function writeStructure(descriptor: Uint8Array, at: number, keyFrame: Uint8Array): boolean {
  const size = sizeOf(keyFrame);
  if (size === undefined) return false;
  descriptor[at] = 0x18; // N_S 0, Y, G
  writeU16(descriptor, at + 1, size.width);
  writeU16(descriptor, at + 3, size.height);
  descriptor[at + 5] = 1; // N_G
  descriptor[at + 6] = 0x04; // TID 0, U 0, R 1
  descriptor[at + 7] = 1; // P_DIFF
  return true;
}

function sizeOf(keyFrame: Uint8Array): { width: number; height: number } | undefined {
  try {
    return parseVp9FrameHeader(keyFrame).key;
  } catch (error) {
    if (error instanceof CodedError) return undefined; // players will see for themselves
    throw error;
  }
}

const structureBytes = 8;
const minPayloadBytes = 16;

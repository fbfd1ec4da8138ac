/**
 * Tags out of an FLV byte stream that comes in pieces of any size: files, HTTP bodies, tests.
 *
 * The size behind each tag is skipped, not compared: many writers fill it wrongly, and players do not look at it. What
 * is held is what came and was not taken yet; a declared length allocates nothing.
 */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_FLV_TAG_TOO_LONG } from "./errors.ts";
import { maxFlvTagBytes } from "./limits.ts";
import { type FlvHeader, flvTagHeaderLength, flvTagTrailerLength, parseFlvHeader, parseFlvTagHeader } from "./tag.ts";

export interface FlvTag {
  /** One of `flvTagType`, or a type to be skipped. */
  readonly type: number;
  /** 0 to 2^32 - 1; wraps. */
  readonly timestampMs: number;
  /** The receiver's own memory. */
  readonly body: Uint8Array;
}

/**
 * `handle` a piece, then `poll` until it gives undefined. Errors: those of tag.ts and ERR_FLV_TAG_TOO_LONG; after one the
 * stream cannot be read on, and `poll` repeats it.
 */
export class FlvReader {
  readonly #maxTagBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #header: FlvHeader | undefined;

  constructor(maxTagBytes: number = maxFlvTagBytes) {
    this.#maxTagBytes = maxTagBytes;
  }

  /** The file's header, once it has come and `poll` was called. */
  get header(): FlvHeader | undefined {
    return this.#header;
  }

  /** Bytes that wait for the rest of their tag. At a clean end of a file: the 4 of its last size, or none. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes a copy of `piece`. */
  handle(piece: Uint8Array): void {
    const held = this.heldBytes;
    if (this.#end + piece.length > this.#bytes.length) {
      const room = held + piece.length;
      const target = room > this.#bytes.length ? new Uint8Array(Math.max(room, this.#bytes.length * 2)) : this.#bytes;
      target.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = target;
      this.#start = 0;
      this.#end = held;
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The next whole tag, or undefined when more bytes are needed. */
  poll(): FlvTag | undefined {
    if (this.#header === undefined && !this.#pollHeader()) return undefined;
    // Every tag begins with the size of the one before it, so that the last tag of a file waits for nothing.
    if (this.heldBytes < flvTagTrailerLength + flvTagHeaderLength) return undefined;
    const reader = new ByteReader(this.#bytes, this.#start + flvTagTrailerLength, this.#end);
    const { type, bodyBytes, timestampMs } = parseFlvTagHeader(reader);
    if (bodyBytes > this.#maxTagBytes) {
      throw new CodedError(
        ERR_FLV_TAG_TOO_LONG,
        `expected tags of at most ${this.#maxTagBytes} bytes, got ${bodyBytes}`,
      );
    }
    if (bodyBytes > reader.left) return undefined;
    const body = reader.view(bodyBytes).slice();
    this.#start = reader.offset;
    return { type, timestampMs, body };
  }

  #pollHeader(): boolean {
    if (this.heldBytes < 9) return false;
    const header = parseFlvHeader(this.#bytes.subarray(this.#start, this.#end));
    if (this.heldBytes < header.dataOffset) return false;
    this.#start += header.dataOffset;
    this.#header = header;
    return true;
  }
}

/** Elements of the RTP header extension, with headers of one byte and of two: RFC 8285 §4. */

import { assert } from "../../bytes/assert.ts";
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTP_HEADER } from "./errors.ts";
import { maxHeaderExtensions } from "./limits.ts";
import type { RtpPacket } from "./packet.ts";

/** One element; which meaning its id has was agreed on in the session description (a=extmap). */
export interface HeaderExtensionElement {
  /** 1 to 14 with headers of one byte, to 255 with headers of two. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

/**
 * Walks over the elements of one packet without allocating: `reset`, then `id`, `start` and `end` are those of an element after
 * each `next` that returned true. A packet without an extension, or with one of another profile, has no elements.
 */
export class HeaderExtensionWalker {
  id = 0;
  /** Offsets of the element's data in the packet's bytes. */
  start = 0;
  end = 0;
  #bytes: Uint8Array = noBytes;
  #at = 0;
  #until = 0;
  #hasLongHeaders = false;
  #count = 0;

  reset(packet: RtpPacket): this {
    const { extensionProfile } = packet;
    this.#hasLongHeaders = extensionProfile >> 4 === longHeaderProfile >> 4;
    const isKnown = extensionProfile === shortHeaderProfile || this.#hasLongHeaders;
    this.#bytes = packet.bytes;
    this.#at = packet.extensionStart;
    this.#until = isKnown ? packet.extensionEnd : packet.extensionStart;
    this.#count = 0;
    return this;
  }

  /** Goes to the next element. False at the end; ERR_RTP_HEADER when an element is longer than the extension. */
  next(): boolean {
    while (this.#at < this.#until) {
      const head = this.#bytes[this.#at] as number;
      if (this.#hasLongHeaders) {
        if (head === 0) {
          this.#at++; // padding
          continue;
        }
        if (this.#at + 1 >= this.#until) throw elementError(head, this.#at);
        this.#take(head, this.#at + 2, this.#bytes[this.#at + 1] as number);
        return true;
      }
      const id = head >> 4;
      if (id === stopId) break; // §4.2: what follows is not to be read
      if (id === 0) {
        this.#at++;
        continue;
      }
      this.#take(id, this.#at + 1, (head & 0x0f) + 1);
      return true;
    }
    this.#at = this.#until;
    return false;
  }

  #take(id: number, start: number, length: number): void {
    if (length > this.#until - start || ++this.#count > maxHeaderExtensions) throw elementError(id, start);
    this.id = id;
    this.start = start;
    this.end = start + length;
    this.#at = this.end;
  }
}

/** Writes the whole extension, padded to a multiple of 4 bytes; with headers of one byte when all elements allow it. */
export function writeHeaderExtension(writer: ByteWriter, elements: readonly HeaderExtensionElement[]): void {
  const hasLongHeaders = elements.some(({ id, bytes }) => id >= stopId || bytes.length === 0 || bytes.length > 16);
  const headerBytes = hasLongHeaders ? 2 : 1;
  const length = elements.reduce((total, { bytes }) => total + headerBytes + bytes.length, 0);
  const words = Math.ceil(length / 4);
  writer.u16(hasLongHeaders ? longHeaderProfile : shortHeaderProfile).u16(words);
  for (const { id, bytes } of elements) {
    assert(id >= 1 && id <= 255 && bytes.length <= 255, "a header extension element has an id and a length of 8 bits");
    if (hasLongHeaders) writer.u8(id).u8(bytes.length);
    else writer.u8((id << 4) | (bytes.length - 1));
    writer.put(bytes);
  }
  for (let padding = length; padding < words * 4; padding++) writer.u8(0);
}

function elementError(id: number, at: number): CodedError {
  return new CodedError(
    ERR_RTP_HEADER,
    `element ${id} of the header extension, at offset ${at}, does not fit, or is one of more than ${maxHeaderExtensions}`,
  );
}

const shortHeaderProfile = 0xbede;
const longHeaderProfile = 0x1000; // the last four bits are "appbits", for the application
const stopId = 15;
const noBytes = new Uint8Array(0);

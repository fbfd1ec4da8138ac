/** SDES, who the sources are: RFC 3550 §6.5. Only CNAME is of use here; other items are passed over. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTCP_PACKET } from "../errors.ts";
import { maxSdesItems } from "../limits.ts";

export interface SourceDescription {
  readonly kind: "sourceDescription";
  readonly chunks: readonly SdesChunk[];
}

export interface SdesChunk {
  readonly ssrc: number;
  /** The same for all streams of one participant, which it puts in step; undefined when there was none. At most 255 bytes. */
  readonly cname: string | undefined;
}

export const sourceDescriptionType = 202;

export function parseSourceDescription(reader: ByteReader, chunkCount: number): SourceDescription {
  return { kind: "sourceDescription", chunks: Array.from({ length: chunkCount }, () => parseChunk(reader)) };
}

export function writeSourceDescription(writer: ByteWriter, { chunks }: SourceDescription): void {
  for (const { ssrc, cname } of chunks) {
    const start = writer.length;
    writer.u32(ssrc);
    if (cname !== undefined) {
      const bytes = new TextEncoder().encode(cname).subarray(0, 255);
      writer.u8(cnameItem).u8(bytes.length).put(bytes);
    }
    // At least one null byte ends the list, and as many as make the chunk end on a word.
    do writer.u8(0);
    while ((writer.length - start) % 4 !== 0);
  }
}

function parseChunk(reader: ByteReader): SdesChunk {
  const start = reader.offset;
  const ssrc = reader.u32();
  let cname: string | undefined;
  let itemCount = 0;
  for (let item = reader.u8(); item !== 0; item = reader.u8()) {
    if (++itemCount > maxSdesItems) {
      throw new CodedError(ERR_RTCP_PACKET, `an SDES chunk has more than ${maxSdesItems} items`);
    }
    const text = reader.view(reader.u8());
    if (item === cnameItem) cname ??= new TextDecoder().decode(text);
  }
  reader.skip((4 - ((reader.offset - start) % 4)) % 4);
  return { ssrc, cname };
}

const cnameItem = 1;

/** How FLV tag bodies are put on the wire: as tags here, as RTMP messages and WebSocket messages in the protocols' folders. */

import type { ByteSink } from "../../bytes/byte-sink.ts";
import { flvTagHeaderLength, flvTagTrailerLength, writeFlvTagHeader, writeFlvTagTrailer } from "./tag.ts";

export interface FlvFraming {
  /** Bytes on the wire of a body of `bodyLength`. */
  framedLength(tagType: number, bodyLength: number, timestampMs: number): number;
  /** Writes one framed body, which is `header[0, headerLength)` and then `data`: exactly {@link framedLength} bytes. */
  write(
    sink: ByteSink,
    tagType: number,
    timestampMs: number,
    header: Uint8Array,
    headerLength: number,
    data: Uint8Array,
  ): void;
}

/** Tags as they stand in a file (FLV 10.1, §E.4.1), each with its size behind it. */
export function flvTagFraming(): FlvFraming {
  const scratch = new Uint8Array(flvTagHeaderLength);
  return {
    framedLength: (_tagType, bodyLength) => flvTagHeaderLength + bodyLength + flvTagTrailerLength,
    write: (sink, tagType, timestampMs, header, headerLength, data) => {
      const bodyLength = headerLength + data.length;
      sink.write(scratch, 0, writeFlvTagHeader(scratch, 0, tagType, bodyLength, timestampMs));
      sink.write(header, 0, headerLength);
      sink.write(data);
      sink.write(scratch, 0, writeFlvTagTrailer(scratch, 0, bodyLength));
    },
  };
}

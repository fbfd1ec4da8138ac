/** FLV tag bodies as RTMP messages: audio, video and data messages carry the very bodies of FLV tags (RTMP 1.0 §7.1). */

import { assert } from "../../bytes/assert.ts";
import type { FlvFraming } from "../../formats/flv/framing.ts";
import { flvTagType } from "../../formats/flv/tag.ts";
import { chunkedLength, chunkStreamId, writeChunkHeader0, writeChunkHeader3 } from "./chunk-writer.ts";

/** Messages on `messageStreamId` in chunks of `chunkSize`, which the session has announced. */
export function rtmpFlvFraming(messageStreamId: number, chunkSize: number): FlvFraming {
  const scratch = new Uint8Array(maxChunkHeaderLength);
  return {
    framedLength: (_tagType, bodyLength, timestampMs) => chunkedLength(bodyLength, timestampMs, chunkSize),
    write: (sink, tagType, timestampMs, header, headerLength, data) => {
      assert(headerLength <= chunkSize, "a tag's header fits into the first chunk");
      const csid = chunkStreamOf(tagType);
      const bodyLength = headerLength + data.length;
      sink.write(scratch, 0, writeChunkHeader0(scratch, 0, csid, timestampMs, bodyLength, tagType, messageStreamId));
      sink.write(header, 0, headerLength);
      let done = Math.min(data.length, chunkSize - headerLength);
      sink.write(data, 0, done);
      while (done < data.length) {
        sink.write(scratch, 0, writeChunkHeader3(scratch, 0, csid, timestampMs));
        const end = Math.min(data.length, done + chunkSize);
        sink.write(data, done, end);
        done = end;
      }
    },
  };
}

/** Tag types and message type ids are the same numbers. */
function chunkStreamOf(tagType: number): number {
  switch (tagType) {
    case flvTagType.video:
      return chunkStreamId.video;
    case flvTagType.audio:
      return chunkStreamId.audio;
    default:
      return chunkStreamId.data;
  }
}

/** Format 0 with one byte of chunk stream id and an extended timestamp. */
const maxChunkHeaderLength = 16;

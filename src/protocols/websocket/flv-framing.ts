/** FLV tags as WebSocket messages: one binary message for each tag, as flv.js and mpegts.js take them. */

import { type FlvFraming, flvTagFraming } from "../../formats/flv/framing.ts";
import { maxWebSocketHeaderLength, webSocketHeaderLength, writeWebSocketHeader } from "./frame-header.ts";

export function webSocketFlvFraming(): FlvFraming {
  const scratch = new Uint8Array(maxWebSocketHeaderLength);
  const tags = flvTagFraming();
  return {
    framedLength: (tagType, bodyLength, timestampMs) => {
      const length = tags.framedLength(tagType, bodyLength, timestampMs);
      return webSocketHeaderLength(length) + length;
    },
    write: (sink, tagType, timestampMs, header, headerLength, data) => {
      const length = tags.framedLength(tagType, headerLength + data.length, timestampMs);
      sink.write(scratch, 0, writeWebSocketHeader(scratch, 0, length));
      tags.write(sink, tagType, timestampMs, header, headerLength, data);
    },
  };
}

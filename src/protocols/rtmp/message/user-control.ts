/** User Control Message, RTMP 1.0 §6.2 and §7.1.7: a 16-bit event type and its fields. */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { ByteWriter } from "../../../bytes/byte-writer.ts";

export type UserControl =
  | {
      readonly event: "stream-begin" | "stream-eof" | "stream-dry" | "stream-is-recorded";
      readonly messageStreamId: number;
    }
  | { readonly event: "set-buffer-length"; readonly messageStreamId: number; readonly bufferLengthMs: number }
  | { readonly event: "ping-request" | "ping-response"; readonly timestamp: number }
  /** Flash's own events (buffer empty, SWF verification) and what others invented. */
  | { readonly event: "other"; readonly eventType: number; readonly data: Uint8Array };

/** Errors: ERR_TRUNCATED. The data of an unknown event is a view of `payload`. */
export function parseUserControl(payload: Uint8Array): UserControl {
  const reader = new ByteReader(payload);
  const eventType = reader.u16();
  switch (eventType) {
    case 0:
      return { event: "stream-begin", messageStreamId: reader.u32() };
    case 1:
      return { event: "stream-eof", messageStreamId: reader.u32() };
    case 2:
      return { event: "stream-dry", messageStreamId: reader.u32() };
    case 3:
      return { event: "set-buffer-length", messageStreamId: reader.u32(), bufferLengthMs: reader.u32() };
    case 4:
      return { event: "stream-is-recorded", messageStreamId: reader.u32() };
    case 6:
      return { event: "ping-request", timestamp: reader.u32() };
    case 7:
      return { event: "ping-response", timestamp: reader.u32() };
    default:
      return { event: "other", eventType, data: reader.rest() };
  }
}

export function writeUserControl(message: UserControl): Uint8Array {
  const writer = new ByteWriter(10);
  switch (message.event) {
    case "stream-begin":
    case "stream-eof":
    case "stream-dry":
    case "stream-is-recorded":
      writer.u16(streamEventTypes[message.event]).u32(message.messageStreamId);
      break;
    case "set-buffer-length":
      writer.u16(3).u32(message.messageStreamId).u32(message.bufferLengthMs);
      break;
    case "ping-request":
      writer.u16(6).u32(message.timestamp);
      break;
    case "ping-response":
      writer.u16(7).u32(message.timestamp);
      break;
    case "other":
      writer.u16(message.eventType).put(message.data);
      break;
  }
  return writer.finish();
}

const streamEventTypes = { "stream-begin": 0, "stream-eof": 1, "stream-dry": 2, "stream-is-recorded": 4 } as const;

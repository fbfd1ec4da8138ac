/**
 * Aggregate Message, RTMP 1.0 §7.1.6: messages in the form of FLV tags. Their timestamps count from the first one's, which
 * stands for the timestamp of the aggregate.
 */

import { ByteReader } from "../../../bytes/byte-reader.ts";
import { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTMP_AGGREGATE } from "../errors.ts";
import { maxAggregateMessages } from "../limits.ts";
import { messageTypeId, messageTypeOf, type RtmpMessage } from "./message-type.ts";

/**
 * The messages of an aggregate in their order, each with memory of its own, all with the aggregate's message stream (§7.1.6: it
 * overrides theirs). Errors: ERR_TRUNCATED, ERR_RTMP_AGGREGATE (nested, or too many).
 */
export function parseAggregate(aggregate: RtmpMessage): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const reader = new ByteReader(aggregate.payload);
  let shift: number | undefined;
  while (reader.left > 0) {
    const typeId = reader.u8();
    const length = reader.u24();
    const low = reader.u24();
    const own = reader.u8() * 0x100_0000 + low; // the upper byte comes last, as in FLV
    reader.skip(3); // message stream id
    const payload = reader.view(length).slice();
    // The size of this tag for readers that go backwards; librtmp and others do not check it either, some writers omit the last.
    reader.skip(Math.min(4, reader.left));
    if (typeId === messageTypeId.aggregate) {
      throw new CodedError(ERR_RTMP_AGGREGATE, "expected no aggregate message inside an aggregate message");
    }
    if (messages.length === maxAggregateMessages) {
      throw new CodedError(ERR_RTMP_AGGREGATE, `expected at most ${maxAggregateMessages} messages in an aggregate`);
    }
    shift ??= aggregate.timestamp - own + 0x1_0000_0000;
    messages.push({
      type: messageTypeOf(typeId),
      typeId,
      timestamp: (own + shift) % 0x1_0000_0000,
      messageStreamId: aggregate.messageStreamId,
      chunkStreamId: aggregate.chunkStreamId,
      payload,
    });
  }
  return messages;
}

/** The payload of an aggregate; the timestamps of `messages` are written as they are. */
export function writeAggregate(messages: readonly RtmpMessage[]): Uint8Array {
  const writer = new ByteWriter(1024);
  for (const { typeId, timestamp, payload } of messages) {
    writer
      .u8(typeId)
      .u24(payload.length)
      .u24(timestamp % 0x100_0000)
      .u8(Math.floor(timestamp / 0x100_0000))
      .u24(0)
      .put(payload)
      .u32(11 + payload.length);
  }
  return writer.finish();
}

import { describe, expect, it } from "vitest";
import { maxAggregateMessages } from "../limits.ts";
import { aggregateCases } from "./aggregate.cases.ts";
import { parseAggregate, writeAggregate } from "./aggregate.ts";
import type { RtmpMessage } from "./message-type.ts";

function aggregate(timestamp: number, payload: Uint8Array): RtmpMessage {
  return { type: "aggregate", typeId: 22, timestamp, messageStreamId: 3, chunkStreamId: 7, payload };
}

describe("aggregate messages", () => {
  for (const { what, timestamp, hex, messages } of aggregateCases) {
    it(`splits ${what}`, () => {
      const payload = Uint8Array.fromHex(hex.replaceAll(" ", ""));
      const parts = parseAggregate(aggregate(timestamp, payload));
      expect(parts.map((part) => [part.typeId, part.timestamp, part.payload.toHex()])).toEqual(messages);
      expect(parts.every((part) => part.messageStreamId === 3)).toBe(true);
      expect(parseAggregate(aggregate(timestamp, writeAggregate(parts)))).toEqual(parts);
    });
  }

  it("gives each message memory of its own", () => {
    const payload = writeAggregate([{ ...aggregate(0, new Uint8Array(9)), type: "audio", typeId: 8 }]);
    expect(parseAggregate(aggregate(0, payload))[0]?.payload.buffer.byteLength).toBe(9);
  });

  it.each([
    ["a header that ends early", "08 000002 0000", "ERR_TRUNCATED"],
    ["a payload that ends early", "08 000002 000064 00 000000 af", "ERR_TRUNCATED"],
    ["an aggregate inside", "16 000000 000064 00 000000 0000000b", "ERR_RTMP_AGGREGATE"],
  ])("refuses %s", (_what, hex, code) => {
    const payload = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    expect(() => parseAggregate(aggregate(0, payload))).toThrowError(expect.objectContaining({ code }));
  });

  it("refuses one message more than the limit", () => {
    const empty = { ...aggregate(0, new Uint8Array(0)), typeId: 8 };
    const many = Array.from({ length: maxAggregateMessages + 1 }, () => empty);
    expect(parseAggregate(aggregate(0, writeAggregate(many.slice(1)))).length).toBe(maxAggregateMessages);
    expect(() => parseAggregate(aggregate(0, writeAggregate(many)))).toThrowError(
      expect.objectContaining({ code: "ERR_RTMP_AGGREGATE" }),
    );
  });
});

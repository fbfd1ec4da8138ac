import { expect, it } from "vitest";
import { ChunkReader } from "./chunk-reader.ts";
import { chunkedLength, writeChunkHeader0, writeChunkHeader3, writeMessage } from "./chunk-writer.ts";
import { writeSetChunkSize } from "./message/set-chunk-size.ts";

it("writes a header of format 0 with the message stream in little-endian", () => {
  const target = new Uint8Array(20);
  expect(writeChunkHeader0(target, 2, 6, 0x010203, 0x040506, 9, 0x0708090a)).toBe(14);
  expect(target.toHex()).toBe("0000060102030405060" + "90a090807000000000000");
});

it("extends timestamps from 0xffffff on, in every chunk", () => {
  const target = new Uint8Array(16);
  expect(writeChunkHeader0(target, 0, 4, 0xfffffe, 1, 8, 1)).toBe(12);
  expect(writeChunkHeader0(target, 0, 4, 0xffffff, 1, 8, 1)).toBe(16);
  expect(target.toHex()).toBe("04ffffff000001080100000000ffffff");
  expect(writeChunkHeader3(target, 0, 4, 0xfffffe)).toBe(1);
  expect(writeChunkHeader3(target, 0, 4, 0xffffffff)).toBe(5);
  expect(target.subarray(0, 5).toHex()).toBe("c4ffffffff");
});

it("cuts messages so that the reader joins them again, at every length around the chunk size", () => {
  for (const timestamp of [0, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff]) {
    for (const chunkSize of [1, 2, 127, 128, 129, 60_000]) {
      for (const length of [0, 1, 127, 128, 129, 256, 257, 1000]) {
        const payload = Uint8Array.from({ length }, (_, i) => i);
        const bytes = writeMessage(6, timestamp, 9, 1, payload, chunkSize);
        expect(bytes.length).toBe(chunkedLength(length, timestamp, chunkSize));
        const reader = new ChunkReader();
        reader.handle(writeMessage(2, 0, 1, 0, writeSetChunkSize(chunkSize), 128));
        expect(reader.pollMessage()).toBeUndefined();
        reader.handle(bytes);
        expect(reader.pollMessage()).toEqual({
          type: "video",
          typeId: 9,
          timestamp,
          messageStreamId: 1,
          chunkStreamId: 6,
          payload,
        });
        expect(reader.pollMessage()).toBeUndefined();
      }
    }
  }
});

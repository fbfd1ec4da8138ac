import { expect, test } from "vitest";
import { RtmpLink } from "./link.ts";
import { ReplyMemo } from "./reply-memo.ts";
import { sendPlayStart } from "./server-replies.ts";

test("what was written for one link is sent by the next, behind what that one has sent before", () => {
  const memo = new ReplyMemo();
  let writeCount = 0;
  const start = (known: ReplyMemo | undefined, name: string, chunkSize: number): Uint8Array | undefined => {
    const link = new RtmpLink();
    link.sendChunkSize(chunkSize);
    link.sendAlike(known, `play ${name}`, () => {
      writeCount++;
      sendPlayStart(link, 1, name, true);
    });
    return link.pollOutput();
  };
  for (const [name, chunkSize] of [
    ["a", 60_000],
    ["b", 60_000],
    ["b", 128],
  ] as const) {
    const expected = start(undefined, name, chunkSize);
    writeCount = 0;
    expect(start(memo, name, chunkSize)).toEqual(expected);
    expect(start(memo, name, chunkSize)).toEqual(expected);
    expect(writeCount).toBe(1);
  }
});

test("keeps no more than its limit", () => {
  const memo = new ReplyMemo();
  for (let i = 0; i < 1_000; i++) memo.set(String(i), new Uint8Array(1));
  const keptCount = Array.from({ length: 1_000 }, (_, i) => memo.get(String(i))).filter(Boolean).length;
  expect(keptCount).toBeGreaterThan(0);
  expect(keptCount).toBeLessThanOrEqual(64);
  expect(memo.get("999")).toBeDefined();
});

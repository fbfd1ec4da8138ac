import { beforeEach, describe, expect, test } from "vitest";
import { append, bytesOf, textOf } from "../../test/support/kernel.ts";
import { EgressLog } from "../kernel/egress-log.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import { LogReader } from "../kernel/log-reader.ts";
import { type PacketBatch, readPackets } from "./packet-batch.ts";

let log: EgressLog;
let reader: LogReader;

beforeEach(() => {
  log = new EgressLog({ initialBytes: 1_024, initialEntries: 64, maxBytes: 1_024 });
  reader = new LogReader(log.memory);
});

describe("packets of a log", () => {
  test("are read from whole entries, with their channels, until there are enough bytes", () => {
    append(log, entryOf([0, "<P>"]), entryFlags.preamble);
    append(log, entryOf([0, "K1"], [2, ""], [1, "report"]), entryFlags.key);
    append(log, entryOf([0, "a"]), 0);
    reader.refresh();
    expect(texts(readPackets(reader, 0, 0, true, 1_000))).toEqual(["0 <P>", "0 K1", "2 ", "1 report", "0 a"]);
    expect(texts(readPackets(reader, 0, 0, false, 1_000))).toEqual(["0 K1", "2 ", "1 report", "0 a"]);
    const short = readPackets(reader, 0, 0, true, 8);
    expect(texts(short)).toEqual(["0 <P>", "0 K1", "2 ", "1 report"]);
    expect(short).toMatchObject({ byteLength: 27, endEntry: 2, endPosition: 27 });
  });

  test("are the same wherever the ring ends", () => {
    for (let lead = 1_000; lead < 1_024; lead++) {
      log = new EgressLog({ initialBytes: 1_024, initialEntries: 64, maxBytes: 1_024 });
      reader = new LogReader(log.memory);
      append(log, new Uint8Array(800), 0);
      append(log, new Uint8Array(lead - 800), 0);
      append(log, entryOf([0, "abcdef"], [1, "ghijkl"]), entryFlags.key);
      reader.refresh();
      expect(texts(readPackets(reader, 2, lead, true, 1_000))).toEqual(["0 abcdef", "1 ghijkl"]);
    }
  });

  test("are a copy, which nobody writes to any more", () => {
    append(log, entryOf([0, "mine"]), entryFlags.key);
    reader.refresh();
    const batch = readPackets(reader, 0, 0, true, 1_000);
    for (let i = 0; i < 20; i++) append(log, new Uint8Array(100), 0);
    expect(texts(batch)).toEqual(["0 mine"]);
  });

  test("that were overwritten meanwhile are not read at all", () => {
    append(log, entryOf([0, "lost"]), entryFlags.key);
    reader.refresh();
    for (let i = 0; i < 20; i++) append(log, new Uint8Array(100).fill(0x24), 0);
    expect(readPackets(reader, 0, 0, true, 1_000)).toBeUndefined();
  });
});

test("an entry that is no records is a mistake of ours", () => {
  for (const entry of [bytesOf("text"), entryOf([0, "good"]).subarray(0, 7), Uint8Array.of(0x24, 0)]) {
    log = new EgressLog({ initialBytes: 1_024, maxBytes: 1_024 });
    append(log, entry, entryFlags.key);
    reader = new LogReader(log.memory);
    reader.refresh();
    expect(() => readPackets(reader, 0, 0, true, 1_000)).toThrow("whole records");
  }
});

function entryOf(...packets: readonly [channel: number, text: string][]): Uint8Array {
  return Buffer.concat(
    packets.map(([channel, text]) => Uint8Array.of(0x24, channel, 0, text.length, ...bytesOf(text))),
  );
}

function texts(batch: PacketBatch | undefined): string[] | undefined {
  return batch?.packets.map(({ channel, bytes }) => `${channel} ${textOf(bytes)}`);
}

import { describe, expect, it } from "vitest";
import { corpusSeeds } from "../../../test/support/material.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { badChunkCases, chunkCases } from "./chunk-reader.cases.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { writeMessage } from "./chunk-writer.ts";
import {
  chunkCreditMax,
  maxChunkSize,
  maxChunkStreams,
  maxPartialBytes,
  maxPartialBytesBeforePublish,
} from "./limits.ts";
import type { RtmpMessage } from "./message/message-type.ts";
import { writeSetChunkSize } from "./message/set-chunk-size.ts";
import { randomPieces, seededRandom } from "./pair.cases.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

/** Reads pieces, each destroyed after its call: messages must have memory of their own. */
function readAll(reader: ChunkReader, pieces: Iterable<Uint8Array>): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  for (const piece of pieces) {
    const lent = piece.slice();
    reader.handle(lent);
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
      messages.push(reader.sharesMemory ? { ...message, payload: message.payload.slice() } : message);
    }
    if (!isEqual(lent, piece)) throw new Error("the reader changed its input");
    lent.fill(0xee);
  }
  return messages;
}

/** Node's own comparison: expect() takes seconds for 16 MiB. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function codeOf(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    return error instanceof CodedError ? error.code : `not coded: ${error}`;
  }
  return undefined;
}

function brief({ typeId, timestamp, messageStreamId, payload }: RtmpMessage): [number, number, number, string] {
  return [typeId, timestamp, messageStreamId, payload.toHex()];
}

function setChunkSize(size: number): Uint8Array {
  return writeMessage(2, 0, 1, 0, writeSetChunkSize(size), 128);
}

describe("reads", () => {
  for (const { what, hex: text, messages } of chunkCases) {
    it(what, () => {
      expect(readAll(new ChunkReader(), [hex(text)]).map(brief)).toEqual(messages);
    });

    it(`${what}, in single bytes and in random pieces`, () => {
      const bytes = hex(text);
      expect(
        readAll(
          new ChunkReader(),
          Array.from(bytes, (byte) => Uint8Array.of(byte)),
        ).map(brief),
      ).toEqual(messages);
      for (let seed = 0; seed < 20; seed++) {
        const pieces = randomPieces(bytes, seededRandom(seed));
        expect(readAll(new ChunkReader(), pieces).map(brief), `seed ${seed}`).toEqual(messages);
      }
    });
  }
});

describe("a publisher's payloads", () => {
  /** Messages of all lengths on two chunk streams, their chunks taking turns, so that two are often begun at once. */
  function interleaved(next: () => number): { bytes: Uint8Array; payloads: Uint8Array[] } {
    const parts: Uint8Array[] = [setChunkSize(1_000)];
    const payloads: Uint8Array[] = [];
    for (let i = 0; i < 60; i++) {
      const pair = [4, 6].map((csid) => {
        const payload = new Uint8Array(next() % 12 === 0 ? 70_000 : 1 + 10 * next()).fill(next());
        return { payload, bytes: writeMessage(csid, i, csid === 4 ? 8 : 9, 1, payload, 1_000) };
      });
      const [a, b] = pair as [(typeof pair)[0], (typeof pair)[0]];
      // The shorter one stands between the first chunk of the longer one and the rest.
      const [long, short] = a.payload.length > b.payload.length ? [a, b] : [b, a];
      const cut = Math.min(long.bytes.length, 12 + 1_000);
      parts.push(long.bytes.subarray(0, cut), short.bytes, long.bytes.subarray(cut));
      payloads.push(...(cut === long.bytes.length ? [long, short] : [short, long]).map(({ payload }) => payload));
    }
    return { bytes: new Uint8Array(Buffer.concat(parts)), payloads };
  }

  it("are whole until the next bytes come, in whatever pieces, and take no memory of their own", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const { bytes, payloads } = interleaved(() => Math.floor(random() * 256));
      for (const pieces of [[bytes], randomPieces(bytes, random)]) {
        const reader = new ChunkReader();
        reader.setPartialLimit(maxPartialBytes);
        reader.sharesMemory = true;
        const read = readAll(reader, pieces);
        expect(read).toHaveLength(payloads.length);
        expect(read.every(({ payload }, i) => isEqual(payload, payloads[i] as Uint8Array))).toBe(true);
      }
    }
  });

  it("are views of the bytes that came, or stand in the same memory after each read, one that was begun in front", () => {
    const reader = new ChunkReader();
    reader.sharesMemory = true;
    const message = writeMessage(6, 0, 9, 1, new Uint8Array(100).fill(1), 128);
    const begun = message.subarray(0, 40);
    const memories = new Set<ArrayBufferLike>();
    reader.handle(begun);
    expect(reader.pollMessage()).toBeUndefined();
    for (let i = 0; i < 1_000; i++) {
      // The end of one, a whole one, and the beginning of the next.
      const bytes = new Uint8Array([...message.subarray(40), ...message, ...begun]);
      reader.handle(bytes);
      const [ended, whole] = [reader.pollMessage(), reader.pollMessage()];
      expect(reader.pollMessage()).toBeUndefined();
      for (const read of [ended, whole]) expect(read?.payload).toEqual(new Uint8Array(100).fill(1));
      expect(whole?.payload.buffer).toBe(bytes.buffer);
      memories.add(ended?.payload.buffer as ArrayBufferLike);
    }
    expect(memories.size).toBe(1);
  });
});

describe("refuses", () => {
  for (const { what, hex: text, code } of badChunkCases) {
    it(`${what}: ${code}`, () => {
      expect(codeOf(() => readAll(new ChunkReader(), [hex(text)]))).toBe(code);
    });
  }
});

it("gives messages memory of their own and of exactly their length", () => {
  const bytes = writeMessage(6, 0, 9, 1, new Uint8Array(300_000), 60_000);
  for (const size of [1_000, 65_536, 400_000]) {
    const pieces: Uint8Array[] = [setChunkSize(60_000)];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
    const [message] = readAll(new ChunkReader(), pieces);
    expect(message?.payload.length).toBe(300_000);
    expect(message?.payload.buffer.byteLength).toBe(300_000);
  }
});

it("clamps the declared chunk size to 1 MiB", () => {
  const reader = new ChunkReader();
  readAll(reader, [setChunkSize(0x7fffffff)]);
  expect(reader.chunkSize).toBe(maxChunkSize);
});

it("reads the longest possible message", () => {
  const reader = new ChunkReader();
  const payload = new Uint8Array(0xffffff);
  payload[0xfffffe] = 1;
  const [message] = readAll(reader, [setChunkSize(1_000_000), writeMessage(6, 0, 9, 1, payload, 1_000_000)]);
  expect(message?.payload.length).toBe(0xffffff);
  expect(message?.payload[0xfffffe]).toBe(1);
  expect(reader.partialBytes).toBe(0);
});

it("allocates what has come, not what was declared", () => {
  const reader = new ChunkReader();
  readAll(reader, [setChunkSize(maxChunkSize), hex("06 000000 ffffff 09 01000000 aa")]);
  expect(reader.partialBytes).toBeLessThanOrEqual(65_536);
  const early = new ChunkReader();
  early.setPartialLimit(maxPartialBytesBeforePublish);
  readAll(early, [hex("06 000000 ffffff 09 01000000 aa")]);
  expect(early.partialBytes).toBeLessThanOrEqual(1_024);
});

it("takes 64 chunk streams with a message begun on each, before a publish too, and not one more", () => {
  const reader = new ChunkReader();
  reader.setPartialLimit(maxPartialBytesBeforePublish);
  const header = (id: number): Uint8Array => hex(`00 ${id.toString(16).padStart(2, "0")} 000000 ffffff 09 01000000`);
  for (let id = 0; id < maxChunkStreams; id++) {
    // One whole chunk of 128 bytes each, so that the next header may come.
    readAll(reader, [header(id), new Uint8Array(128)]);
  }
  expect(reader.partialBytes).toBeLessThanOrEqual(maxPartialBytesBeforePublish);
  expect(codeOf(() => readAll(reader, [header(maxChunkStreams)]))).toBe("ERR_RTMP_TOO_MANY_CHUNK_STREAMS");
});

it("bounds the memory of all incomplete messages together", () => {
  const reader = new ChunkReader();
  readAll(reader, [setChunkSize(maxChunkSize)]);
  const code = codeOf(() => {
    for (let id = 3; id < 20; id++) {
      const message = writeMessage(id, 0, 9, 1, new Uint8Array(1_500_000), maxChunkSize);
      readAll(reader, [message.subarray(0, 12 + maxChunkSize)]);
    }
  });
  expect(code).toBe("ERR_RTMP_PARTIAL_BYTES");
  expect(reader.partialBytes).toBeLessThanOrEqual(maxPartialBytes);
});

it("keeps to 64 KiB before a publish", () => {
  const reader = new ChunkReader();
  reader.setPartialLimit(maxPartialBytesBeforePublish);
  const message = writeMessage(6, 0, 9, 1, new Uint8Array(100_000), 128);
  expect(codeOf(() => readAll(reader, [message]))).toBe("ERR_RTMP_PARTIAL_BYTES");
});

it("ends a peer that sends a long message in chunks of one byte", () => {
  const reader = new ChunkReader();
  const message = writeMessage(6, 0, 9, 1, new Uint8Array(2 * chunkCreditMax), 1);
  expect(codeOf(() => readAll(reader, [setChunkSize(1), message]))).toBe("ERR_RTMP_CHUNKS_TOO_SMALL");
});

it("lets tiny chunks pass at a human pace", () => {
  const reader = new ChunkReader();
  readAll(reader, [setChunkSize(1)]);
  for (let now = 0; now < 20_000; now += 20) {
    reader.handleTime(now);
    expect(readAll(reader, [writeMessage(6, now, 8, 1, new Uint8Array(500), 1)]).length).toBe(1);
  }
});

it("lets the default chunk size pass at any pace", () => {
  const reader = new ChunkReader();
  const message = writeMessage(6, 0, 9, 1, new Uint8Array(0xffffff), 128);
  expect(readAll(reader, [message, message]).length).toBe(2);
});

it("gives a value or a coded error for every seed", () => {
  for (const corpus of ["rtmp_chunk", "rtmp_message"]) {
    for (const { name, bytes } of corpusSeeds(corpus)) {
      const whole: (string | undefined)[] = [];
      for (const pieces of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
        const reader = new ChunkReader();
        let messages: RtmpMessage[] = [];
        const code = codeOf(() => {
          messages = readAll(reader, pieces);
        });
        expect(code ?? "", name).not.toMatch(/^not coded/);
        whole.push(`${code} ${messages.map(brief).join(" ")}`);
      }
      expect(whole[1], name).toBe(whole[0]);
    }
  }
});

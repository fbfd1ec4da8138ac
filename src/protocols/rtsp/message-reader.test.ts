import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { corpusSeeds } from "../../../test/support/material.ts";
import { writeInterleaved } from "./interleaved.ts";
import type { RtspHeader } from "./message/headers.ts";
import { writeRequest, writeResponse } from "./message/message.ts";
import { RtspMessageReader } from "./message-reader.ts";
import { bytesOf, concat } from "./pair.cases.ts";

/** What a reader finds, in short; and the code of the error that ended it. */
function read(pieces: Iterable<Uint8Array>, isLenient = false): string[] {
  const reader = new RtspMessageReader({ isLenient });
  const found: string[] = [];
  for (const piece of pieces) {
    const input = piece.slice();
    reader.handle(input);
    try {
      for (let item = reader.poll(); item !== undefined; item = reader.poll()) {
        if (item.kind === "interleaved") found.push(`$${item.channel} ${item.data.toHex()}`);
        else {
          const start = item.kind === "request" ? `${item.method} ${item.url}` : `${item.status} ${item.reason}`;
          found.push(`${start} ${JSON.stringify([...item.headers])} ${item.body.toHex()}`);
        }
      }
    } catch (error) {
      return [...found, (error as { code: string }).code];
    }
    input.fill(0xee);
  }
  return found;
}

function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (lengths[i % lengths.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

const text = fc.string({ unit: fc.constantFrom("a", "Z", "0", ";", "=", '"', "é", " "), maxLength: 20 });
const headers = fc.array(fc.tuple(fc.constantFrom("CSeq", "X-Y"), text) as fc.Arbitrary<RtspHeader>, { maxLength: 5 });
const body = fc.uint8Array({ maxLength: 300 });
const item = fc.oneof(
  fc
    .tuple(fc.constantFrom("PLAY", "GET_PARAMETER"), headers, body)
    .map(([method, ...rest]) => writeRequest(method, "rtsp://h/a", ...rest)),
  fc.tuple(headers, body).map((rest) => writeResponse(200, "OK", ...rest)),
  fc.tuple(fc.nat(255), body).map(([channel, packet]) => writeInterleaved(channel, packet)),
);

describe("any stream in any pieces", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });

  it("is what was written", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), lengths, (items, cuts) => {
        const whole = read([concat(items)]);
        expect(whole.length).toBe(items.length);
        expect(read(pieces(concat(items), cuts))).toEqual(whole);
      }),
      { seed: 1 },
    );
  });

  it("of noise too, for strict and lenient readers", () => {
    const noise = fc.oneof(
      item,
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom("RTSP/1.0 200\r\n", "$", "\r\n", "PLAY").map(bytesOf),
    );
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 8 }), lengths, fc.boolean(), (items, cuts, isLenient) => {
        const input = concat(items);
        expect(read(pieces(input, cuts), isLenient)).toEqual(read([input], isLenient));
      }),
      { seed: 2 },
    );
  });

  it("of the seeds too", () => {
    for (const corpus of ["rtsp_session", "rtsp_message"]) {
      for (const { name, bytes } of corpusSeeds(corpus)) {
        for (const isLenient of [false, true]) {
          const whole = read([bytes], isLenient);
          expect(read(pieces(bytes, [1]), isLenient), name).toEqual(whole);
          expect(read(pieces(bytes, [7, 1, 90]), isLenient), name).toEqual(whole);
        }
      }
    }
  });
});

describe("what there is to know of a message", () => {
  it("lines end with LF too", () => {
    expect(read([bytesOf("OPTIONS * RTSP/1.0\nCSeq: 1\n\n\r\n\nPLAY rtsp://h RTSP/1.0\n\n")])).toEqual([
      'OPTIONS * [["cseq","1"]] ',
      "PLAY rtsp://h [] ",
    ]);
  });

  it("a status line need not have words", () => {
    expect(read([bytesOf("RTSP/1.0 200\r\n\r\nRTSP/1.1 404 Not  Found \r\n\r\n")])).toEqual([
      "200  [] ",
      "404 Not  Found [] ",
    ]);
  });

  it("an empty Content-Length is none", () => {
    expect(read([bytesOf("RTSP/1.0 200 OK\r\nContent-Length:\r\n\r\n")]).length).toBe(1);
  });

  it.each([
    "RTSP/1.0 0 0",
    "RTSP/1.0  ",
    "RTSP/1.0 20 OK",
    "OPTIONS  * RTSP/1.0",
    "options * RTSP/1.0",
    "OPTIONS * RTSP/1.0 x",
  ])("%j is no start line", (line) => {
    expect(read([bytesOf(`${line}\r\n\r\n`)])).toEqual(["ERR_RTSP_MESSAGE"]);
  });

  it("64 KiB of headers are the limit, in one piece or in many", () => {
    const head = (length: number): Uint8Array => bytesOf(`OPTIONS * RTSP/1.0\r\nX: ${"y".repeat(length - 27)}\r\n\r\n`);
    expect(head(0x1_0000).length).toBe(0x1_0000);
    for (const cuts of [[0x2_0000], [1_000]]) {
      expect(read(pieces(head(0x1_0000), cuts)).length).toBe(1);
      expect(read(pieces(head(0x1_0001), cuts))).toEqual(["ERR_RTSP_TOO_LONG"]);
    }
  });

  it("memory follows what has come, not what was declared", () => {
    const reader = new RtspMessageReader({ isLenient: false });
    reader.handle(Uint8Array.of(0x24, 0, 0xff, 0xff, 1));
    expect([reader.poll(), reader.isInside, reader.itemCount]).toEqual([undefined, true, 0]);
  });
});

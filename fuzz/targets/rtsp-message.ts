/** Messages and frames out of random bytes: the same in one piece and in many, and what was read and written is read again. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { type InterleavedFrame, writeInterleaved } from "../../src/protocols/rtsp/interleaved.ts";
import type { RtspHeaders } from "../../src/protocols/rtsp/message/headers.ts";
import { parseHead, type RtspMessage, writeRequest, writeResponse } from "../../src/protocols/rtsp/message/message.ts";
import { RtspMessageReader } from "../../src/protocols/rtsp/message-reader.ts";
import { playRequests, randomPieces, recordRequests, seededRandom } from "../../src/protocols/rtsp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtsp-message",
  covers: [
    "src/protocols/rtsp/message-reader.ts",
    "src/protocols/rtsp/message/message.ts",
    "src/protocols/rtsp/message/headers.ts",
  ],
  corpora: ["rtsp_message", "rtsp_session"],
  seeds: () => [
    ...[...playRequests, ...recordRequests].map((text) => new TextEncoder().encode(text)),
    writeInterleaved(1, new Uint8Array(20)),
    new TextEncoder().encode("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabcx$\u0000\u0000\u0001a"),
  ],
  run(bytes) {
    for (const isLenient of [false, true]) {
      const whole = read([bytes], isLenient);
      const cut = read(randomPieces(bytes, seededRandom(bytes.length)), isLenient);
      assert(whole.join("\n") === cut.join("\n"), "what is read depends on how the bytes were cut");
    }
    parseHead(new TextDecoder().decode(bytes), true);
  },
};

type Item = RtspMessage | InterleavedFrame;

function read(pieces: Iterable<Uint8Array>, isLenient: boolean): string[] {
  const reader = new RtspMessageReader({ isLenient, isChannel: (channel) => channel < 4 });
  const found: string[] = [];
  for (const piece of pieces) {
    reader.handle(piece);
    try {
      for (let item = reader.poll(); item !== undefined; item = reader.poll()) {
        const text = textOf(item);
        found.push(text);
        const again = new RtspMessageReader({ isLenient: false });
        again.handle(write(item));
        const second = again.poll();
        assert(second !== undefined && textOf(second) === text, "what was written is not what was read");
        assert(again.poll() === undefined && !again.isInside, "more was written than was read");
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return [...found, error.code];
    }
  }
  return [...found, String(reader.isInside)];
}

function textOf(item: Item): string {
  if (item.kind === "interleaved") return `$${item.channel} ${item.data.join()}`;
  const start = item.kind === "request" ? `${item.method} ${item.url}` : `${item.status} ${item.reason}`;
  return `${start} ${JSON.stringify(own(item.headers))} ${item.body.join()}`;
}

function write(item: Item): Uint8Array {
  if (item.kind === "interleaved") return writeInterleaved(item.channel, item.data);
  const headers = own(item.headers);
  return item.kind === "request"
    ? writeRequest(item.method, item.url, headers, item.body)
    : writeResponse(item.status, item.reason, headers, item.body);
}

/** Without the one that the writer writes itself. */
function own(headers: RtspHeaders): [string, string][] {
  return [...headers].filter(([name]) => name !== "content-length").map(([name, value]) => [name, value]);
}

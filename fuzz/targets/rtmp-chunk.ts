/** Chunk streams under random bytes: pieces make no difference, and what was read is read again after writing. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { badChunkCases, chunkCases } from "../../src/protocols/rtmp/chunk-reader.cases.ts";
import { ChunkReader } from "../../src/protocols/rtmp/chunk-reader.ts";
import { writeMessage } from "../../src/protocols/rtmp/chunk-writer.ts";
import { initialMessageBytes } from "../../src/protocols/rtmp/limits.ts";
import type { RtmpMessage } from "../../src/protocols/rtmp/message/message-type.ts";
import { randomPieces, seededRandom } from "../../src/protocols/rtmp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-chunk",
  covers: ["src/protocols/rtmp/chunk-reader.ts", "src/protocols/rtmp/message/set-chunk-size.ts"],
  corpora: ["rtmp_chunk", "rtmp_message"],
  seeds: () => [...chunkCases, ...badChunkCases].map(({ hex }) => Uint8Array.fromHex(hex.replaceAll(" ", ""))),
  run(bytes) {
    const whole = read([bytes]);
    const pieces = read(randomPieces(bytes, seededRandom(bytes.length)));
    assert(whole.code === pieces.code, `in one piece ${whole.code}, in several ${pieces.code}`);
    assert(whole.messages.length === pieces.messages.length, "pieces make a difference");
    for (const [i, message] of whole.messages.entries()) requireSame(message, pieces.messages[i]);
    for (const message of whole.messages) rewrite(message);
    const lent = read(randomPieces(bytes, seededRandom(bytes.length)), true);
    assert(
      whole.code === lent.code && whole.messages.length === lent.messages.length,
      "lent memory makes a difference",
    );
    for (const [i, message] of whole.messages.entries()) requireSame(message, lent.messages[i]);
  },
};

function read(
  pieces: Iterable<Uint8Array>,
  sharesMemory = false,
): { messages: RtmpMessage[]; code: string | undefined } {
  const reader = new ChunkReader();
  reader.sharesMemory = sharesMemory;
  const messages: RtmpMessage[] = [];
  let inputBytes = 0;
  try {
    for (const piece of pieces) {
      inputBytes += piece.length;
      reader.handle(piece);
      for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
        messages.push(sharesMemory ? { ...message, payload: message.payload.slice() } : message);
      }
      // Twice what has come, or the first step for each chunk stream, which takes at least 12 bytes to open.
      const bound = 2 * inputBytes + (inputBytes / 8) * initialMessageBytes;
      assert(reader.partialBytes <= bound, "more memory than the bytes that came allow");
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { messages, code: error.code };
  }
  return { messages, code: undefined };
}

function rewrite(message: RtmpMessage): void {
  const { timestamp, typeId, messageStreamId, payload } = message;
  const reader = new ChunkReader();
  reader.handle(writeMessage(6, timestamp, typeId, messageStreamId, payload, reader.chunkSize));
  requireSame({ ...message, chunkStreamId: 6 }, reader.pollMessage());
  assert(reader.pollMessage() === undefined, "more came out than was written");
}

function requireSame(a: RtmpMessage, b: RtmpMessage | undefined): void {
  assert(b !== undefined && a.payload.every((byte, i) => byte === b.payload[i]), "payloads differ");
  assert(a.payload.length === b.payload.length && b.payload.buffer.byteLength === b.payload.length, "lengths differ");
  assert(
    a.typeId === b.typeId &&
      a.timestamp === b.timestamp &&
      a.messageStreamId === b.messageStreamId &&
      a.chunkStreamId === b.chunkStreamId,
    "headers differ",
  );
}

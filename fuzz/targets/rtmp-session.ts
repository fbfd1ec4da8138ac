/**
 * The server's session under a client's random bytes: from the first byte, and from the point where a stream is published.
 * Whatever comes, the session ends by itself or goes on, and says nothing after its end.
 */

import { assert } from "../../src/bytes/assert.ts";
import { chunkCases } from "../../src/protocols/rtmp/chunk-reader.cases.ts";
import { concatBytes } from "../../src/protocols/rtmp/concat-bytes.ts";
import {
  clientHello,
  commandChunk,
  connectChunk,
  playChunks,
  publishChunks,
  randomPieces,
  ServerBench,
  seededRandom,
  streamCommandChunk,
} from "../../src/protocols/rtmp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-session",
  covers: ["src/protocols/rtmp/session.ts"],
  corpora: ["rtmp_session", "rtmp_message"],
  seeds: () => [
    concatBytes(publishChunks()),
    concatBytes(playChunks()),
    concatBytes([clientHello(), connectChunk("live", true)]),
    streamCommandChunk(1, "closeStream", 0),
    streamCommandChunk(1, "pause", 0, null, true, 0),
    commandChunk("deleteStream", 0, null, 1),
    commandChunk("FCUnpublish", 5, null, "cam"),
    ...chunkCases.map(({ hex }) => Uint8Array.fromHex(hex.replaceAll(" ", ""))),
  ],
  run(bytes) {
    drive([bytes]);
    drive([...publishChunks(), ...randomPieces(bytes, seededRandom(bytes.length))]);
    drive([...playChunks(), bytes]);
  },
};

function drive(pieces: readonly Uint8Array[]): void {
  const bench = new ServerBench();
  let isClosed = false;
  let messageCount = 0;
  let inputBytes = 0;
  for (const piece of pieces) {
    inputBytes += piece.length;
    bench.handle(piece.slice());
    for (const event of bench.events.splice(0)) {
      assert(!isClosed, "an event after the end");
      if (event.type === "publish") bench.session.acceptPublish(event.messageStreamId, bench.now);
      if (event.type === "play") bench.session.acceptPlay(event.messageStreamId, bench.now);
      if (event.type === "closed") isClosed = true;
      if ("payload" in event) messageCount += 1;
    }
    bench.advance(10);
    if (bench.session.nextTimeout() !== undefined) assert(!isClosed, "a deadline after the end");
  }
  assert(messageCount <= inputBytes, "more messages than bytes");
  assert(bench.takeOutput().length <= 4096 + 64 * inputBytes, "an answer out of proportion");
}

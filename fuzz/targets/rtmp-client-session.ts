/** The client's session under a server's random bytes: from the first byte, and from the point where it plays. */

import { assert } from "../../src/bytes/assert.ts";
import { chunkCases } from "../../src/protocols/rtmp/chunk-reader.cases.ts";
import { RtmpClientSession } from "../../src/protocols/rtmp/client-session.ts";
import { concatBytes } from "../../src/protocols/rtmp/concat-bytes.ts";
import { commandChunk, Pair, randomPieces, seededRandom, testCrypto } from "../../src/protocols/rtmp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-client-session",
  covers: ["src/protocols/rtmp/client-session.ts"],
  corpora: ["rtmp_session", "rtmp_message"],
  seeds: () => [
    serverBytes.publish,
    serverBytes.play,
    commandChunk("_error", 1, null),
    commandChunk("_result", 4, null, 1),
    ...chunkCases.map(({ hex }) => Uint8Array.fromHex(hex.replaceAll(" ", ""))),
  ],
  run(bytes) {
    for (const role of ["publish", "play"] as const) {
      drive(role, [bytes]);
      drive(role, [serverBytes[role].slice(), ...randomPieces(bytes, seededRandom(bytes.length))]);
    }
  },
};

function drive(role: "publish" | "play", pieces: readonly Uint8Array[]): void {
  const client = new RtmpClientSession({ crypto: testCrypto(), url: "rtmp://host/live/cam", role }, 0);
  let isClosed = false;
  for (const [i, piece] of pieces.entries()) {
    client.handle(piece, i);
    for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) {
      assert(!isClosed, "an event after the end");
      if (event.type === "closed") isClosed = true;
    }
    client.pollOutput();
  }
  const isReady = client.isReady;
  client.handleTimeout(1_000_000);
  assert(isReady || client.nextTimeout() === undefined, "a silent server is never given up");
}

/** What the server says up to the accepted publish or play. */
function recordServer(role: "publish" | "play"): Uint8Array {
  const pair = new Pair({ role });
  pair.start();
  return concatBytes(pair.serverBytes);
}

const serverBytes = { publish: recordServer("publish"), play: recordServer("play") };

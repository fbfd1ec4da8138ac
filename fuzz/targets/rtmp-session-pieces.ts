/**
 * Recorded sessions of our own client, cut, repeated, swapped and broken as the fuzzer's bytes say, in random pieces: what comes
 * of a real peer on a bad day.
 */

import { assert } from "../../src/bytes/assert.ts";
import { ownCapabilities } from "../../src/protocols/rtmp/capabilities.ts";
import { concatBytes } from "../../src/protocols/rtmp/concat-bytes.ts";
import { Pair, randomPieces, ServerBench, seededRandom } from "../../src/protocols/rtmp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-session-pieces",
  covers: ["src/protocols/rtmp/session.ts", "src/protocols/rtmp/client-session.ts"],
  corpora: [],
  seeds: () => [0, 1, 2, 3].map((session) => Uint8Array.of(session, 7, 0, 0, 0, 0, 0, 0, 0)),
  run(bytes) {
    const session = recorded[(bytes[0] ?? 0) % recorded.length] as Uint8Array;
    const random = seededRandom(bytes[1] ?? 0);
    const input = breakBytes(session, bytes.subarray(2));
    const bench = new ServerBench();
    for (const piece of randomPieces(input, random)) {
      bench.handle(piece);
      for (const event of bench.events.splice(0)) {
        if (event.type === "publish" && random() < 0.8) bench.session.acceptPublish(event.messageStreamId, bench.now);
        else if (event.type === "publish") bench.session.rejectPublish(event.messageStreamId, "denied", "no");
        if (event.type === "play") bench.session.acceptPlay(event.messageStreamId, bench.now);
      }
      bench.advance(Math.floor(random() * 20));
    }
    bench.advance(200_000);
    assert(bench.session.nextTimeout() === undefined, "a silent peer is never given up");
  },
};

/** Four bytes each: what to do, where (16 bits), how much. */
function breakBytes(session: Uint8Array, script: Uint8Array): Uint8Array {
  let bytes = session;
  for (let i = 0; i + 4 <= script.length && i < 64; i += 4) {
    const [action = 0, high = 0, low = 0, amount = 0] = script.subarray(i, i + 4);
    const at = ((high << 8) | low) % (bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (action % 6) {
      case 0:
        break;
      case 1: // lost
        bytes = concatBytes([before, after.subarray(amount)]);
        break;
      case 2: // twice
        bytes = concatBytes([before, after.subarray(0, amount), after]);
        break;
      case 3: // one byte wrong
        bytes = concatBytes([before, Uint8Array.of(amount), after.subarray(1)]);
        break;
      case 4: // the end
        bytes = before;
        break;
      case 5: // the rest first
        bytes = concatBytes([after.subarray(0, amount), before, after.subarray(amount)]);
        break;
    }
  }
  return bytes;
}

function record(pair: Pair): Uint8Array {
  pair.start();
  for (let i = 0; i < 5; i++) pair.client.sendMedia(i % 2 === 0 ? 9 : 8, i * 40, new Uint8Array(50 + i * 90).fill(i));
  pair.exchange();
  pair.client.pause(true);
  pair.client.close();
  pair.exchange();
  return concatBytes(pair.clientBytes);
}

const recorded = [
  record(new Pair({ role: "publish" })),
  record(new Pair({ role: "publish", chunkSize: 4096, digestScheme: 1, capabilities: ownCapabilities })),
  record(new Pair({ role: "play", digestScheme: 0 })),
  record(new Pair({ role: "play", capabilities: ownCapabilities })),
];

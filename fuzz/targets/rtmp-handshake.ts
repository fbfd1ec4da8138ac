/** Both sides of the handshake under random bytes, in pieces. */

import { assert } from "../../src/bytes/assert.ts";
import { ClientHandshake, ServerHandshake } from "../../src/protocols/rtmp/handshake.ts";
import { randomPieces, seededRandom, testCrypto } from "../../src/protocols/rtmp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const wholeLength = 1 + 2 * 1536;

export const target: FuzzTarget = {
  name: "rtmp-handshake",
  covers: ["src/protocols/rtmp/handshake.ts"],
  corpora: ["rtmp_handshake"],
  seeds: () =>
    ([undefined, 0, 1] as const).map((scheme) => {
      const seed = new Uint8Array(wholeLength);
      seed.set(new ClientHandshake(testCrypto(), scheme).pollOutput() ?? []);
      return seed;
    }),
  run(bytes) {
    for (const side of [new ServerHandshake(testCrypto()), new ClientHandshake(testCrypto(), 1)]) {
      let used = 0;
      for (const piece of randomPieces(bytes, seededRandom(bytes.length))) used += side.handle(piece);
      assert(used === Math.min(bytes.length, wholeLength), "the handshake took more or less than its bytes");
      assert(side.isDone === bytes.length >= wholeLength, "the handshake is done too early or too late");
    }
  },
};

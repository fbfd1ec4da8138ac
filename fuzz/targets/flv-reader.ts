/** The FLV reader under random bytes in two pieces: the first byte says where they part. */

import { assert } from "../../src/bytes/assert.ts";
import { FlvReader } from "../../src/formats/flv/flv-reader.ts";
import { flvHeaderLength, writeFlvHeader } from "../../src/formats/flv/tag.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "flv-reader",
  covers: ["src/formats/flv/flv-reader.ts", "src/formats/flv/tag.ts"],
  corpora: ["flv"],
  seeds() {
    const header = new Uint8Array(flvHeaderLength + 11);
    header[writeFlvHeader(header, 0, true, true)] = 9;
    return [header];
  },
  run(bytes) {
    const reader = new FlvReader();
    const parting = Math.min(bytes[0] ?? 0, bytes.length);
    let bodyBytes = 0;
    for (const piece of [bytes.subarray(0, parting), bytes.subarray(parting)]) {
      reader.handle(piece);
      for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) bodyBytes += tag.body.length;
    }
    assert(bodyBytes + reader.heldBytes <= bytes.length, "more came out than went in");
  },
};

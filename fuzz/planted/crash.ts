/** A parser with a planted bug: two bytes with the right values make it fail with an error that has no code. */

import { CodedError } from "../../src/bytes/coded-error.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "crash",
  covers: [],
  corpora: [],
  seeds: () => [new Uint8Array(32)],
  run(bytes) {
    if (bytes[3] !== 0xff) throw new CodedError("ERR_PLANTED", "expected a marker");
    if (bytes[4]! >= 0x80) throw new TypeError("the planted bug");
  },
};

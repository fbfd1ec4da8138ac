/** A parser without a fault: the fuzzer must leave it alone. */

import { CodedError } from "../../src/bytes/coded-error.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "sound",
  covers: [],
  corpora: [],
  seeds: () => [new Uint8Array(64)],
  run(bytes) {
    if (bytes.some((byte) => byte !== 0))
      throw new CodedError("ERR_PLANTED", `expected zeros in ${bytes.length} bytes`);
  },
};

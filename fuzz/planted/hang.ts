/** A parser with a planted bug: a byte with the right value keeps it busy for ever. */

import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "hang",
  covers: [],
  corpora: [],
  seeds: () => [new Uint8Array(32)],
  run(bytes) {
    while (bytes[5] === 0xff);
  },
};

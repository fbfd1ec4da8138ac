/** A parser with a planted bug: it makes objects until there is no room, for one value of one byte. */

import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "hoard",
  covers: [],
  corpora: [],
  seeds: () => [new Uint8Array(32)],
  run(bytes) {
    const hoard: number[][] = [];
    while (bytes[5] === 0xff) hoard.push(new Array(1 << 16).fill(1.5));
  },
};

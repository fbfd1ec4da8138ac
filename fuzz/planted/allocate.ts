/** A parser with a planted bug: it allocates because a length was declared. */

import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "allocate",
  covers: [],
  corpora: [],
  seeds: () => [new Uint8Array(4)],
  run(bytes) {
    if (bytes.length >= 4) new Uint8Array(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)).fill(1, 0, 1);
  },
};

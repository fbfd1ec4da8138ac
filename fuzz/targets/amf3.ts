/** AMF3 under random bytes. */

import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { amf3Cases } from "../../src/formats/amf/amf3.cases.ts";
import { parseAmf3 } from "../../src/formats/amf/amf3.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "amf3",
  covers: ["src/formats/amf/amf3.ts"],
  corpora: [],
  seeds: () => amf3Cases.map(({ hex }) => Uint8Array.fromHex(hex)),
  run(bytes) {
    const reader = new ByteReader(bytes);
    while (reader.left > 0) parseAmf3(reader);
  },
};

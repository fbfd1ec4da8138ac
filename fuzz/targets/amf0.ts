/** AMF0 under random bytes; what was read is written again, and reads the same. */

import { assert } from "../../src/bytes/assert.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { amf0Cases } from "../../src/formats/amf/amf0.cases.ts";
import { parseAmf0, parseAmf0All, writeAmf0 } from "../../src/formats/amf/amf0.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "amf0",
  covers: ["src/formats/amf/amf0.ts", "src/formats/amf/amf3.ts"],
  corpora: ["amf0"],
  seeds: () => amf0Cases.map(({ hex }) => Uint8Array.fromHex(hex)),
  run(bytes) {
    const written = writeAll(parseAmf0All(bytes));
    const again = writeAll(parseAmf0All(written));
    assert(written.length === again.length && written.every((byte, i) => byte === again[i]), "AMF0 is not stable");
    parseAmf0(new ByteReader(bytes));
  },
};

function writeAll(values: ReturnType<typeof parseAmf0All>): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writeAmf0(writer, value);
  return writer.finish();
}

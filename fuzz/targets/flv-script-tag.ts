/** Script tag bodies under random bytes. */

import { parseScriptData, writeOnMetaData } from "../../src/formats/flv/script-tag.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "flv-script-tag",
  covers: ["src/formats/flv/script-tag.ts"],
  corpora: ["amf0"],
  seeds: () => [writeOnMetaData({ width: 1280, encoder: "millrace", stereo: true })],
  run(bytes) {
    parseScriptData(bytes);
  },
};

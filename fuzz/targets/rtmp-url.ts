/** Addresses of pulls and forwards under random text. */

import { assert } from "../../src/bytes/assert.ts";
import { parseRtmpUrl } from "../../src/protocols/rtmp/url.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-url",
  covers: ["src/protocols/rtmp/url.ts"],
  corpora: ["url"],
  seeds: () =>
    ["rtmp://host/live/cam", "rtmps://[::1]:443/a/b/c?x=1&y=2?z"].map((text) => new TextEncoder().encode(text)),
  run(bytes) {
    const { tcUrl, name, query } = parseRtmpUrl(new TextDecoder().decode(bytes));
    const again = parseRtmpUrl(`${tcUrl}/${name}${query === "" ? "" : `?${query}`}`);
    assert(again.tcUrl === tcUrl && again.name === name && again.query === query, "an address is not stable");
  },
};

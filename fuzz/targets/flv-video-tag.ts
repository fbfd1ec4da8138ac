/** Video tag bodies under random bytes; a tag of one track is written again, and reads the same. */

import { assert } from "../../src/bytes/assert.ts";
import { videoTagCases } from "../../src/formats/flv/video-tag.cases.ts";
import { parseVideoTag, videoTagHeaderLength, writeVideoTagHeader } from "../../src/formats/flv/video-tag.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "flv-video-tag",
  covers: ["src/formats/flv/video-tag.ts", "src/formats/flv/ex-header.ts"],
  corpora: ["flv_tag_body"],
  seeds: () => videoTagCases.map(({ hex }) => Uint8Array.fromHex(hex)),
  run(bytes) {
    const { isEnhanced, isKey, packetType, nanosecondOffset, tracks } = parseVideoTag(bytes);
    const track = tracks[0];
    if (tracks.length !== 1 || track === undefined) return;
    if (packetType === "command" || packetType === "mpeg2ts-sequence-start") return;
    const mode = isEnhanced ? ("enhanced" as const) : ("legacy-hevc12" as const);
    const options = { mode, isKey, packetType, nanosecondOffset, ...track };
    const body = new Uint8Array(videoTagHeaderLength(options) + track.data.length);
    body.set(track.data, writeVideoTagHeader(body, 0, options));
    const again = parseVideoTag(body);
    assert(again.packetType === packetType && again.isKey === isKey, "the packet changed");
    assert(again.nanosecondOffset === nanosecondOffset, "the nanoseconds changed");
    const { trackId, codec, compositionTimeMs, data } = again.tracks[0] ?? track;
    assert(trackId === track.trackId && codec === track.codec, "the track changed");
    assert(compositionTimeMs === track.compositionTimeMs, "the composition time changed");
    assert(data.length === track.data.length, "the data changed");
  },
};

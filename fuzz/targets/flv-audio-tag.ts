/** Audio tag bodies under random bytes; a tag of one track is written again, and reads the same. */

import { assert } from "../../src/bytes/assert.ts";
import { audioTagCases } from "../../src/formats/flv/audio-tag.cases.ts";
import {
  type AudioTagHeaderOptions,
  audioTagHeaderLength,
  parseAudioTag,
  writeAudioTagHeader,
} from "../../src/formats/flv/audio-tag.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "flv-audio-tag",
  covers: ["src/formats/flv/audio-tag.ts", "src/formats/flv/ex-header.ts"],
  corpora: ["flv_tag_body"],
  seeds: () => audioTagCases.map(({ hex }) => Uint8Array.fromHex(hex)),
  run(bytes) {
    const { isEnhanced, packetType, nanosecondOffset, tracks, legacy } = parseAudioTag(bytes);
    const track = tracks[0];
    if (tracks.length !== 1 || track === undefined) return;
    const options: AudioTagHeaderOptions = {
      mode: isEnhanced ? "enhanced" : "legacy",
      packetType,
      nanosecondOffset,
      sampleRateHz: legacy?.sampleRateHz ?? 48_000,
      channelCount: legacy?.isStereo ? 2 : 1,
      ...track,
    };
    const body = new Uint8Array(audioTagHeaderLength(options) + track.data.length);
    body.set(track.data, writeAudioTagHeader(body, 0, options));
    const again = parseAudioTag(body);
    assert(again.packetType === packetType && again.nanosecondOffset === nanosecondOffset, "the packet changed");
    const { trackId, codec, data } = again.tracks[0] ?? track;
    assert(trackId === track.trackId && codec === track.codec, "the track changed");
    assert(data.length === track.data.length, "the data changed");
    if (codec === "mp3") assert(again.legacy?.sampleRateHz === legacy?.sampleRateHz, "the sampling rate changed");
  },
};

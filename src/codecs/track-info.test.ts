import { expect, it } from "vitest";
import { CodedError, ERR_TRUNCATED } from "../bytes/coded-error.ts";
import { codecKind } from "./codec-name.ts";
import { ERR_CODEC_LIMIT } from "./errors.ts";
import { trackInfoCases } from "./track-info.cases.ts";
import { parseTrackInfo } from "./track-info.ts";

it.each(trackInfoCases)("knows $name", ({ codec, config, frame, info }) => {
  const before = [config.slice(), frame.slice()];
  expect(parseTrackInfo(codec, config, frame)).toEqual(info);
  expect([config, frame]).toEqual(before);
});

it.each(["h264", "h265", "vvc", "av1", "aac", "opus", "flac", "lpcm"] as const)(
  "refuses %s without a configuration",
  (codec) => {
    const nothing = new Uint8Array(0);
    expect(() => parseTrackInfo(codec, nothing)).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
  },
);

it.each(["vp8", "vp9", "mp3", "ac3", "eac3"] as const)("refuses %s whose first frame is none", (codec) => {
  expect(() => parseTrackInfo(codec, new Uint8Array(0), Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7))).toThrow(CodedError);
});

it("refuses an H.264 track whose SPS is hostile", () => {
  // max_num_ref_frames is 17: ue(0), ue(0), ue(2), ue(17).
  const sps = [0x67, 66, 0, 30, 0b1101_1000, 0b0100_1000];
  const config = Uint8Array.of(1, 66, 0, 30, 0xff, 0xe1, 0, sps.length, ...sps, 0);
  expect(() => parseTrackInfo("h264", config)).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
});

it("knows picture from sound", () => {
  expect(trackInfoCases.map(({ codec }) => codecKind(codec)).filter((kind) => kind === "audio")).toHaveLength(13);
});

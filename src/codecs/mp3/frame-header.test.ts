import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { mpegAudioCases } from "./frame-header.cases.ts";
import { parseMpegAudioHeader } from "./frame-header.ts";

it.each(mpegAudioCases)("parses $name", ({ frame, header }) => {
  expect(parseMpegAudioHeader(frame)).toEqual(header);
});

it.each([
  ["ADTS", "fff14c80", ERR_CODEC_FRAME_HEADER],
  ["no sync word", "ff1b9464", ERR_CODEC_FRAME_HEADER],
  ["a reserved version", "ffeb9464", ERR_CODEC_FRAME_HEADER],
  ["a reserved sample rate", "fffb9c64", ERR_CODEC_FRAME_HEADER],
  ["a reserved bit rate", "fffbf464", ERR_CODEC_FRAME_HEADER],
  ["free format", "fffb0464", ERR_CODEC_UNSUPPORTED],
  ["three bytes", "fffb94", ERR_TRUNCATED],
])("refuses %s", (_, hex, code) => {
  expect(() => parseMpegAudioHeader(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

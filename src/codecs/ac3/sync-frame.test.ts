import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_FRAME_HEADER } from "../errors.ts";
import { ac3Cases, eac3Cases } from "./sync-frame.cases.ts";
import { parseAc3SyncFrame, parseEac3SyncFrame } from "./sync-frame.ts";

it.each(ac3Cases)("parses AC-3, $name", ({ frame, header }) => {
  expect(parseAc3SyncFrame(frame)).toEqual(header);
});

it.each(eac3Cases)("parses E-AC-3, $name", ({ frame, header }) => {
  expect(parseEac3SyncFrame(frame)).toEqual(header);
});

it.each([
  ["no sync word", "0b78fe95144043e106f4", ERR_CODEC_FRAME_HEADER],
  ["a reserved sample rate", "0b77fe95d44043e106f4", ERR_CODEC_FRAME_HEADER],
  ["a reserved frame size", "0b77fe95264043e106f4", ERR_CODEC_FRAME_HEADER],
  ["the id of E-AC-3", "0b77fe95148043e106f4", ERR_CODEC_FRAME_HEADER],
  ["five bytes", "0b77fe9514", ERR_TRUNCATED],
])("refuses AC-3 with %s", (_, hex, code) => {
  expect(() => parseAc3SyncFrame(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

it.each([
  ["no sync word", "0b78017f3487c0", ERR_CODEC_FRAME_HEADER],
  ["a reserved stream type", "0b77c17f3487c0", ERR_CODEC_FRAME_HEADER],
  ["a reserved sample rate", "0b77017ff487c0", ERR_CODEC_FRAME_HEADER],
  ["the id of AC-3", "0b77017f3440c0", ERR_CODEC_FRAME_HEADER],
  ["five bytes", "0b77017f34", ERR_TRUNCATED],
])("refuses E-AC-3 with %s", (_, hex, code) => {
  expect(() => parseEac3SyncFrame(Uint8Array.fromHex(hex))).toThrow(expect.objectContaining({ code }));
});

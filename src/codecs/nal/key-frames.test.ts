import { expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { isH264KeyFrame } from "../h264/nal-unit.ts";
import { isH265KeyFrame } from "../h265/nal-unit.ts";
import { isVvcKeyFrame } from "../vvc/nal-unit.ts";
import { writeNalUnits } from "./length-prefixed.ts";

it.each([
  ["H.264 SEI and IDR", isH264KeyFrame, ["0605", "6588"], true],
  ["H.264 SPS, PPS and IDR", isH264KeyFrame, ["6742", "68ce", "6588"], true],
  ["H.264 slices", isH264KeyFrame, ["419a", "419b"], false],
  ["H.264 parameter sets alone", isH264KeyFrame, ["6742", "68ce"], false],
  ["H.265 IDR_W_RADL", isH265KeyFrame, ["4401", "2601af"], true],
  ["H.265 CRA", isH265KeyFrame, ["2a01af"], true],
  ["H.265 TRAIL_R", isH265KeyFrame, ["0201d0"], false],
  ["H.265 RSV_IRAP_VCL22", isH265KeyFrame, ["2c01af"], false],
  ["H.265 SEI alone", isH265KeyFrame, ["4e01"], false],
  ["VVC IDR_N_LP", isVvcKeyFrame, ["00a188", "0041"], true],
  ["VVC CRA", isVvcKeyFrame, ["0049"], true],
  ["VVC GDR", isVvcKeyFrame, ["0051"], false],
  ["VVC TRAIL", isVvcKeyFrame, ["0001"], false],
  ["nothing", isH264KeyFrame, [], false],
] as const)("knows whether %s make a key frame", (_, isKey, units, expected) => {
  const frame = writeNalUnits(units.map((unit) => Uint8Array.fromHex(unit)));
  expect(isKey(frame, 4)).toBe(expected);
});

it.each([isH264KeyFrame, isH265KeyFrame, isVvcKeyFrame])("%o calls a frame truncated that ends in a unit", (isKey) => {
  expect(() => isKey(Uint8Array.fromHex("0000000806"), 4)).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
});

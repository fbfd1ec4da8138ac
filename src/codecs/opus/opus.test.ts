import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_FRAME_HEADER } from "../errors.ts";
import { opusHeadCases } from "./opus.cases.ts";
import { parseOpusHead, writeOpusHead } from "./opus-head.ts";
import { opusFrameCount, opusPacketDuration } from "./packet.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("OpusHead", () => {
  it.each(opusHeadCases)("parses and writes $name", ({ bytes, head }) => {
    const before = bytes.slice();
    expect(parseOpusHead(bytes)).toEqual(head);
    expect(writeOpusHead(head)).toEqual(bytes);
    expect(bytes).toEqual(before);
  });

  it.each(opusHeadCases)("calls every shorter piece of $name truncated", ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseOpusHead(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
    }
  });

  it.each([
    ["OpusTags", "4f707573546167730000000000000000"],
    ["version 16", "4f707573486561641002380180bb0000000000"],
    ["no channels", "4f707573486561640100380180bb0000000000"],
    ["3 channels in family 0", "4f707573486561640103380180bb0000000000"],
    ["more coupled streams than streams", "4f707573486561640101380180bb000000000101" + "0200"],
    ["a channel that is not decoded", "4f707573486561640101380180bb0000000001010001"],
  ])("is refused with %s", (_, bytes) => {
    expect(() => parseOpusHead(hex(bytes))).toThrow(expect.objectContaining({ code: ERR_CODEC_CONFIG }));
  });
});

describe("an Opus packet", () => {
  for (const { cases, reject } of vectors("opus-toc")) {
    it("has the durations of RFC 6716 table 2", () => {
      for (const { data, frames, durationUs, tooLong } of cases) {
        expect(opusFrameCount(hex(data))).toBe(frames);
        if (!tooLong) expect(opusPacketDuration(hex(data))).toBe(durationUs);
        else expect(() => opusPacketDuration(hex(data))).toThrow(CodedError);
      }
    });

    it.each(reject as { data: string; why: string }[])("is refused: $why", ({ data }) => {
      expect(() => opusPacketDuration(hex(data))).toThrow(CodedError);
    });
  }

  it("that ends before its frame count is truncated, one of no frames malformed", () => {
    expect(() => opusPacketDuration(hex("03"))).toThrow(expect.objectContaining({ code: ERR_TRUNCATED }));
    expect(() => opusPacketDuration(hex("0300"))).toThrow(expect.objectContaining({ code: ERR_CODEC_FRAME_HEADER }));
  });
});

import { describe, expect, it } from "vitest";
import { parseAcknowledgement, writeAcknowledgement } from "./acknowledgement.ts";
import { controlCases } from "./control.cases.ts";
import { parseSetPeerBandwidth } from "./set-peer-bandwidth.ts";

describe("control messages", () => {
  for (const { what, hex, value, parse, write } of controlCases) {
    it(`reads and writes ${what}`, () => {
      const payload = Uint8Array.fromHex(hex);
      expect(parse(payload)).toEqual(value);
      expect(payload.toHex()).toBe(hex);
      expect(write().toHex()).toBe(hex);
    });

    it(`ignores bytes behind ${what}`, () => {
      if (hex.startsWith("001a") || hex.startsWith("0020")) return; // other events: all bytes are theirs
      expect(parse(Uint8Array.fromHex(`${hex}ff`))).toEqual(value);
    });

    it(`finds every shorter form of ${what} truncated`, () => {
      const payload = Uint8Array.fromHex(hex);
      const fixedLength = hex.startsWith("001a") || hex.startsWith("0020") ? 2 : payload.length;
      for (let length = 0; length < fixedLength; length++) {
        expect(() => parse(payload.subarray(0, length))).toThrowError(
          expect.objectContaining({ code: "ERR_TRUNCATED" }),
        );
      }
    });
  }
});

it("writes acknowledgements modulo 2^32", () => {
  expect(parseAcknowledgement(writeAcknowledgement(0x1_0000_0005))).toBe(5);
  expect(parseAcknowledgement(writeAcknowledgement(0xffff_ffff))).toBe(0xffff_ffff);
});

it("refuses a bandwidth limit type that does not exist", () => {
  expect(() => parseSetPeerBandwidth(Uint8Array.fromHex("0000000103"))).toThrowError(
    expect.objectContaining({ code: "ERR_RTMP_CONTROL" }),
  );
});

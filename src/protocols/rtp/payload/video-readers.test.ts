import { describe, expect, it } from "vitest";
import { vectors } from "../../../../test/support/material.ts";
import { ByteReader } from "../../../bytes/byte-reader.ts";
import { parseObus } from "../../../codecs/av1/obu.ts";
import { NalUnitWalker } from "../../../codecs/nal/length-prefixed.ts";
import type { RtpPayloadReader } from "../payload.ts";
import { openAv1Reader } from "./av1-depacketizer.ts";
import { openH264Reader, openH265Reader } from "./nal-depacketizer.ts";
import { openVp8Reader } from "./vp8-depacketizer.ts";
import { openVp9Reader } from "./vp9-depacketizer.ts";

const readers: Record<string, () => RtpPayloadReader> = {
  h264: openH264Reader,
  h265: openH265Reader,
  vp8: openVp8Reader,
  vp9: openVp9Reader,
  av1: openAv1Reader,
};

describe("the readers agree with", () => {
  const videoVectors = vectors("rtp-depay").filter(({ codec }) => readers[codec] !== undefined);
  it.each(videoVectors)("vector $id", ({ id, codec, packets, expect: expected }) => {
    const reader = readers[codec]!();
    const frames: string[][] = [];
    let timestamp = 0;
    // Parameter sets alone are no frame: they wait for their picture.
    const isOfParameterSets = id === "rtp-depay-h265-ap";
    const slice = "2601af09";
    for (const { payload, marker } of isOfParameterSets ? [...packets, { payload: slice, marker: true }] : packets) {
      reader.handle(Uint8Array.fromHex(payload), timestamp, marker, false);
      if (marker) timestamp += 3_000;
      for (let frame = reader.poll(); frame !== undefined; frame = reader.poll())
        frames.push(partsOf(codec, frame.data));
    }
    // What follows OBU headers in the vectors of AV1 is no size, whatever their flag says.
    const isAv1 = codec === "av1";
    if (isOfParameterSets) expect(frames[0]!.pop()).toBe(slice);
    const units: string[][] = isAv1
      ? expected.map((unit: string[] | string) => [unit].flat().map(withoutFlag))
      : expected;
    expect(isAv1 ? [frames.flat()] : frames).toEqual(isAv1 ? [units.flat()] : units);
  });
});

function partsOf(codec: string, frame: Uint8Array): string[] {
  if (codec === "vp8" || codec === "vp9") return [frame.toHex()];
  if (codec === "av1") return [...parseObus(frame)].map(({ bytes }) => withoutSize(bytes).toHex());
  const walker = new NalUnitWalker().reset(frame, 4);
  const units: string[] = [];
  while (walker.next()) units.push(frame.subarray(walker.start, walker.end).toHex());
  return units;
}

function withoutFlag(obu: string): string {
  const bytes = Uint8Array.fromHex(obu);
  return Uint8Array.of(bytes[0]! & ~2, ...bytes.subarray(1)).toHex();
}

function withoutSize(obu: Uint8Array): Uint8Array {
  const reader = new ByteReader(obu);
  const header = reader.u8();
  reader.skip(1); // these are short
  return Uint8Array.of(header & ~2, ...reader.rest());
}

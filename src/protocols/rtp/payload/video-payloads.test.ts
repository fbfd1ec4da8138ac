import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { framesOf, type Payload, payloadsOf } from "../../../../test/support/rtp-payloads.ts";
import { maxNalUnitsPerAccessUnit } from "../../../codecs/limits.ts";
import { writeNalUnits } from "../../../codecs/nal/length-prefixed.ts";
import { ERR_RTP_NOT_FRAGMENTABLE } from "../errors.ts";
import { openAv1Writer } from "./av1-writer.ts";
import { openH264Writer, openH265Writer, openVvcWriter } from "./nal-writer.ts";
import {
  av1C,
  avcC,
  hvcC,
  type VideoPayloadName,
  videoPayloadCases,
  videoPayloads,
  vvcC,
} from "./video-payloads.cases.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

describe("writers and readers of video", () => {
  it.each(videoPayloadCases)("write $name", ({ codec, maxPayloadBytes, isKey, frame, payloads }) => {
    const before = frame.slice();
    const written = payloadsOf(videoPayloads[codec].write(maxPayloadBytes), frame, isKey);
    expect(written.map(({ bytes }) => bytes.toHex())).toEqual(payloads.map((payload) => payload.toHex()));
    expect(written.map(({ marker }) => marker)).toEqual(payloads.map((_, i) => i === payloads.length - 1));
    expect(frame).toEqual(before);
  });

  it.each(videoPayloadCases)("read $name", ({ codec, isKey, frame, payloads }) => {
    const reader = videoPayloads[codec].read();
    payloads.forEach((payload, i) => {
      const before = payload.slice();
      reader.handle(payload, 7, i === payloads.length - 1, false);
      expect(payload).toEqual(before);
    });
    expect(framesOf(reader)).toEqual([expect.objectContaining({ timestamp: 7, data: frame, isKey })]);
  });
});

describe("any frames", () => {
  const names = Object.keys(videoPayloads) as VideoPayloadName[];

  it.each(names)("of %s come back as they went", (codec) => {
    fc.assert(
      fc.property(fc.array(anyFrame(codec), { maxLength: 5 }), fc.integer({ min: 32, max: 200 }), (frames, max) => {
        const writer = videoPayloads[codec].write(max);
        const reader = videoPayloads[codec].read();
        frames.forEach(({ data, isKey }, i) => {
          const payloads = payloadsOf(writer, data, isKey);
          for (const { bytes, marker } of payloads) {
            expect(bytes.length).toBeLessThanOrEqual(max);
            reader.handle(bytes, i, marker, false);
          }
        });
        const back = framesOf(reader).map(({ timestamp, data, isKey }) => ({ timestamp, data, isKey }));
        expect(back).toEqual(frames.map((frame, timestamp) => ({ timestamp, ...frame })));
        expect(reader.droppedFrameCount).toBe(0);
      }),
    );
  });

  it.each(names)("of %s come back whole or not at all, whatever is lost", (codec) => {
    let resumed = 0;
    fc.assert(
      fc.property(
        fc.array(anyFrame(codec), { maxLength: 12 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        (frames, dice) => {
          const writer = videoPayloads[codec].write(40);
          const reader = videoPayloads[codec].read();
          const packets = frames.flatMap(({ data, isKey }, i) =>
            payloadsOf(writer, data, isKey).map((payload) => ({
              ...payload,
              timestamp: i,
              isLost: dice.next().value === 0,
            })),
          );
          handlePackets(reader, packets);
          const back = framesOf(reader);
          for (const { timestamp, data } of back) expect(data).toEqual(frames[timestamp]!.data);
          // A picture that refers to others comes only when nothing is missing since the last key frame.
          const given = new Set(back.map(({ timestamp }) => timestamp));
          let isBroken = false;
          frames.forEach(({ isKey }, i) => {
            const isWhole = !packets.some((packet) => packet.timestamp === i && packet.isLost);
            if (isKey && given.has(i) && isBroken) resumed++;
            if (!isWhole) isBroken = isBroken || !isSpared(codec, frames[i]!.data);
            else if (isKey && given.has(i)) isBroken = false;
            if (given.has(i) && !isKey) expect(isBroken).toBe(false);
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(resumed).toBeGreaterThan(0);
  });
});

describe("parameter sets", () => {
  const idr = writeNalUnits([hex("65 88 84")]);
  const writers = {
    h264: [
      openH264Writer,
      avcC,
      idr,
      "78 001a 6764000cacd941419f9f011000000300100000030320f1429960 0006 68ebe3cb22c0 0003 658884",
    ],
    h265: [openH265Writer, hvcC, writeNalUnits([hex("2601af")]), undefined],
    vvc: [openVvcWriter, vvcC, writeNalUnits([hex("0041c0")]), undefined],
  } as const;

  it.each(Object.entries(writers))(
    "are put before key frames of %s when asked for, and nowhere else",
    (_, [open, config, key, expected]) => {
      const writer = open({ maxPayloadBytes: 1_200, config, repeatsParameterSets: true });
      const [payload, ...others] = payloadsOf(writer, key, true);
      expect(others).toEqual([]);
      if (expected !== undefined) expect(payload!.bytes.toHex()).toBe(expected.replaceAll(" ", ""));
      expect(payload!.bytes.length).toBeGreaterThan(key.length + 15);
      expect(payloadsOf(writer, key, false)[0]!.bytes).toEqual(key.subarray(4));
    },
  );

  it("stay as they are in a key frame that has some", () => {
    const writer = openH264Writer({ maxPayloadBytes: 1_200, config: avcC, repeatsParameterSets: true });
    const frame = writeNalUnits([hex("6742c01e"), hex("68ce"), hex("6588")]);
    expect(payloadsOf(writer, frame, true).map(({ bytes }) => bytes.toHex())).toEqual([
      "7800046742c01e000268ce00026588",
    ]);
  });

  it("stand behind the access unit delimiter", () => {
    const writer = openH264Writer({ maxPayloadBytes: 1_200, config: avcC, repeatsParameterSets: true });
    const [payload] = payloadsOf(writer, writeNalUnits([hex("09f0"), hex("6588")]), true);
    expect(payload!.bytes.toHex()).toMatch(/^78000209f0001a67/);
  });

  it("fit beside as many NAL units as a frame may have", () => {
    const writer = openH264Writer({ maxPayloadBytes: 1_200, config: avcC, repeatsParameterSets: true });
    const units = Array.from({ length: maxNalUnitsPerAccessUnit }, () => hex("6588"));
    const reader = videoPayloads.h264.read();
    for (const { bytes, marker } of payloadsOf(writer, writeNalUnits(units.slice(2)), true))
      reader.handle(bytes, 0, marker, false);
    expect(framesOf(reader)).toHaveLength(1);
    expect(payloadsOf(writer, writeNalUnits(units), true).length).toBeGreaterThan(1);
  });

  it("of AV1 are the sequence header", () => {
    const writer = openAv1Writer({ maxPayloadBytes: 1_200, config: av1C, repeatsSequenceHeader: true });
    const bare = payloadsOf(writer, hex("3204 10001700"), true);
    const full = payloadsOf(writer, hex("0a0b000000043cfeccdaf90040 3204 10001700"), true);
    expect(bare.map(({ bytes }) => bytes.toHex())).toEqual(["280c08000000043cfeccdaf900403010001700"]);
    expect(full).toEqual(bare);
    expect(payloadsOf(writer, hex("3204 30001700"), false)[0]!.bytes.toHex()).toBe("103030001700");
  });
});

describe("packetization mode 0 of H.264", () => {
  const writer = openH264Writer({
    maxPayloadBytes: 16,
    config: avcC,
    repeatsParameterSets: false,
    packetizationMode: 0,
  });

  it("has one NAL unit in each packet", () => {
    const payloads = payloadsOf(writer, writeNalUnits([hex("0605"), hex("419a"), hex("419b")]), false);
    expect(payloads).toEqual([
      { bytes: hex("0605"), marker: false },
      { bytes: hex("419a"), marker: false },
      { bytes: hex("419b"), marker: true },
    ]);
  });

  it("refuses a longer one before it writes anything", () => {
    const frame = writeNalUnits([hex("0605"), new Uint8Array(17).fill(0x41)]);
    const begun: number[] = [];
    const sink = { begin: (payloadBytes: number) => begun.push(payloadBytes), write: () => undefined };
    expect(() => writer.writeFrame(frame, false, sink)).toThrow(
      expect.objectContaining({ code: ERR_RTP_NOT_FRAGMENTABLE }),
    );
    expect(begun).toEqual([]);
  });
});

it("filler is not sent", () => {
  const writer = videoPayloads.h264.write(1_200);
  const payloads = payloadsOf(writer, writeNalUnits([hex("419a"), hex("0cffff80")]), false);
  expect(payloads).toEqual([{ bytes: hex("419a"), marker: true }]);
});

function handlePackets(
  reader: ReturnType<(typeof videoPayloads)["h264"]["read"]>,
  packets: readonly (Payload & { timestamp: number; isLost: boolean })[],
): void {
  let isLossBefore = false;
  for (const { bytes, marker, timestamp, isLost } of packets) {
    if (!isLost) reader.handle(bytes, timestamp, marker, isLossBefore);
    isLossBefore = isLost;
  }
}

/** True when nothing refers to the frame: it may be lost without harm. */
function isSpared(codec: VideoPayloadName, frame: Uint8Array): boolean {
  return codec === "h264" && (frame[4]! & 0x60) === 0;
}

type Frame = { data: Uint8Array; isKey: boolean };

/** Frames of at most some hundred bytes, which are as real as a reader can see. */
function anyFrame(codec: VideoPayloadName): fc.Arbitrary<Frame> {
  const bytes = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 150 });
  const isKey = fc.boolean();
  switch (codec) {
    case "h264": {
      const nri = fc.constantFrom(0, 0x20, 0x60);
      return fc
        .tuple(isKey, nri, fc.array(bytes, { minLength: 1, maxLength: 6 }))
        .map(([isKey, importance, slices]) => ({
          isKey,
          data: nalFrame(slices, (slice) => [(isKey ? 0x65 : 1) | importance, ...slice]),
        }));
    }
    case "h265":
    case "vvc": {
      const head = codec === "h265" ? { key: [0x26, 1], other: [2, 1] } : { key: [0, 0x41], other: [0, 1] };
      return fc.tuple(isKey, fc.array(bytes, { minLength: 1, maxLength: 6 })).map(([isKey, slices]) => ({
        isKey,
        data: nalFrame(slices, (slice) => [...(isKey ? head.key : head.other), ...slice]),
      }));
    }
    case "av1":
      return fc.tuple(isKey, fc.array(bytes, { minLength: 1, maxLength: 6 })).map(([isKey, obus]) => ({
        isKey,
        data: Uint8Array.from(
          obus.flatMap((obu, i) => {
            const payload = i === 0 ? [isKey ? 0x10 : 0x30, ...obu] : obu;
            const size = payload.length > 127 ? [(payload.length & 127) | 128, payload.length >> 7] : [payload.length];
            return [i === 0 ? 0x32 : 0x2a, ...size, ...payload];
          }),
        ),
      }));
    case "vp8":
      return fc
        .tuple(isKey, bytes)
        .map(([isKey, rest]) => ({ isKey, data: Uint8Array.of(isKey ? 0x10 : 0x11, ...rest) }));
    case "vp9":
      return fc
        .tuple(isKey, bytes)
        .map(([isKey, rest]) => ({ isKey, data: Uint8Array.of(isKey ? 0x82 : 0x86, ...rest) }));
  }
}

/** The first slice of a picture begins with a set bit, the others without. */
function nalFrame(slices: readonly number[][], unitOf: (slice: number[]) => number[]): Uint8Array {
  const units = slices.map((slice, i) => {
    const [first = 0, ...rest] = slice;
    return Uint8Array.from(unitOf([i === 0 ? first | 0x80 : (first & 0x7f) | 1, ...rest]));
  });
  return writeNalUnits(units);
}

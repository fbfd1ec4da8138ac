/** What each reader of video gives out behind a loss: the next key frame is where it goes on. And what is known of a unit before it is whole. */

import { describe, expect, it } from "vitest";
import { framesOf, type Payload, payloadsOf } from "../../../../test/support/rtp-payloads.ts";
import { type VideoPayloadName, videoPayloads } from "./video-payloads.cases.ts";

const bodyBytes = 90;
const maxPayloadBytes = 40;

/** The beginning of a key frame and of another one; `body` makes them so long that they fill several packets. */
const frames: Readonly<Record<VideoPayloadName, (isKey: boolean, fill: number) => Uint8Array>> = {
  h264: (isKey, fill) => nalUnit(isKey ? [0x65, 0x88] : [0x41, 0x9a], fill),
  h265: (isKey, fill) => nalUnit(isKey ? [0x26, 0x01, 0x88] : [0x02, 0x01, 0x88], fill),
  vvc: (isKey, fill) => nalUnit(isKey ? [0x00, 0x39, 0x88] : [0x00, 0x01, 0x88], fill),
  vp8: (isKey, fill) => body(isKey ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0, 0x40, 0] : [0x11, 0, 0], fill),
  vp9: (isKey, fill) => body(isKey ? [0x82, 0x49, 0x83, 0x42] : [0x86], fill),
  av1: (isKey, fill) => body([0x32, bodyBytes + 1, isKey ? 0x10 : 0x30], fill),
};

const codecs = Object.keys(frames) as VideoPayloadName[];

interface Sent extends Payload {
  readonly timestamp: number;
}

/** The packets of key, other, other, other, key, other: each is known by its timestamp. */
function packetsOf(codec: VideoPayloadName): Sent[][] {
  const writer = videoPayloads[codec].write(maxPayloadBytes);
  return [true, false, false, false, true, false].map((isKey, timestamp) =>
    payloadsOf(writer, frames[codec](isKey, timestamp), isKey).map((payload) => ({ ...payload, timestamp })),
  );
}

describe.each(codecs)("a reader of %s", (codec) => {
  // Nothing in a packet of AV1 says that it is the first of its unit, unless a sequence begins: so it is taken for damaged.
  const wholeBehindLoss = codec === "av1" ? 0 : 1;

  it.each([
    ["first", 0],
    ["second", 1],
    ["last", -1],
  ])("behind the loss of a picture's %s packet goes on at the next key frame", (_name, lost) => {
    const pictures = packetsOf(codec);
    expect(pictures[2]!.length).toBeGreaterThan(2);
    const reader = videoPayloads[codec].read();
    const out: number[] = [];
    const lostPacket = pictures[2]!.at(lost);
    let isLossBefore = false;
    for (const packet of pictures.flat()) {
      if (packet === lostPacket) {
        isLossBefore = true;
        continue;
      }
      reader.handle(packet.bytes, packet.timestamp, packet.marker, isLossBefore);
      isLossBefore = false;
      for (const { timestamp, data } of framesOf(reader)) {
        out.push(timestamp);
        expect(data.toHex()).toContain(frames[codec](timestamp === 0 || timestamp === 4, timestamp).toHex());
      }
    }
    expect(out).toEqual([0, 1, 4, 5]);
    expect(reader.droppedFrameCount).toBe(2);
    expect(reader.waitingFrameCount).toBe(lost === -1 ? wholeBehindLoss : 1);
  });

  it("behind the loss of a whole picture goes on at the next key frame", () => {
    const reader = videoPayloads[codec].read();
    const out: number[] = [];
    const pictures = packetsOf(codec).toSpliced(2, 1);
    for (const [at, packets] of pictures.entries()) {
      for (const [index, { bytes, timestamp, marker }] of packets.entries()) {
        reader.handle(bytes, timestamp, marker, at === 2 && index === 0);
        out.push(...framesOf(reader).map((frame) => frame.timestamp));
      }
    }
    expect(out).toEqual([0, 1, 4, 5]);
    expect(reader.waitingFrameCount).toBe(wholeBehindLoss);
  });

  it("knows with a picture's first packet whether it is key", () => {
    const reader = videoPayloads[codec].read();
    for (const packets of packetsOf(codec)) {
      const isKey = packets[0]!.timestamp % 4 === 0;
      for (const [index, { bytes, timestamp, marker }] of packets.entries()) {
        reader.handle(bytes, timestamp, marker, false);
        expect(reader.progress).toMatchObject({ isFirst: index === 0, isKnown: true, isKey, isDecodable: true });
        framesOf(reader);
      }
    }
    expect(reader.isPlain).toBe(true);
  });
});

function body(start: readonly number[], fill: number): Uint8Array {
  const bytes = new Uint8Array(start.length + bodyBytes).fill(0x80 + fill);
  bytes.set(start);
  return bytes;
}

function nalUnit(start: readonly number[], fill: number): Uint8Array {
  const unit = body(start, fill);
  return Uint8Array.of(0, 0, 0, unit.length, ...unit);
}

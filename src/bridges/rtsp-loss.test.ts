/** What players and frames have of a publisher whose packets are lost, repeated and reordered on their way. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aacSection,
  begun,
  expectInSequence,
  h264,
  keyStart,
  otherEnd,
  otherStart,
  sdpOf,
  sendKey,
  sendOther,
  stapOfSets,
} from "../../test/support/h264-packets.ts";
import { framesOf } from "../../test/support/rtp-payloads.ts";
import { type RtpPlayer, RtpServer, type SentPacket, sentOf } from "../../test/support/rtp-session.ts";
import { openH264Reader } from "../protocols/rtp/payload/nal-depacketizer.ts";

describe("what is lost on the way in", () => {
  it("costs the rest of its picture and all up to the next key frame, for players and frames alike", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_539, 8_200, otherStart); // the end before it is missing
    publisher.send(0, 65_540, 8_200, otherEnd, { marker: true });
    expect(sentOf(player.packets(), 0)).toHaveLength(1);
    const begunAt = lastSequence(player);
    sendKey(publisher, 65_541, 11_800);
    sendOther(publisher, 65_544, 15_400);
    const sent = sentOf(player.packets(), 0);
    // One number is left out, so that nobody takes the picture that was begun for a whole one.
    expect(sent.map(({ sequence }) => sequence - begunAt)).toEqual([2, 3]);
    const times = publisher.frames.map(({ ptsTicks }) => ptsTicks - publisher.frames[0]!.ptsTicks);
    expect(times).toEqual([0, 10_800, 14_400]);
    expect(publisher.ingest.counters).toMatchObject({ lostPacketCount: 1, droppedFrameCount: 2, waitingFrameCount: 1 });
  });

  it("makes pictures wait until they are whole, until nothing was lost for ten seconds and a key frame has come", () => {
    const { server, publisher, player } = begun();
    sendOther(publisher, 65_538, 8_200); // a whole picture is missing before it
    server.nowMs = 10_001;
    sendOther(publisher, 65_540, 908_200); // refers to what is missing
    expect(sentOf(player.packets(), 0)).toEqual([]);
    publisher.send(0, 65_542, 911_800, stapOfSets);
    publisher.send(0, 65_543, 911_800, keyStart);
    expect(sentOf(player.packets(), 0)).toHaveLength(2);
  });

  it("is noticed when a packet of another type is behind it", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_539, 4_600, "00", { payloadType: 99 });
    publisher.send(0, 65_540, 4_600, otherEnd, { marker: true });
    expect(sentOf(player.packets(), 0)).toHaveLength(1);
    expect(publisher.frames).toHaveLength(1);
  });

  it("may be a packet that nobody can read", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_538, 4_600, "5d00"); // FU-B
    publisher.send(0, 65_539, 4_600, otherEnd, { marker: true });
    expect(sentOf(player.packets(), 0)).toHaveLength(1);
    expect(publisher.problems).toHaveLength(1);
  });

  it("does not matter to sound", () => {
    const server = new RtpServer();
    const publisher = server.publisher(sdpOf(...aacSection(96)));
    publisher.send(0, 0, 0, "0010 0010 2110", { marker: true });
    const player = server.player(publisher.stream);
    player.packets();
    publisher.send(0, 2, 2_048, "0010 0010 2112", { marker: true });
    expectInSequence(sentOf(player.packets(), 0), 1);
  });
});

describe("whatever the network does", () => {
  const pictures = fc.array(fc.record({ isKey: fc.boolean(), packetCount: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  const fates = fc.array(fc.constantFrom("lost", "twice", "swapped", ...Array<string>(27).fill("fine")), {
    minLength: 200,
    maxLength: 200,
  });

  it("players get whole pictures in order, each behind what it refers to, and see where one was broken off", () => {
    fc.assert(
      fc.property(pictures, fates, fc.constantFrom(40, 4_000), (wanted, fate, pictureMs) => {
        const sent = packetsOfPictures(wanted);
        const { sequence, timestamp } = sent[0]!;
        const { server, publisher, player } = begun(h264, { from: sequence - 3, timestamp: timestamp - 3_600 });
        for (const packet of afterNetwork(sent, fate)) {
          server.nowMs = pictureMs * (packet.picture + 1);
          publisher.send(0, packet.sequence, packet.timestamp, packet.payload, { marker: packet.marker });
        }
        const whole = wanted.map((_, at) => slicesOf(sent.filter(({ picture }) => picture === at)));
        const frames = publisher.frames.slice(1).map(({ data }) => data);
        expectWhole(frames, whole, wanted);
        const got = sentOf(player.packets(), 0);
        for (let at = 1; at < got.length; at++) expect(got[at]!.sequence).toBeGreaterThan(got[at - 1]!.sequence);
        expectWhole(picturesOfPlayer(got), whole, wanted);
      }),
      { numRuns: 300 },
    );
  });
});

/** What one makes of it who believes in sequence numbers. */
function picturesOfPlayer(packets: readonly SentPacket[]): Uint8Array[] {
  const reader = openH264Reader();
  const pictures: Uint8Array[] = [];
  let expected = packets[0]?.sequence;
  for (const { sequence, timestamp, marker, payload } of packets) {
    reader.handle(payload, timestamp, marker, sequence !== expected);
    expected = sequence + 1;
    pictures.push(...framesOf(reader).map(({ data }) => data));
  }
  return pictures;
}

/** Pictures are those that were sent, and each one that is not key comes right behind the one before it. */
function expectWhole(
  frames: readonly Uint8Array[],
  whole: readonly string[],
  pictures: readonly { readonly isKey: boolean }[],
): void {
  let last = -1;
  for (const frame of frames) {
    const slices = frame.toHex();
    const picture = whole.findIndex((known) => slices.endsWith(known)); // parameter sets may stand before it
    expect(picture).toBeGreaterThan(last);
    if (!pictures[picture]!.isKey) expect(picture).toBe(last + 1);
    last = picture;
  }
}

interface PicturePacket extends SentPacket {
  readonly picture: number;
}

/** Each picture's slices in packets of their own, that can be told from all others. */
function packetsOfPictures(
  pictures: readonly { readonly isKey: boolean; readonly packetCount: number }[],
): PicturePacket[] {
  const packets: PicturePacket[] = [];
  let sequence = 65_500;
  pictures.forEach(({ isKey, packetCount }, picture) => {
    for (let at = 0; at < packetCount; at++) {
      const slice = [isKey ? 0x65 : 0x41, at === 0 ? 0x88 : 0x08, picture, at];
      const fields = { timestamp: 0xffff_0000 + 3_600 * picture, marker: at === packetCount - 1 };
      packets.push({ picture, sequence: sequence++, payload: Uint8Array.from(slice), ...fields });
    }
  });
  return packets;
}

function afterNetwork(packets: readonly PicturePacket[], fates: readonly string[]): PicturePacket[] {
  const out: PicturePacket[] = [];
  packets.forEach((packet, at) => {
    const fate = fates[at % fates.length];
    if (fate === "lost") return;
    if (fate === "swapped" && out.length > 0) out.splice(-1, 0, packet);
    else out.push(packet);
    if (fate === "twice") out.push(packet);
  });
  return out;
}

function slicesOf(packets: readonly PicturePacket[]): string {
  return packets.map(({ payload }) => `00000004${payload.toHex()}`).join("");
}

/** Of what was sent so far. */
function lastSequence(player: RtpPlayer): number {
  return sentOf(player.startPackets(), 0).at(-1)!.sequence;
}

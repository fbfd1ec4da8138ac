/** From an RTSP publisher to RTSP players without waiting for frames, and the frames that are made beside it. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { framesOf } from "../../test/support/rtp-payloads.ts";
import {
  type RtpPlayer,
  type RtpPublisher,
  RtpServer,
  reportsOf,
  type SentPacket,
  sentOf,
} from "../../test/support/rtp-session.ts";
import { maxRelayedPayloadBytes } from "../protocols/rtp/limits.ts";
import { openH264Reader } from "../protocols/rtp/payload/nal-depacketizer.ts";

const sps = "674d400aeca2136022000003000200000300641e244b2c";
const pps = "68ce0fc8";
const spropSets = [sps, pps].map((unit) => Uint8Array.fromHex(unit).toBase64()).join(",");
const stapOfSets = `78 ${size(sps)} ${sps} ${size(pps)} ${pps}`;

const h264Section = (fmtp = "packetization-mode=1"): string[] => [
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  `a=fmtp:96 ${fmtp}`,
];
const aacSection = (payloadType: number): string[] => [
  `m=audio 0 RTP/AVP ${payloadType}`,
  `a=rtpmap:${payloadType} MPEG4-GENERIC/44100/2`,
  `a=fmtp:${payloadType} mode=AAC-hbr; config=1210; sizeLength=13; indexLength=3; indexDeltaLength=3`,
];
const sdpOf = (...lines: readonly string[]): string => ["v=0", ...lines].join("\r\n");
const h264 = sdpOf(...h264Section(), ...aacSection(97));
const h264WithSets = sdpOf(...h264Section(`packetization-mode=1; sprop-parameter-sets=${spropSets}`));

/** A key frame in three packets, and another picture in two. */
const keyStart = "7c85 88aa01";
const keyEnd = "7c45 02";
const otherStart = "5c81 9abb01";
const otherEnd = "5c41 02";

/** A publisher that has sent a key frame with parameter sets in sequence numbers `from` to `from + 2`, and a player of it. */
function begun(
  sdp: string = h264,
  { from = 65_534, timestamp = 1_000 }: { readonly from?: number; readonly timestamp?: number } = {},
): { readonly server: RtpServer; readonly publisher: RtpPublisher; readonly player: RtpPlayer } {
  const server = new RtpServer();
  const publisher = server.publisher(sdp);
  sendKey(publisher, from, timestamp);
  const player = server.player(publisher.stream);
  player.packets();
  return { server, publisher, player };
}

/** One with a log of its own, because the stream has sound meanwhile. */
function otherPlayer(server: RtpServer, publisher: RtpPublisher): RtpPlayer {
  publisher.send(1, 1, 0, "0010 0010 2110", { marker: true });
  return server.player(publisher.stream);
}

function sendKey(publisher: RtpPublisher, from: number, timestamp: number): void {
  publisher.send(0, from, timestamp, stapOfSets);
  publisher.send(0, from + 1, timestamp, keyStart);
  publisher.send(0, from + 2, timestamp, keyEnd, { marker: true });
}

function sendOther(publisher: RtpPublisher, from: number, timestamp: number): void {
  publisher.send(0, from, timestamp, otherStart);
  publisher.send(0, from + 1, timestamp, otherEnd, { marker: true });
}

describe("packets of a picture", () => {
  it("reach players before the picture is whole, with its marker behind them", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    const [first] = sentOf(player.packets(), 0);
    expect(first!.payload.toHex()).toBe("5c819abb01");
    expect(publisher.frames).toHaveLength(1);
    publisher.send(0, 65_538, 4_600, otherEnd, { marker: true });
    const [second] = sentOf(player.packets(), 0);
    expect([second!.payload.toHex(), second!.marker]).toEqual(["5c4102", true]);
    expect(second!.sequence).toBe(first!.sequence + 1);
    expect(publisher.frames).toHaveLength(2);
  });

  it("go on behind frames, in sequence numbers and in time, over both wraps", () => {
    const { publisher, player } = begun(h264, { from: 65_534, timestamp: 0xffff_ff00 });
    const before = sentOf(player.startPackets(), 0);
    sendOther(publisher, 65_537, 0x1_0000_0000 + 3_344);
    const after = sentOf(player.packets(), 0);
    expect(after.map(({ sequence }) => sequence - before.at(-1)!.sequence)).toEqual([1, 2]);
    expect(after.map(({ timestamp }) => timestamp - before.at(-1)!.timestamp)).toEqual([3_600, 3_600]);
    const [key, other] = publisher.frames;
    expect(other!.ptsTicks - key!.ptsTicks).toBe(3_600);
    expect(after[0]!.timestamp).toBe(other!.ptsTicks);
  });

  it("begin a new random access point with what stood before the picture", () => {
    const { publisher, player } = begun();
    sendOther(publisher, 65_537, 4_600);
    publisher.send(0, 65_539, 8_200, stapOfSets);
    player.packets();
    publisher.send(0, 65_540, 8_200, keyStart);
    expect(sentOf(player.packets(), 0).map(({ payload }) => payload[0])).toEqual([0x78, 0x7c]);
    const start = player.startPackets();
    expect(start[0]!.channel).toBe(1); // the reports
    expect(sentOf(start, 0).map(({ payload }) => payload[0])).toEqual([0x78, 0x7c]);
    const [report] = reportsOf(start, 1);
    expect(report).toMatchObject({ kind: "senderReport" });
  });

  it("get the parameter sets that only the description has", () => {
    const { publisher, player } = begun(h264WithSets);
    publisher.send(0, 65_537, 4_600, keyStart);
    publisher.send(0, 65_538, 4_600, keyEnd, { marker: true });
    const sent = sentOf(player.startPackets(), 0);
    expect(sent.map(({ payload }) => payload.toHex())).toEqual([
      stapOfSets.replaceAll(" ", ""),
      "7c8588aa01",
      "7c4502",
    ]);
    expect(sent.map(({ marker }) => marker)).toEqual([false, false, true]);
    expectInSequence(sent);
    sendOther(publisher, 65_539, 8_200);
    expectInSequence(sentOf(player.startPackets(), 0));
  });

  it("end without a marker where the next timestamp begins", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_538, 4_600, otherEnd);
    sendOther(publisher, 65_539, 8_200);
    expectInSequence(sentOf(player.packets(), 0), 4);
    expect(publisher.frames).toHaveLength(3);
  });

  it("may be one each", () => {
    const { publisher, player } = begun();
    for (let i = 0; i < 3; i++) publisher.send(0, 65_537 + i, 4_600 + 3_600 * i, "419a01", { marker: true });
    expectInSequence(sentOf(player.packets(), 0), 3);
    expect(publisher.frames).toHaveLength(4);
  });

  it("lose padding, extensions and contributing sources", () => {
    const { publisher, player } = begun();
    const extras = { paddingBytes: 4, csrcs: [1, 2], extensions: [{ id: 1, bytes: Uint8Array.of(1) }] };
    publisher.send(0, 65_537, 4_600, "419a01", { marker: true, ...extras });
    const [packet] = player.packets();
    expect(packet!.bytes.length).toBe(12 + 3);
  });
});

describe("a player's log", () => {
  it("that begins within a picture has it as a frame, and the next one in packets", () => {
    const { server, publisher } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    const late = otherPlayer(server, publisher);
    late.packets();
    publisher.send(0, 65_538, 4_600, otherEnd, { marker: true });
    const whole = sentOf(late.packets(), 0);
    expect(whole.map(({ payload }) => payload.toHex())).toEqual(["419abb0102"]);
    publisher.send(0, 65_539, 8_200, otherStart);
    const next = sentOf(late.packets(), 0);
    expect(next.map(({ payload }) => payload.toHex())).toEqual(["5c819abb01"]);
    expect(next[0]!.sequence).toBe(whole[0]!.sequence + 1);
  });

  it("that begins within the first picture of one packet has it once", () => {
    const { server, publisher } = begun();
    const late = otherPlayer(server, publisher);
    late.packets();
    publisher.send(0, 65_537, 4_600, "419a01", { marker: true });
    expectInSequence(sentOf(late.packets(), 0), 1);
  });

  it("goes on when the publisher comes back", () => {
    const { server, publisher, player } = begun();
    sendOther(publisher, 65_537, 4_600);
    const before = sentOf(player.startPackets(), 0);
    publisher.publication.end();
    server.nowMs = 5_000;
    const again = server.publisher(h264);
    again.ssrc = 0x999;
    sendOther(again, 7, 70); // nobody has what it refers to
    sendKey(again, 9, 3_670);
    sendOther(again, 12, 7_270);
    const after = sentOf(player.packets(), 0).filter(({ timestamp }) => timestamp > before.at(-1)!.timestamp);
    expectInSequence([before.at(-1)!, ...after]);
    const stepMs = (after[0]!.timestamp - before.at(-1)!.timestamp) / 90;
    expect(stepMs).toBeGreaterThan(4_900);
    expect(after.at(-1)!.timestamp - after[0]!.timestamp).toBe(3_600);
  });

  it("goes on when the source changes its SSRC, numbers and times, from the next key frame on", () => {
    const { publisher, player } = begun();
    publisher.ssrc = 0x777;
    sendOther(publisher, 30_000, 70);
    sendOther(publisher, 30_002, 3_670);
    sendKey(publisher, 30_004, 7_270);
    sendOther(publisher, 30_007, 10_870);
    const sent = sentOf(player.packets(), 0);
    expectInSequence(sent);
    expect(sent.map(({ payload }) => payload[0])).toEqual([0x78, 0x41]);
    expect(publisher.frames).toHaveLength(3);
  });
});

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

describe("packets that players could not be sent", () => {
  it("of 60 KB become frames, which are cut anew", () => {
    const { publisher, player } = begun();
    const large = new Uint8Array(60_000).fill(0xaa);
    large.set([0x41, 0x9a]);
    publisher.send(0, 65_537, 4_600, large, { marker: true });
    publisher.send(0, 65_538, 8_200, otherStart);
    const sent = sentOf(player.packets(), 0);
    expectInSequence(sent);
    expect(Math.max(...sent.map(({ payload }) => payload.length))).toBeLessThanOrEqual(1_440);
    expect(new Set(sent.map(({ timestamp }) => timestamp)).size).toBe(1); // the next picture waits for its frame, too
    publisher.send(0, 65_539, 8_200, otherEnd, { marker: true });
    expect(sentOf(player.packets(), 0).map(({ payload }) => payload.toHex())).toEqual(["419abb0102"]);
  });

  it("and come in the middle of a picture break it off, once", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, "419a01");
    publisher.send(0, 65_538, 4_600, `41 1a ${"aa".repeat(maxRelayedPayloadBytes)}`);
    publisher.send(0, 65_539, 4_600, "410b", { marker: true });
    expect(sentOf(player.packets(), 0)).toHaveLength(1);
    expect(publisher.frames).toHaveLength(2);
    sendOther(publisher, 65_540, 8_200);
    expect(sentOf(player.packets(), 0).map(({ payload }) => payload.toHex())).toEqual(["419abb0102"]);
  });

  it("because they hold start codes become frames", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, `00000001 ${sps} 00000001 ${pps} 00000001 6588aa`, { marker: true });
    const sent = sentOf(player.packets(), 0);
    expect(sent.map(({ payload }) => payload[0]! & 0x1f)).toEqual([24]);
    expectInSequence(sent);
  });

  it("because their sender's markers mean nothing become frames", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, "419a", { marker: true });
    publisher.send(0, 65_538, 4_600, "411a", { marker: true });
    sendKey(publisher, 65_539, 8_200);
    sendOther(publisher, 65_542, 11_800);
    sendOther(publisher, 65_544, 15_400);
    const times = sentOf(player.packets(), 0).map(({ timestamp, marker }) => [timestamp, marker]);
    const startTicks = publisher.frames.at(-1)!.ptsTicks;
    expect(times.filter(([time]) => time === startTicks)).toEqual([[startTicks, true]]);
  });

  it("of another form of the same codec become frames", () => {
    const aac = sdpOf(
      "m=audio 0 RTP/AVP 96",
      "a=rtpmap:96 MPEG4-GENERIC/44100/2",
      "a=fmtp:96 mode=AAC-lbr; config=1210; sizeLength=6; indexLength=2; indexDeltaLength=2",
    );
    const server = new RtpServer();
    const publisher = server.publisher(aac);
    publisher.send(0, 1, 0, "0008 08 2110");
    const player = server.player(publisher.stream);
    player.packets();
    publisher.send(0, 2, 1_024, "0008 08 2111");
    expect(sentOf(player.packets(), 0).map(({ payload }) => payload.toHex())).toEqual(["001000102111"]);
  });
});

describe("sound", () => {
  it("goes on packet for packet, with its several frames in one", () => {
    const { server, publisher } = begun();
    const player = otherPlayer(server, publisher);
    player.packets();
    const payloads = ["0020001000102111211200", "001000102113"];
    publisher.send(1, 2, 1_024, payloads[0]!, { marker: true });
    publisher.send(1, 3, 3_072, payloads[1]!, { marker: true });
    const sent = sentOf(player.packets(), 2);
    expect(sent.map(({ payload }) => payload.toHex())).toEqual(payloads);
    expectInSequence(sent);
    expect(sent[1]!.timestamp - sent[0]!.timestamp).toBe(2_048);
    const sounds = publisher.frames.filter(({ track }) => track.kind === "audio");
    expect(sounds.map(({ data }) => data.toHex())).toEqual(["2110", "2111", "2112", "2113"]);
    expect(sounds.map(({ ptsTicks }) => ptsTicks - sounds[0]!.ptsTicks)).toEqual([0, 1_024, 2_048, 3_072]);
  });

  it("without pictures has a random access point about once a second", () => {
    const server = new RtpServer();
    const publisher = server.publisher(sdpOf(...aacSection(96)));
    publisher.send(0, 0, 0, "0010 0010 2110", { marker: true });
    const player = server.player(publisher.stream);
    const starts = new Set<number>();
    for (let i = 1; i <= 100; i++) {
      publisher.send(0, i, 1_024 * i, "0010 0010 2111", { marker: true });
      starts.add(sentOf(player.startPackets(), 0)[0]!.timestamp);
    }
    expect(starts.size).toBe(3);
    expectInSequence(sentOf(player.packets(), 0), 101);
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

function expectInSequence(sent: readonly SentPacket[], count: number = sent.length): void {
  expect(sent).toHaveLength(count);
  const first = sent[0]?.sequence ?? 0;
  expect(sent.map(({ sequence }) => sequence - first)).toEqual(sent.map((_, at) => at));
}

function size(unit: string): string {
  return (unit.length / 2).toString(16).padStart(4, "0");
}

/** From an RTSP publisher to RTSP players without waiting for frames, and the frames that are made beside it. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type RtpPlayer,
  type RtpPublisher,
  RtpServer,
  reportsOf,
  type SentPacket,
  sentOf,
} from "../../test/support/rtp-session.ts";
import { maxRelayedPayloadBytes } from "../protocols/rtp/limits.ts";

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
    expectInSequence(sent, 5);
    expect(sent[0]!.payload[0]).toBe(0x78);
    expect(publisher.frames).toHaveLength(3);
  });
});

describe("what is lost on the way in", () => {
  it("is a gap for players, and costs the frames up to the next key frame", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_539, 8_200, otherStart); // the end before it is missing
    publisher.send(0, 65_540, 8_200, otherEnd, { marker: true });
    sendKey(publisher, 65_541, 11_800);
    sendOther(publisher, 65_544, 15_400);
    const sent = sentOf(player.packets(), 0);
    expect(sent.map(({ sequence }) => sequence - sent[0]!.sequence)).toEqual([0, 2, 3, 4, 5, 6, 7, 8]);
    expect(publisher.frames.map(({ ptsTicks }) => ptsTicks - publisher.frames[0]!.ptsTicks)).toEqual([
      0, 10_800, 14_400,
    ]);
    expect(publisher.ingest.counters).toMatchObject({ lostPacketCount: 1, droppedFrameCount: 2, waitingFrameCount: 1 });
  });

  it("is a gap as well when a packet of another type is behind it", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_539, 8_200, "00", { payloadType: 99 });
    publisher.send(0, 65_540, 4_600, otherEnd, { marker: true });
    const sent = sentOf(player.packets(), 0);
    expect(sent.map(({ sequence }) => sequence - sent[0]!.sequence)).toEqual([0, 2]);
    expect(publisher.frames).toHaveLength(1);
  });

  it("leaves no gap where frames go on", () => {
    const { publisher, player } = begun();
    const large = new Uint8Array(maxRelayedPayloadBytes + 1).fill(0xaa);
    large.set([0x41, 0x9a]);
    publisher.send(0, 65_537, 4_600, large, { marker: true });
    publisher.send(0, 65_539, 8_200, otherEnd, { marker: true });
    sendKey(publisher, 65_540, 11_800);
    expectInSequence(sentOf(player.packets(), 0));
  });

  it("may be a packet that nobody can read", () => {
    const { publisher, player } = begun();
    publisher.send(0, 65_537, 4_600, otherStart);
    publisher.send(0, 65_538, 4_600, "5d00"); // FU-B
    publisher.send(0, 65_539, 4_600, otherEnd, { marker: true });
    const sent = sentOf(player.packets(), 0);
    expect(sent.map(({ sequence }) => sequence - sent[0]!.sequence)).toEqual([0, 2]);
    expect(publisher.problems).toHaveLength(1);
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

  it("and come in the middle of a picture leave a gap in it, once", () => {
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
  it("players get a part of what was sent, in order and with its losses, and frames are whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ isKey: fc.boolean(), packetCount: fc.integer({ min: 1, max: 5 }) }), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.array(fc.constantFrom("lost", "twice", "swapped", ...Array(9).fill("fine")), {
          minLength: 200,
          maxLength: 200,
        }),
        (pictures, fates) => {
          const sent = packetsOfPictures(pictures);
          const { publisher, player } = begun(h264, {
            from: sent[0]!.sequence - 3,
            timestamp: sent[0]!.timestamp - 3_600,
          });
          for (const { sequence, timestamp, payload, marker } of afterNetwork(sent, fates as string[])) {
            publisher.send(0, sequence, timestamp, payload, { marker });
          }
          const got = sentOf(player.packets(), 0);
          const known = new Map(sent.map((packet) => [packet.payload.toHex(), packet]));
          let offset: number | undefined;
          for (const { payload, marker, sequence } of got) {
            if (payload.toHex() === stapOfSets.replaceAll(" ", "")) {
              if (offset !== undefined) offset--; // ours, before a key frame that has none
              continue;
            }
            const original = known.get(payload.toHex());
            expect(original).toBeDefined();
            expect(marker).toBe(original!.marker);
            // The same distance everywhere: each gap is a loss, and each loss a gap.
            offset ??= original!.sequence - sequence;
            expect(original!.sequence - sequence).toBe(offset);
          }
          for (let i = 1; i < got.length; i++) expect(got[i]!.sequence).toBeGreaterThan(got[i - 1]!.sequence);
          const whole = new Set(pictures.map((_, at) => wholePicture(sent.filter(({ picture }) => picture === at))));
          for (const { data } of publisher.frames.slice(1)) expect(whole).toContain(data.toHex());
          expectDecodable(publisher, sent, pictures);
        },
      ),
      { numRuns: 200 },
    );
  });
});

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

function wholePicture(packets: readonly PicturePacket[]): string {
  return packets.map(({ payload }) => `00000004${payload.toHex()}`).join("");
}

/** Each frame that came out is key, or follows the picture before it. */
function expectDecodable(publisher: RtpPublisher, sent: readonly PicturePacket[], pictures: readonly object[]): void {
  const numbers = publisher.frames.slice(1).map(({ data, isKey }) => ({ picture: data[6]!, isKey }));
  expect(numbers.length).toBeLessThanOrEqual(pictures.length);
  expect(sent.length).toBeGreaterThan(0);
  let last = -1;
  for (const { picture, isKey } of numbers) {
    if (!isKey) expect(picture).toBe(last + 1);
    last = picture;
  }
}

function expectInSequence(sent: readonly SentPacket[], count: number = sent.length): void {
  expect(sent).toHaveLength(count);
  const first = sent[0]?.sequence ?? 0;
  expect(sent.map(({ sequence }) => sequence - first)).toEqual(sent.map((_, at) => at));
}

function size(unit: string): string {
  return (unit.length / 2).toString(16).padStart(4, "0");
}

/** From an RTSP publisher to RTSP players without waiting for frames, and the frames that are made beside it. */

import { describe, expect, it } from "vitest";
import {
  aacSection,
  begun,
  expectInSequence,
  h264,
  h264WithSets,
  keyEnd,
  keyStart,
  otherEnd,
  otherPlayer,
  otherStart,
  pps,
  sdpOf,
  sendKey,
  sendOther,
  sps,
  stapOfSets,
} from "../../test/support/h264-packets.ts";
import { RtpServer, reportsOf, sentOf } from "../../test/support/rtp-session.ts";
import { parseAv1Config } from "../codecs/av1/av1-config.ts";
import { parseHevcConfig } from "../codecs/h265/hevc-config.ts";
import { maxRelayedPayloadBytes } from "../protocols/rtp/limits.ts";
import { av1C, hvcC } from "../protocols/rtp/payload/video-payloads.cases.ts";

const hevcSets = parseHevcConfig(hvcC).arrays.map(({ units }) => units[0]!.toBase64());
const av1Sequence = parseAv1Config(av1C).configObus.toHex();

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

describe("packets of every video codec", () => {
  it.each([
    ["H264", "packetization-mode=1", [stapOfSets, keyStart, keyEnd], [otherStart, otherEnd]],
    [
      "H265",
      `sprop-vps=${hevcSets[0]}; sprop-sps=${hevcSets[1]}; sprop-pps=${hevcSets[2]}`,
      ["6201 93 88aa01", "6201 53 02"],
      ["6201 81 88bb01", "6201 41 02"],
    ],
    ["VP8", "", ["10 000000 9d012a 40004000 01", "00 02"], ["10 010000 02", "00 03"]],
    ["VP9", "", ["08 82498342 0003f003f00000", "04 02"], ["08 86 0000", "04 03"]],
    ["AV1", "", [`68 ${leb(av1Sequence)} ${av1Sequence} 30 10aa`, "90 02"], ["50 30 30aa", "90 03"]],
  ] as const)(
    "%s reach players one by one, and a key frame's first is a random access point",
    (name, fmtp, key, other) => {
      const lines = [
        "m=video 0 RTP/AVP 96",
        `a=rtpmap:96 ${name}/90000`,
        ...(fmtp === "" ? [] : [`a=fmtp:96 ${fmtp}`]),
      ];
      const server = new RtpServer();
      const publisher = server.publisher(sdpOf(...lines));
      let sequence = 0;
      const send = (payload: string, timestamp: number, marker: boolean): void =>
        publisher.send(0, sequence++, timestamp, payload, { marker });
      for (const payload of key) send(payload, 0, payload === key.at(-1));
      const player = server.player(publisher.stream);
      player.packets();
      for (const payload of other) {
        send(payload, 3_600, payload === other.at(-1));
        expect(sentOf(player.packets(), 0).map((sent) => sent.payload.toHex())).toEqual([payload.replaceAll(" ", "")]);
      }
      const before = player.log.entryTail;
      for (const payload of key.slice(0, -1)) send(payload, 7_200, false);
      expect(player.log.entryTail).toBeGreaterThan(before + 1); // a preamble
      const sent = sentOf(player.startPackets(), 0);
      expect(sent.map(({ payload }) => payload.toHex())).toContain(key[0].replaceAll(" ", ""));
      expect(new Set(sent.map(({ timestamp }) => timestamp)).size).toBe(1);
      expect(publisher.problems).toEqual([]);
    },
  );
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

/** One byte says it. */
function leb(bytes: string): string {
  return (bytes.length / 2).toString(16).padStart(2, "0");
}

/** What is said of packets that are not as they should be, and that nothing is said of those that are. */

import { describe, expect, test } from "vitest";
import { payloadsOf } from "../../../test/support/rtp-payloads.ts";
import { parseVideoTag } from "../../formats/flv/video-tag.ts";
import { writeRtcp } from "../../protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../../protocols/rtcp/ntp.ts";
import { writeRtpPacket } from "../../protocols/rtp/packet-writer.ts";
import { openH264Writer } from "../../protocols/rtp/payload/nal-writer.ts";
import { tracksPerPlayer } from "./limits.ts";
import { MediaChecks } from "./media-checks.ts";
import { type PromisedTrack, packetHeadBytes, RtpChecks } from "./rtp-checks.ts";
import { writeSendingTime } from "./sending-time.ts";
import { makeSyntheticStream } from "./synthetic-stream.ts";

const player = 1; // of three: a neighbour's row would show
const row = player * tracksPerPlayer;
const pictures: PromisedTrack = {
  ...{ payloadType: 96, clockRate: 90_000, marksFrameEnd: true, maxBackMs: 0, pictures: "h264" },
};
/** 40 ms. */
const frameTicks = 3_600;

interface Packet {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker?: boolean;
  readonly ssrc?: number;
  readonly payload?: Uint8Array;
}

/** Two packets a frame: sequence numbers and timestamps from these on. */
function frames(count: number, sequence = 0, timestamp = 0, order: readonly number[] = []): Packet[] {
  return Array.from({ length: 2 * count }, (_, i) => ({
    sequence: (sequence + i) % 0x1_0000,
    timestamp: (timestamp + (order[i >> 1] ?? i >> 1) * frameTicks) % 0x1_0000_0000,
    marker: i % 2 === 1,
  }));
}

const [first, second, third, fourth, ...rest] = frames(6) as [Packet, Packet, Packet, Packet, ...Packet[]];
const shown = [0, 3, 1, 2, 6, 4, 5]; // an I, then B frames that are sent behind the P they refer to

describe("packets", () => {
  test.each<[string, readonly Packet[], Partial<Figures>, Partial<PromisedTrack>?]>([
    ["in order", frames(10), { frames: 10 }],
    ["over the wraps of sequence numbers and timestamps", frames(10, 0xfff9, 0xffff_0000), { frames: 10 }],
    ["with B frames, when they were promised", frames(7, 0, 0, shown), { frames: 7 }, { maxBackMs: 1_000 }],
    ["with B frames, when they were not", frames(7, 0, 0, shown), { frames: 7, back: 2 }],
    ["one of which is missing", [first, second, fourth, ...rest], { frames: 6, missing: 1 }],
    ["one of which came twice", [first, second, second, third, fourth, ...rest], { frames: 6, late: 1 }],
    [
      "two of which are the wrong way round",
      [first, third, second, fourth, ...rest],
      { frames: 6, missing: 1, late: 1 },
    ],
    ["of another source", [first, second, { ...third, ssrc: 8 }, { ...fourth, ssrc: 8 }], { frames: 2, sources: 1 }],
    ["of another source than was promised", [{ ...first, ssrc: 8 }], { frames: 1, sources: 1 }],
    ["without a marker at a frame's end", [first, { ...second, marker: false }, third], { frames: 2, markers: 1 }],
    ["with a marker in a frame's middle", [{ ...first, marker: true }, second], { frames: 1, markers: 1 }],
    [
      "whose markers mean something else",
      frames(3).map((packet) => ({ ...packet, marker: false })),
      { frames: 3 },
      { marksFrameEnd: false },
    ],
    ["whose time goes back", [...frames(3), ...frames(2, 6, frameTicks)], { frames: 5, back: 1 }],
    ["whose time leaves out a second", [...frames(3), ...frames(2, 6, 28 * frameTicks)], { frames: 5, gaps: 1 }],
  ])("%s", (_what, packets, expected, promised = {}) => {
    expect(figuresOf(packets, promised)).toEqual({ ...nothing, ...expected });
  });

  test.each<[string, (packet: Uint8Array) => Uint8Array]>([
    ["of eleven bytes", (packet) => packet.subarray(0, 11)],
    ["of version 1", (packet) => packet.with(0, 0x40)],
    ["of another payload type", (packet) => packet.with(1, 97)],
  ])("%s are refused", (_what, tear) => {
    const { packets } = openChecks();
    const bytes = tear(packetBytes(first));
    expect(() => give(packets, bytes, 0)).toThrow(expect.objectContaining({ code: "ERR_BENCH_FRAMING" }));
  });

  test("are counted for the next one in the row from the beginning", () => {
    const { checks, packets } = openChecks();
    for (const packet of frames(3)) give(packets, packetBytes(packet), 0);
    packets.reset(player);
    checks.reset(player);
    packets.setTracks(player, [pictures]);
    packets.expectSsrc(row, 9);
    for (const packet of frames(3, 500, 77)) give(packets, packetBytes({ ...packet, ssrc: 9 }), 0);
    expect(collect(checks, packets)).toEqual({ ...nothing, frames: 6 });
  });
});

describe("pictures", () => {
  test.each([300, 1_200, 60_000])(
    "in payloads of %i show their latency, and the first key frame, when whole",
    (maxPayloadBytes) => {
      const { videoConfig, pictures: bodies } = makeSyntheticStream(1_000_000);
      const [video] = parseVideoTag(videoConfig).tracks;
      const writer = openH264Writer({ maxPayloadBytes, config: video!.data, repeatsParameterSets: true });
      const { checks, packets } = openChecks();
      let sequence = 0;
      for (const [i, body] of bodies.slice(0, 5).entries()) {
        const sentAtMs = 1_000 + i * 40;
        writeSendingTime(body, 0, sentAtMs);
        const payloads = payloadsOf(writer, parseVideoTag(body).tracks[0]!.data, i === 0);
        for (const { bytes: payload, marker } of payloads) {
          expect(checks.latency.count).toBe(i);
          expect(checks.firstKeyAtMs[player]).toBe(i === 0 ? 0 : 1_025);
          const packet = packetBytes({ sequence: sequence++, timestamp: i * frameTicks, marker, payload });
          give(packets, packet, sentAtMs + (marker ? 25 : 10));
        }
      }
      expect(checks.latency.count).toBe(5);
      expect(checks.latency.maxMs).toBe(25);
      expect(collect(checks, packets)).toEqual({ ...nothing, frames: 5 });
    },
  );

  test.each([
    ["alone", [0x26, 1, 0, 0]],
    ["cut up", [0x62, 1, 0x93, 0]],
    ["aggregated", [0x60, 1, 0, 2, 0x46, 1, 0, 3, 0x28, 1, 0]],
    ["with parameter sets first", [0x60, 1, 0, 3, 0x42, 1, 0, 0, 3, 0x28, 1, 0]],
  ])("of H.265 are key frames, %s", (_what, start) => {
    const { checks, packets } = openChecks({ pictures: "h265" });
    const packet = { sequence: 1, timestamp: 5, marker: true, payload: Uint8Array.from(start) };
    give(packets, packetBytes({ ...packet, payload: Uint8Array.of(0x02, 1, 0, 0) }), 1);
    expect(checks.firstKeyAtMs[player]).toBe(0);
    give(packets, packetBytes({ ...packet, sequence: 2, timestamp: 6 }), 2);
    expect(checks.firstKeyAtMs[player]).toBe(2);
  });

  test("are found behind sources and an extension", () => {
    const { checks, packets } = openChecks();
    const fields = { marker: true, payloadType: 96, sequenceNumber: 1, timestamp: 0, ssrc: 7 };
    const extensions = [{ id: 1, bytes: Uint8Array.of(1, 2, 3) }];
    give(packets, writeRtpPacket({ ...fields, csrcs: [1, 2], extensions, payload: Uint8Array.of(0x65, 1, 2) }), 3);
    expect(checks.firstKeyAtMs[player]).toBe(3);
  });
});

describe("sender reports", () => {
  test.each<[string, readonly Report[], number]>([
    ["that agree", pairs([0, 0], [5_000, 5_000], [10_000, 10_001]), 0],
    ["of a clock that is a little slow", pairs([0, 0], [10_000, 10_055]), 0],
    ["of another clock rate", pairs([0, 0], [5_000, 10_000]), 1],
    ["far from the media", pairs([30_000, 30_000]), 1],
    ["of another source", pairs([0, 0, 9]), 1],
  ])("%s", (_what, reports, wrongCount) => {
    const { packets } = openChecks();
    give(packets, packetBytes({ sequence: 1, timestamp: 0 }), 0);
    for (const [mediaMs, wallMs, ssrc = 7] of reports) packets.handleRtcp(row, reportBytes(mediaMs, wallMs, ssrc));
    expect([packets.reportCount, packets.wrongReportCount]).toEqual([reports.length, wrongCount]);
  });

  test("before the first packet are held against it", () => {
    const { packets } = openChecks();
    packets.handleRtcp(row, reportBytes(0, 0, 7));
    give(packets, packetBytes({ sequence: 1, timestamp: 30 * 90_000 }), 0);
    expect(packets.wrongReportCount).toBe(1);
  });

  test("are missed of tracks that have had media for a while", () => {
    const { packets } = openChecks();
    expect(packets.unreportedCount(20_000, 10_000)).toBe(0);
    give(packets, packetBytes({ sequence: 1, timestamp: 0 }), 5_000);
    expect([packets.unreportedCount(14_999, 10_000), packets.unreportedCount(15_000, 10_000)]).toEqual([0, 1]);
    packets.handleRtcp(row, reportBytes(0, 0, 7));
    expect(packets.unreportedCount(15_000, 10_000)).toBe(0);
  });

  test("that are none are refused, and BYE is the end", () => {
    const { packets } = openChecks();
    const bye = writeRtcp([{ kind: "bye", ssrcs: [7], reason: undefined }]);
    expect(() => packets.handleRtcp(row, bye)).toThrow(expect.objectContaining({ code: "ERR_BENCH_CLOSED" }));
    expect(() => packets.handleRtcp(row, bye.with(0, 0x41))).toThrow(
      expect.objectContaining({ code: "ERR_RTCP_PACKET" }),
    );
  });

  function pairs(...reports: readonly Report[]): readonly Report[] {
    return reports;
  }

  function reportBytes(mediaMs: number, wallMs: number, ssrc: number): Uint8Array {
    const ntp = ntpOfUnixMs(1_800_000_000_000 + wallMs);
    const counts = { packetCount: 1, octetCount: 1, reports: [] };
    return writeRtcp([{ kind: "senderReport", ssrc, ntp, rtpTimestamp: mediaMs * 90, ...counts }]);
  }
});

/** At so many milliseconds, of media and of the wall. */
type Report = readonly [mediaMs: number, wallMs: number, ssrc?: number];

interface Figures {
  readonly frames: number;
  readonly missing: number;
  readonly late: number;
  readonly sources: number;
  readonly markers: number;
  readonly back: number;
  readonly gaps: number;
}

const nothing: Figures = { frames: 0, missing: 0, late: 0, sources: 0, markers: 0, back: 0, gaps: 0 };

function openChecks(promised: Partial<PromisedTrack> = {}): { checks: MediaChecks; packets: RtpChecks } {
  const checks = new MediaChecks(3, 500);
  const packets = new RtpChecks(3, checks);
  packets.setTracks(player, [{ ...pictures, ...promised }]);
  packets.expectSsrc(row, 7);
  return { checks, packets };
}

function figuresOf(sent: readonly Packet[], promised: Partial<PromisedTrack>): Figures {
  const { checks, packets } = openChecks(promised);
  for (const packet of sent) give(packets, packetBytes(packet), 0);
  expect(packets.packetCount).toBe(sent.length);
  return collect(checks, packets);
}

function collect(checks: MediaChecks, packets: RtpChecks): Figures {
  return {
    frames: checks.tagCount,
    missing: packets.missingCount,
    late: packets.lateCount,
    sources: packets.ssrcChangeCount,
    markers: packets.markerErrorCount,
    back: checks.backwardsCount,
    gaps: checks.gapCount,
  };
}

/** As a scanner does: the head, among other bytes. */
function give(packets: RtpChecks, packet: Uint8Array, nowMs: number): void {
  const head = packet.subarray(0, packetHeadBytes);
  const bytes = Uint8Array.of(1, 2, 3, ...head, 0xff, 0xff);
  packets.begin(player, row, bytes, 3, 3 + head.length, packet.length, nowMs);
  packets.end(player, row, nowMs);
}

function packetBytes({ sequence, timestamp, marker = false, ssrc = 7, payload = slice }: Packet): Uint8Array {
  return writeRtpPacket({ marker, payloadType: 96, sequenceNumber: sequence, timestamp, ssrc, payload });
}

/** Of a picture that is no key frame. */
const slice = Uint8Array.of(0x41, 1, 2, 3);

/** Both RTSP bridges, from frames to packets and back. */

import { describe, expect, it } from "vitest";
import { hexBytes } from "../../test/support/material.ts";
import { type InterleavedPacket, splitInterleaved } from "../../test/support/rtp-session.ts";
import type { EgressLog } from "../kernel/egress-log.ts";
import { Engine } from "../kernel/engine.ts";
import type { Frame, TrackFormat } from "../kernel/frame.ts";
import { LogReader } from "../kernel/log-reader.ts";
import type { Publication } from "../kernel/publication.ts";
import { parseRtcp, type RtcpMessage } from "../protocols/rtcp/compound.ts";
import { unixMsOfNtp } from "../protocols/rtcp/ntp.ts";
import { RtpPacket } from "../protocols/rtp/packet.ts";
import {
  describeStream,
  type RtpIdentity,
  type RtspDescription,
  rtspFamily,
  rtspFormatRequest,
  writeRtspBye,
} from "./rtsp-egress.ts";
import { parseAnnouncement, RtspIngest } from "./rtsp-ingest.ts";

const everything = { wantsAudio: true, wantsVideo: true };
const wallMs = 1_700_000_000_000;

/** Main, 64 × 64, of x264 with two reordered frames. */
const avcConfig = hexBytes("014d400affe10017674d400aeca213602200000300020000030064" + "1e244b2c01000468ce0fc8");
const h264: TrackFormat = { codec: "h264", timescale: 1000, config: avcConfig, codecString: "avc1.64000a" };
const aac: TrackFormat = {
  codec: "aac",
  timescale: 1000,
  config: Uint8Array.of(0x12, 0x10),
  codecString: "mp4a.40.2",
  sampleRate: 44_100,
  channels: 2,
};
const flac: TrackFormat = { ...aac, codec: "flac", config: new Uint8Array(34) };

const identityOf = (kind: string, number: number): RtpIdentity => ({
  ssrc: kind === "video" ? 0xfffffff0 : 0x1000 + number,
  firstSequence: 0xfffe,
  timestampOffset: 0xffff_ff00,
  initialPictureId: 7,
});

async function publisher(): Promise<Publication> {
  const engine = new Engine({ clock: { monotonicMs: () => 0, wallMs: () => wallMs } });
  return engine.publish({ name: "live/cam", protocol: "test" });
}

function nal(type: number, length: number, fill = type): Uint8Array {
  const unit = new Uint8Array(4 + length).fill(fill);
  unit.set([0, 0, length >> 8, length & 0xff, type]);
  return unit;
}

const keyPicture = nal(0x65, 4_000);
const otherPicture = nal(0x41, 100);
const sound = Uint8Array.of(0x21, 0x10, 5, 6, 7);

function openLog(publication: Publication): { readonly log: EgressLog; readonly description: RtspDescription } {
  const { stream } = publication;
  const description = describeStream(stream, everything, identityOf);
  const request = rtspFormatRequest(description.tracks);
  const { format } = rtspFamily(() => wallMs).choose(stream.tracks, request);
  return { description, log: stream.leaseLog(format, () => {}).log };
}

function packetsOf(log: EgressLog, from: "newest" | "first"): InterleavedPacket[] {
  const reader = new LogReader(log.memory);
  reader.refresh();
  const entry = from === "newest" ? reader.randomAccessEntry() : 0;
  const { views } = reader.gather(entry, from === "newest", Number.POSITIVE_INFINITY);
  return splitInterleaved(views);
}

function rtpOf(packets: readonly InterleavedPacket[], channel: number): RtpPacket[] {
  return packets.filter((packet) => packet.channel === channel).map(({ bytes }) => new RtpPacket().parse(bytes));
}

function rtcpOf(packets: readonly InterleavedPacket[], channel: number): RtcpMessage[] {
  return packets.filter((packet) => packet.channel === channel).flatMap(({ bytes }) => parseRtcp(bytes));
}

async function publishedPair(): Promise<{ publication: Publication } & ReturnType<typeof openLog>> {
  const publication = await publisher();
  const video = publication.setTrack("video", 0, h264);
  const audio = publication.setTrack("audio", 0, aac);
  publication.publish(video, 0, 0, true, keyPicture);
  const opened = openLog(publication);
  publication.publish(audio, 10, 10, true, sound);
  publication.publish(video, 40, 40, false, otherPicture);
  return { publication, ...opened };
}

describe("describing a stream", () => {
  it("gives each track a section, a payload type and the channels of its place", async () => {
    const publication = await publisher();
    publication.setTrack("video", 0, h264);
    publication.setTrack("audio", 0, aac);
    const { sdp, tracks, leftOut } = describeStream(publication.stream, everything, identityOf);
    expect(sdp).toContain("m=video 0 RTP/AVP 96\r\n");
    expect(sdp).toContain("a=control:trackID=0\r\n");
    expect(sdp).toContain("a=rtpmap:97 MPEG4-GENERIC/44100/2\r\n");
    expect(tracks.map(({ channel, payloadType, clockRate }) => [channel, payloadType, clockRate])).toEqual([
      [0, 96, 90_000],
      [2, 97, 44_100],
    ]);
    expect(leftOut).toEqual([]);
  });

  it("leaves out by name what RTP can't carry, and refuses when nothing is left", async () => {
    const publication = await publisher();
    publication.setTrack("video", 0, h264);
    publication.setTrack("audio", 0, flac);
    expect(describeStream(publication.stream, everything, identityOf).leftOut).toEqual([
      expect.stringContaining("the audio is flac"),
    ]);
    expect(() => describeStream(publication.stream, { wantsAudio: true, wantsVideo: false }, identityOf)).toThrow(
      expect.objectContaining({ code: "ERR_CODEC_NOT_RECEIVABLE", message: expect.stringContaining("flac") }),
    );
  });
});

describe("packets of a stream", () => {
  it("go on in sequence over the wrap, and end each picture with the marker", async () => {
    const { log } = await publishedPair();
    const video = rtpOf(packetsOf(log, "first"), 0);
    expect(video.map(({ sequenceNumber }) => sequenceNumber)).toEqual(video.map((_, at) => (0xfffe + at) % 0x1_0000));
    expect(video.filter(({ marker }) => marker)).toHaveLength(2);
    expect(video.every(({ bytes }) => bytes.length <= 1_452)).toBe(true);
    expect(video.map(({ timestamp }) => timestamp).at(-1)).toBe(3_600 - 0x100);
  });

  it("put parameter sets in band before a key frame", async () => {
    const { log } = await publishedPair();
    const [first] = rtpOf(packetsOf(log, "newest"), 0);
    expect(first!.payload()[0]! & 0x1f).toBeOneOf([7, 24]); // an SPS, alone or in a STAP-A
  });

  it("begin with sender reports of all tracks about one moment", async () => {
    const { log } = await publishedPair();
    const packets = packetsOf(log, "newest");
    expect(packets.slice(0, 2).map(({ channel }) => channel)).toEqual([1, 3]);
    const [video] = rtcpOf(packets, 1);
    const [audio] = rtcpOf(packets, 3);
    if (video?.kind !== "senderReport" || audio?.kind !== "senderReport") throw new Error("no sender report");
    expect(video.ntp).toEqual(audio.ntp);
    expect(unixMsOfNtp(video.ntp, wallMs)).toBeCloseTo(wallMs, 0);
    expect([video.rtpTimestamp, audio.rtpTimestamp]).toEqual([0xffff_ff00, 0xffff_ff00]);
  });

  it("have further sender reports every five seconds for those who go along", async () => {
    const { publication, log } = await publishedPair();
    const [video] = publication.stream.tracks;
    const before = rtcpOf(packetsOf(log, "first"), 1).length;
    for (let ms = 80; ms <= 10_080; ms += 40) publication.publish(video!, ms, ms, false, otherPicture);
    const reports = rtcpOf(packetsOf(log, "first"), 1).filter(({ kind }) => kind === "senderReport");
    expect(reports.length - before / 2).toBe(2);
    expect(reports.at(-1)).toMatchObject({ packetCount: expect.any(Number) });
  });

  it("end with BYE when the track becomes what was not described", async () => {
    const { publication, log } = await publishedPair();
    const audio = publication.setTrack("audio", 0, { ...aac, config: Uint8Array.of(0x11, 0x90), sampleRate: 48_000 });
    publication.publish(audio, 60, 60, true, sound);
    publication.publish(audio, 80, 80, true, sound);
    expect(rtcpOf(packetsOf(log, "first"), 3).filter(({ kind }) => kind === "bye")).toHaveLength(1);
    expect(rtpOf(packetsOf(log, "first"), 2)).toHaveLength(1);
  });

  it("are refused to a player whose description is no longer true", async () => {
    const { publication, description } = await publishedPair();
    const next = await publisher();
    next.setTrack("audio", 0, { ...aac, codec: "opus", config: new Uint8Array() });
    const request = rtspFormatRequest(description.tracks);
    const family = rtspFamily(() => wallMs);
    expect(() => family.choose(next.stream.tracks, request)).toThrow(
      expect.objectContaining({ code: "ERR_TRACKS_CHANGED" }),
    );
    expect(family.choose(publication.stream.tracks, request).leftOut).toEqual([]);
    expect(parseRtcp(writeRtspBye(description.tracks[0]!)).at(-1)).toMatchObject({ kind: "bye" });
  });
});

describe("an RTSP publisher", () => {
  it("publishes what another one's log has, with B-frames in decoding order", async () => {
    const { publication, log, description } = await publishedPair();
    const [video] = publication.stream.tracks;
    for (const [pts, dts] of [
      [200, 80],
      [120, 120],
      [160, 160],
    ] as const) {
      publication.publish(video!, pts, dts, false, otherPicture);
    }
    const { frames } = await ingest(packetsOf(log, "first"), description.sdp);
    const pictures = frames.filter(({ track }) => track.kind === "video");
    const ptsMs = pictures.map(({ ptsTicks }) => Math.round((ptsTicks - pictures[0]!.ptsTicks) / 90));
    expect(ptsMs).toEqual([0, 40, 200, 120, 160]);
    expect(pictures[0]!.isKey).toBe(true);
    expect(Buffer.from(pictures[0]!.data).includes(Buffer.from(keyPicture))).toBe(true);
    expect(pictures.every(({ dtsTicks }, at) => at === 0 || dtsTicks >= pictures[at - 1]!.dtsTicks)).toBe(true);
    expect(frames.filter(({ track }) => track.kind === "audio").map(({ data }) => [...data])).toEqual([[...sound]]);
  });

  it("counts what was lost, drops the damaged picture and tells the publisher", async () => {
    const { log, description } = await publishedPair();
    const packets = packetsOf(log, "first").filter(({ channel }) => channel === 0);
    packets.splice(1, 1);
    const { frames, bridge } = await ingest(packets, description.sdp);
    expect(frames).toEqual([]);
    expect(bridge.counters.lostPacketCount).toBe(1);
    expect(bridge.counters.droppedFrameCount).toBeGreaterThan(0);
    const [report] = bridge.pollReports(1_000);
    expect(parseRtcp(report!.packet)[0]).toMatchObject({ kind: "receiverReport", reports: [{ totalLost: 1 }] });
    expect(bridge.pollReports(1_001)).toEqual([]);
  });

  it("may reorder, and what it does not send is waited for so long and no longer", async () => {
    const { publication, log, description } = await publishedPair();
    const [video] = publication.stream.tracks;
    publication.publish(video!, 200, 200, true, keyPicture);
    const packets = packetsOf(log, "first").filter(({ channel }) => channel === 0);
    const { bridge, frameCount } = await ingest([], description.sdp);
    bridge.setReorderDelay(100);
    const [first, second, third, ...others] = packets;
    for (const packet of [first!, third!, second!, ...others.slice(0, -1)]) bridge.handleRtp(0, packet.bytes, 0);
    expect(bridge.counters).toMatchObject({ lostPacketCount: 0, reorderedPacketCount: 1 });
    const before = frameCount();
    const last = others.at(-1)!.bytes.slice();
    last[3] = (last[3]! + 1) % 256; // the one before it is missing
    bridge.handleRtp(0, last, 10);
    bridge.handleTime(109);
    expect(bridge.counters.lostPacketCount).toBe(0);
    bridge.handleTime(110);
    expect(bridge.counters.lostPacketCount).toBe(1);
    expect(frameCount(), "the damaged picture").toBe(before);
    expect(bridge.lastReports(200).map(({ packet }) => parseRtcp(packet).map(({ kind }) => kind))).toEqual([
      ["receiverReport", "sourceDescription", "bye"],
    ]);
  });

  it("is refused by name when nothing of it can be taken", () => {
    const sdp = "v=0\r\nm=video 0 RTP/AVP 26\r\nm=application 0 RTP/AVP 107\r\n";
    expect(() => parseAnnouncement(sdp)).toThrow(
      expect.objectContaining({ code: "ERR_NOTHING_TO_PUBLISH", message: expect.stringContaining("JPEG") }),
    );
  });

  it("may send what is no packet: that is a problem of its own, and no more", async () => {
    const problems: string[] = [];
    const { description } = await publishedPair();
    const { bridge } = await ingest([], description.sdp, (code) => problems.push(code));
    bridge.handleRtp(0, Uint8Array.of(1, 2, 3), 0);
    bridge.handleRtcp(0, Uint8Array.of(1, 2, 3), 0);
    bridge.handleRtp(9, Uint8Array.of(1, 2, 3), 0);
    expect(problems).toEqual(["ERR_RTP_HEADER", "ERR_RTCP_PACKET"]);
  });
});

async function ingest(
  packets: readonly InterleavedPacket[],
  sdp: string,
  onProblem: (code: string) => void = (code) => expect.unreachable(code),
): Promise<{ readonly frames: readonly Frame[]; readonly bridge: RtspIngest; readonly frameCount: () => number }> {
  const publication = await publisher();
  const bridge = new RtspIngest({
    publication,
    announcement: parseAnnouncement(sdp),
    ssrc: 1,
    random: () => 0.5,
    onProblem: ({ code }) => onProblem(code),
  });
  for (const { channel, bytes } of packets) {
    if (channel % 2 === 0) bridge.handleRtp(channel / 2, bytes, 0);
    else bridge.handleRtcp((channel - 1) / 2, bytes, 0);
  }
  const { window } = publication.stream;
  const frames = Array.from({ length: window.nextSequence }, (_, at) => window.get(at) as Frame);
  return { frames, bridge, frameCount: () => window.nextSequence };
}

/**
 * Both RTSP bridges under a publisher's random packets: the first byte chooses one of some session descriptions (or the input is one
 * itself), then follow packets: a byte for track and kind, two of length, the packet. What is published goes out again: as
 * packets that can be read, in sequence. A player who is there from the first picture on gets the publisher's own packets, and
 * gaps where some are missing.
 */

import { describeStream, rtspFamily, rtspFormatRequest } from "../../src/bridges/rtsp-egress.ts";
import { parseAnnouncement, type RtspAnnouncement, RtspIngest } from "../../src/bridges/rtsp-ingest.ts";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { Engine } from "../../src/kernel/engine.ts";
import { LogReader } from "../../src/kernel/log-reader.ts";
import type { Stream } from "../../src/kernel/stream.ts";
import { parseStreamName } from "../../src/kernel/stream-name.ts";
import { parseRtcp } from "../../src/protocols/rtcp/compound.ts";
import { RtpPacket } from "../../src/protocols/rtp/packet.ts";
import { writeRtpPacket } from "../../src/protocols/rtp/packet-writer.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

/** Video of payload type 96 and sound of 97, in the order of {@link parseAnnouncement}'s sections. */
const descriptions = [
  ["H264/90000", "packetization-mode=1", "MPEG4-GENERIC/44100/2", "config=1210; sizeLength=13; indexLength=3"],
  ["H265/90000", "", "opus/48000/2", ""],
  ["AV1/90000", "", "PCMA/8000", ""],
  ["VP8/90000", "", "AC3/48000/2", ""],
  ["VP9/90000", "", "MPA/90000", ""],
  ["H266/90000", "", "L16/44100/2", ""],
].map(([video, videoFormat, audio, audioFormat]) =>
  [
    "v=0",
    ...["m=video 0 RTP/AVP 96", `a=rtpmap:96 ${video}`, `a=fmtp:96 ${videoFormat}`],
    ...["m=audio 0 RTP/AVP 97", `a=rtpmap:97 ${audio}`, `a=fmtp:97 ${audioFormat}`],
  ].join("\r\n"),
);

export const target: FuzzTarget = {
  name: "rtsp-ingest",
  covers: ["src/bridges/rtsp-ingest.ts"],
  corpora: ["sdp", "rtp", "rtcp"],
  seeds: () => [...descriptions.map((_, index) => seed(index)), ...descriptions.map((sdp) => Buffer.from(sdp))],
  run(bytes) {
    const [first = 0] = bytes;
    drive(parseAnnouncement(descriptions[first % descriptions.length] as string), bytes.subarray(1));
    drive(parseAnnouncement(new TextDecoder().decode(bytes)), bytes);
  },
};

function drive(announcement: RtspAnnouncement, bytes: Uint8Array): void {
  const engine = new Engine({ clock: { monotonicMs: () => 0, wallMs: () => 0 } });
  const publication = engine.openPublication(
    parseStreamName("live/cam"),
    { name: "live/cam", protocol: "rtsp" },
    () => {},
  );
  const onProblem = (problem: CodedError): void => assert(problem instanceof CodedError, "a problem without a code");
  const ingest = new RtspIngest({ publication, announcement, ssrc: 1, random: () => 0.5, onProblem });
  let nowMs = 0;
  let early: Player | undefined;
  for (let at = 0; at + 3 <= bytes.length; ) {
    const [kind = 0, high = 0, low = 0] = bytes.subarray(at, at + 3);
    const packet = bytes.subarray(at + 3, at + 3 + (high & 3) * 256 + low);
    at += 3 + packet.length;
    nowMs += kind >> 2;
    if ((kind & 2) === 0) ingest.handleRtp(kind & 1, packet, nowMs);
    else ingest.handleRtcp(kind & 1, packet, nowMs);
    if (publication.stream.tracks.length > 0) early ??= play(publication.stream);
  }
  if (early !== undefined) readPackets(early, true);
  for (let tick = 0; tick < 2; tick++) publication.stream.tick(nowMs); // its log is forgotten
  for (const { packet } of ingest.pollReports(nowMs)) parseRtcp(packet);
  publication.setTrack("data", 0, { codec: "amf0", timescale: 1000, config: new Uint8Array(), codecString: "" });
  replay(publication.stream);
}

interface Player {
  readonly reader: LogReader;
  readonly release: () => void;
}

/** Who comes late gets frames. */
function replay(stream: Stream): void {
  if (stream.tracks.length === 1) return;
  readPackets(play(stream), false);
}

function play(stream: Stream): Player {
  const identity = { ssrc: 1, firstSequence: 65_000, timestampOffset: 7, initialPictureId: 0 };
  const { tracks } = describeStream(stream, { wantsAudio: true, wantsVideo: true }, () => identity);
  const { format } = rtspFamily(() => 0).choose(stream.tracks, rtspFormatRequest(tracks));
  const { log, release } = stream.leaseLog(format, () => {});
  return { reader: new LogReader(log.memory), release };
}

function readPackets({ reader, release }: Player, mayHaveGaps: boolean): void {
  release();
  reader.refresh();
  const start = reader.randomAccessEntry();
  if (start < 0) return;
  const { views } = reader.gather(start, true, Number.POSITIVE_INFINITY);
  const bytes = Buffer.concat(views);
  const next = new Map<number, number>();
  for (let at = 0; at < bytes.length; ) {
    assert(bytes[at] === 0x24, "no interleaved packet stands where one should");
    const channel = bytes[at + 1] as number;
    const packet = bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2));
    at += 4 + packet.length;
    if (channel % 2 === 1) {
      parseRtcp(packet);
      continue;
    }
    const { sequenceNumber } = new RtpPacket().parse(packet);
    const gap = (sequenceNumber - (next.get(channel) ?? sequenceNumber)) & 0xffff;
    assert(gap === 0 || (mayHaveGaps && gap < 0x8000), "a sequence number is left out");
    next.set(channel, (sequenceNumber + 1) % 0x1_0000);
  }
}

function seed(index: number): Uint8Array {
  const pieces: Uint8Array[] = [Uint8Array.of(index)];
  for (let number = 0; number < 4; number++) {
    const payload = Uint8Array.of(0x65, 0x88, 0x84, number, 0x10, 0x20);
    const fields = { sequenceNumber: number, timestamp: number * 3_000, ssrc: 5, marker: true };
    const packet = writeRtpPacket({ ...fields, payloadType: 96 + (number & 1), payload });
    pieces.push(Uint8Array.of((40 << 2) | (number & 1), 0, packet.length), packet);
  }
  return Buffer.concat(pieces);
}

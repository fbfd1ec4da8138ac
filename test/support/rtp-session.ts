/** An RTSP publisher's packets and what players of the stream are sent, with nothing between them but the two bridges. */

import {
  describeStream,
  type RtpIdentity,
  type RtspDescription,
  rtspFamily,
  rtspFormatRequest,
} from "../../src/bridges/rtsp-egress.ts";
import { parseAnnouncement, RtspIngest } from "../../src/bridges/rtsp-ingest.ts";
import type { EgressLog } from "../../src/kernel/egress-log.ts";
import { Engine } from "../../src/kernel/engine.ts";
import type { Frame } from "../../src/kernel/frame.ts";
import { LogReader } from "../../src/kernel/log-reader.ts";
import type { Publication } from "../../src/kernel/publication.ts";
import type { Stream } from "../../src/kernel/stream.ts";
import { parseStreamName } from "../../src/kernel/stream-name.ts";
import { parseRtcp, type RtcpMessage, writeRtcp } from "../../src/protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../../src/protocols/rtcp/ntp.ts";
import { RtpPacket } from "../../src/protocols/rtp/packet.ts";
import { type RtpPacketFields, writeRtpPacket } from "../../src/protocols/rtp/packet-writer.ts";

export interface InterleavedPacket {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

/** What a test looks at in an RTP packet, with sequence number and timestamp from where the track began. */
export interface SentPacket {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

const playerIdentity = (kind: string, number: number): RtpIdentity => ({
  ssrc: kind === "video" ? 0xffff_fff0 : 0x1000 + number,
  firstSequence: 0xfffe,
  timestampOffset: 0xffff_ff00,
  initialPictureId: 7,
});

/** A server of one stream whose time stands still unless it is told otherwise. */
export class RtpServer {
  nowMs = 0;
  readonly wallMs: number = 1_700_000_000_000;
  readonly #engine = new Engine({
    clock: { monotonicMs: () => this.nowMs, wallMs: () => this.wallMs + this.nowMs },
  });

  publisher(sdp: string): RtpPublisher {
    const name = parseStreamName("live/cam");
    const publication = this.#engine.openPublication(name, { name: name.key, protocol: "rtsp" }, () => {});
    return new RtpPublisher(this, publication, sdp);
  }

  player(stream: Stream): RtpPlayer {
    const description = describeStream(stream, { wantsAudio: true, wantsVideo: true }, playerIdentity);
    const family = rtspFamily(() => this.wallMs + this.nowMs);
    const { format } = family.choose(stream.tracks, rtspFormatRequest(description.tracks));
    return new RtpPlayer(stream.leaseLog(format, () => {}).log, description);
  }
}

/** Sends packets of payload type 96 + track, numbered by the caller. */
export class RtpPublisher {
  readonly publication: Publication;
  readonly ingest: RtspIngest;
  /** Codes of what was wrong. */
  readonly problems: string[] = [];
  ssrc = 0x1234;
  readonly #server: RtpServer;

  constructor(server: RtpServer, publication: Publication, sdp: string) {
    this.#server = server;
    this.publication = publication;
    this.ingest = new RtspIngest({
      publication,
      announcement: parseAnnouncement(sdp),
      ssrc: 1,
      random: () => 0.5,
      onProblem: ({ code }) => this.problems.push(code),
    });
  }

  get stream(): Stream {
    return this.publication.stream;
  }

  /** The frames that the stream has kept, oldest first. */
  get frames(): Frame[] {
    const { window } = this.stream;
    const count = window.nextSequence - window.firstSequence;
    return Array.from({ length: count }, (_, at) => window.get(window.firstSequence + at) as Frame);
  }

  send(
    trackIndex: number,
    sequence: number,
    timestamp: number,
    payload: string | Uint8Array,
    fields: Partial<RtpPacketFields> = {},
  ): void {
    const packet = writeRtpPacket({
      payloadType: 96 + trackIndex,
      sequenceNumber: sequence % 0x1_0000,
      timestamp: timestamp % 0x1_0000_0000,
      ssrc: this.ssrc + trackIndex,
      payload: typeof payload === "string" ? Uint8Array.fromHex(payload.replaceAll(" ", "")) : payload,
      ...fields,
    });
    this.ingest.handleRtp(trackIndex, packet, this.#server.nowMs);
  }

  /** A sender report: the publisher's wall clock and the track's timestamp at the same moment. */
  report(trackIndex: number, wallMs: number, timestamp: number): void {
    const report = writeRtcp([
      {
        kind: "senderReport",
        ssrc: this.ssrc + trackIndex,
        ntp: ntpOfUnixMs(wallMs),
        rtpTimestamp: timestamp % 0x1_0000_0000,
        packetCount: 0,
        octetCount: 0,
        reports: [],
      },
    ]);
    this.ingest.handleRtcp(trackIndex, report, this.#server.nowMs);
  }
}

export class RtpPlayer {
  readonly log: EgressLog;
  readonly description: RtspDescription;
  #entry = 0;

  constructor(log: EgressLog, description: RtspDescription) {
    this.log = log;
    this.description = description;
  }

  /** Everything since the last call; the first time from the log's first entry on. Preambles are for those who begin. */
  packets(): InterleavedPacket[] {
    const reader = new LogReader(this.log.memory);
    reader.refresh();
    const { views, endEntry } = reader.gather(this.#entry, false, Number.POSITIVE_INFINITY);
    this.#entry = endEntry;
    return splitInterleaved(views);
  }

  /** What one who begins now is sent. */
  startPackets(): InterleavedPacket[] {
    const reader = new LogReader(this.log.memory);
    reader.refresh();
    return splitInterleaved(reader.gather(reader.randomAccessEntry(), true, Number.POSITIVE_INFINITY).views);
  }
}

export function splitInterleaved(views: readonly Uint8Array[]): InterleavedPacket[] {
  const bytes = Uint8Array.from(Buffer.concat(views)); // the ring goes on
  const packets: InterleavedPacket[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0x24) throw new Error("no interleaved packet stands where one should");
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    packets.push({ channel: bytes[at + 1] as number, bytes: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return packets;
}

/** The RTP packets of one channel. */
export function sentOf(packets: readonly InterleavedPacket[], channel: number): SentPacket[] {
  return packets
    .filter((packet) => packet.channel === channel)
    .map(({ bytes }) => {
      const packet = new RtpPacket().parse(bytes);
      return {
        sequence: (packet.sequenceNumber - 0xfffe + 0x1_0000) % 0x1_0000,
        timestamp: (packet.timestamp - 0xffff_ff00 + 0x1_0000_0000) % 0x1_0000_0000,
        marker: packet.marker,
        payload: packet.payload(),
      };
    });
}

export function reportsOf(packets: readonly InterleavedPacket[], channel: number): RtcpMessage[] {
  return packets.filter((packet) => packet.channel === channel).flatMap(({ bytes }) => parseRtcp(bytes));
}

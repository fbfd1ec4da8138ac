/**
 * RTP packets of an RTSP publisher into frames: put in order, taken out of their payloads, and put on the stream's timeline with
 * decoding times. Which tracks there are, the publisher's session description says (ANNOUNCE).
 *
 * A malformed packet costs its frame; losses cost the frames that refer to what was lost. Both are counted, and the session goes on.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { rescaleTicks } from "../bytes/time.ts";
import { wrapDistance } from "../bytes/wrap.ts";
import { type CodecName, codecKind } from "../codecs/codec-name.ts";
import { reorderDepthOf } from "../codecs/reorder-depth.ts";
import { parseTrackInfo } from "../codecs/track-info.ts";
import type { Packet } from "../kernel/egress.ts";
import type { Track } from "../kernel/frame.ts";
import type { Publication } from "../kernel/publication.ts";
import { parseRtcp, type RtcpMessage, writeRtcp } from "../protocols/rtcp/compound.ts";
import { compactNtp } from "../protocols/rtcp/ntp.ts";
import { reportIntervalMs } from "../protocols/rtcp/report-interval.ts";
import { DecodeTimes } from "../protocols/rtp/decode-times.ts";
import { RtpPacket } from "../protocols/rtp/packet.ts";
import { PacketRelay, type RelayedPacket, rtpProtocol } from "../protocols/rtp/packet-relay.ts";
import { openPayloadReader } from "../protocols/rtp/payload/payload-formats.ts";
import type { RtpFrame, RtpPayloadReader } from "../protocols/rtp/payload.ts";
import { ReceiveQueue } from "../protocols/rtp/receive-queue.ts";
import { RtpTimeline, type RtpTrackClock } from "../protocols/rtp/timeline.ts";
import type { RtpTrack } from "../protocols/rtp-payload-format.ts";
import { supportedTracksOf, trackOf } from "../protocols/sdp/rtp-track.ts";
import { parseSessionDescription } from "../protocols/sdp/session-description.ts";
import { ERR_FRAME_WITHOUT_CONFIG, ERR_NOTHING_TO_PUBLISH } from "./errors.ts";

/** What a publisher is going to send. */
export interface RtspAnnouncement {
  /** `a=control` of the whole: what a player of it plays. */
  readonly aggregateControl: string | undefined;
  /** `a=control` of each section. */
  readonly controls: readonly (string | undefined)[];
  /** The track of each section; undefined where it is nothing that we take. */
  readonly tracks: readonly (RtpTrack | undefined)[];
  /** Sections that are left out, as sentences for a person. */
  readonly leftOut: readonly string[];
}

/**
 * Reads the description of a publisher, or of a source that is to be played.
 *
 * @param isSource - sections of sound that a camera wants to be sent are no tracks of it (ONVIF Streaming Specification §5.3)
 * @throws `ERR_NOTHING_TO_PUBLISH` naming what it is, ERR_SDP_SYNTAX, ERR_SDP_LIMIT
 */
export function parseAnnouncement(sdp: string, isSource = false): RtspAnnouncement {
  const { media, control: aggregateControl } = parseSessionDescription(sdp);
  const leftOut: string[] = [];
  // Who marks everything so means it the other way round.
  const hasBackChannel = isSource && media.some(({ direction }) => direction !== "sendonly");
  const tracks = media.map((section) => {
    if (hasBackChannel && section.kind === "audio" && section.direction === "sendonly") return undefined;
    // Further payload types of a section are comfort noise, telephone events and the like.
    const [track] = supportedTracksOf(section);
    if (track !== undefined && section.kind === codecKind(track.codec)) return track;
    leftOut.push(whyLeftOut(() => trackOf(section, section.payloadTypes[0] ?? -1), section.kind));
    return undefined;
  });
  if (tracks.every((track) => track === undefined)) {
    const what = leftOut.length === 0 ? "the description has no tracks" : leftOut.join("; ");
    throw new CodedError(ERR_NOTHING_TO_PUBLISH, `nothing of what is announced can be taken: ${what}`);
  }
  return { aggregateControl, controls: media.map(({ control }) => control), tracks, leftOut };
}

function whyLeftOut(read: () => unknown, kind: string): string {
  try {
    read();
  } catch (error) {
    if (error instanceof CodedError) return error.message;
    throw error;
  }
  return `a section of kind ${kind.slice(0, 16).replace(/[^\w-]/g, "?")} carries no pictures and no sound`;
}

export interface RtspIngestOptions {
  readonly publication: Publication;
  readonly announcement: RtspAnnouncement;
  /** Ours, in receiver reports. */
  readonly ssrc: number;
  /** From 0 to 1, for the times of reports. */
  readonly random: () => number;
  /** Told of everything that was left out; the caller counts and logs, at most once a second. */
  readonly onProblem: (problem: CodedError) => void;
}

/** Counts of one publisher that only grow, and its jitter. */
export interface RtspIngestCounters {
  readonly lostPacketCount: number;
  readonly duplicatePacketCount: number;
  readonly reorderedPacketCount: number;
  readonly strayPacketCount: number;
  readonly restartCount: number;
  /** Frames that were damaged, and those that waited for a key frame behind them. */
  readonly droppedFrameCount: number;
  /** Of these the ones that came whole, and refer to what was lost. */
  readonly waitingFrameCount: number;
  /** Both of the track where they are largest; the loss from 0 to 1, since the report before the last. */
  readonly jitterMs: number;
  readonly lossFraction: number;
}

export interface RtspReport {
  readonly trackIndex: number;
  readonly packet: Uint8Array;
}

export class RtspIngest {
  readonly #options: RtspIngestOptions;
  readonly #tracks: readonly (IngestTrack | undefined)[];
  readonly #packet = new RtpPacket();
  #nextReportMs: number | undefined;

  constructor(options: RtspIngestOptions) {
    this.#options = options;
    const timeline = new RtpTimeline();
    const numbers = { video: 0, audio: 0 };
    this.#tracks = options.announcement.tracks.map(
      (track) => track && new IngestTrack(options, track, numbers[codecKind(track.codec)]++, timeline),
    );
  }

  get counters(): RtspIngestCounters {
    const known = this.#tracks.filter((track) => track !== undefined);
    const sum = (count: (track: IngestTrack) => number): number => known.reduce((all, track) => all + count(track), 0);
    return {
      lostPacketCount: sum(({ queue }) => queue.lostCount),
      duplicatePacketCount: sum(({ queue }) => queue.duplicateCount),
      reorderedPacketCount: sum(({ queue }) => queue.reorderedCount),
      strayPacketCount: sum(({ strayCount }) => strayCount),
      restartCount: sum(({ queue }) => queue.restartCount),
      droppedFrameCount: sum(({ droppedFrameCount }) => droppedFrameCount),
      waitingFrameCount: sum(({ waitingFrameCount }) => waitingFrameCount),
      jitterMs: Math.max(0, ...known.map(({ queue }) => queue.statistics.jitterMs)),
      lossFraction: Math.max(0, ...known.map(({ queue }) => queue.statistics.lossFraction)),
    };
  }

  /** For a transport that reorders, unlike TCP: how long what is missing is waited for. Then {@link handleTime} is called as well. */
  setReorderDelay(delayMs: number): void {
    for (const track of this.#tracks) if (track !== undefined) track.queue.maxDelayMs = delayMs;
  }

  /** `trackIndex` counts the sections of the description. The bytes are not kept. */
  handleRtp(trackIndex: number, bytes: Uint8Array, nowMs: number): void {
    const track = this.#tracks[trackIndex];
    if (track === undefined) return;
    this.#contained(() => track.handle(this.#packet.parse(bytes), nowMs));
  }

  handleRtcp(trackIndex: number, bytes: Uint8Array, nowMs: number): void {
    const track = this.#tracks[trackIndex];
    if (track === undefined) return;
    this.#contained(() => {
      for (const message of parseRtcp(bytes)) {
        if (message.kind === "senderReport") track.handleSenderReport(message, nowMs);
        else if (message.kind === "bye") track.clock.restart(); // its next packet, if there is one, begins anew
      }
    });
  }

  /** Gives up what is missing for too long, when no packet behind it says so; called some times a second. */
  handleTime(nowMs: number): void {
    for (const track of this.#tracks) if (track !== undefined) this.#contained(() => track.poll(nowMs));
  }

  /** Receiver reports that are due; asked some times a second. */
  pollReports(nowMs: number): readonly RtspReport[] {
    const { random } = this.#options;
    const isFirst = this.#nextReportMs === undefined;
    if (this.#nextReportMs !== undefined && nowMs < this.#nextReportMs) return [];
    this.#nextReportMs = nowMs + reportIntervalMs(2, reportBytes, assumedBitsPerSecond, isFirst, random());
    return this.#reports(nowMs, []);
  }

  /** The last reports: we receive nothing any more. */
  lastReports(nowMs: number): readonly RtspReport[] {
    return this.#reports(nowMs, [{ kind: "bye", ssrcs: [this.#options.ssrc], reason: undefined }]);
  }

  #reports(nowMs: number, further: readonly RtcpMessage[]): RtspReport[] {
    const { ssrc } = this.#options;
    return this.#tracks.flatMap((track, trackIndex) => {
      if (track?.queue.ssrc === undefined) return [];
      const packet = writeRtcp([
        { kind: "receiverReport", ssrc, reports: [track.queue.statistics.report(nowMs)] },
        { kind: "sourceDescription", chunks: [{ ssrc, cname: "millrace" }] },
        ...further,
      ]);
      return [{ trackIndex, packet }];
    });
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#options.onProblem(error);
    }
  }
}

class IngestTrack {
  readonly queue: ReceiveQueue;
  readonly clock: RtpTrackClock;
  strayCount = 0;
  readonly #options: RtspIngestOptions;
  readonly #described: RtpTrack;
  readonly #number: number;
  readonly #reader: RtpPayloadReader;
  readonly #relay: PacketRelay;
  #passed: PassedPacket | undefined;
  /** Where the publisher's time 0 is on the stream's timeline. */
  readonly #startTicks: number;
  #config: Uint8Array;
  #description: Uint8Array | undefined;
  #reorderDepth = 0;
  #decodeTimes = new DecodeTimes(0);
  #track: Track | undefined;
  /** The timestamp of the newest packets and the one before: frames have one of them, or one of the ticks behind it. */
  readonly #placed: Placed = { timestamp: -1, ticks: 0 };
  readonly #placedBefore: Placed = { timestamp: -1, ticks: 0 };
  /** Configuration or description changed since the last frame. */
  #isStale = true;
  #skippedCount = 0;
  /** Since the last packet that the reader was given. */
  #isLossBefore = false;
  /** No packet has come yet. */
  #isUntried = true;

  constructor(options: RtspIngestOptions, described: RtpTrack, number: number, timeline: RtpTimeline) {
    this.#options = options;
    this.#described = described;
    this.#number = number;
    this.#config = described.config;
    this.#reader = openPayloadReader(described);
    this.#relay = new PacketRelay(described, this.#reader, (packet) => this.#pass(packet));
    this.clock = timeline.openTrack(described.clockRate);
    // Interleaved over TCP nothing is reordered: a gap is a loss. UDP has another delay.
    this.queue = new ReceiveQueue({ clockRate: described.clockRate, maxDelayMs: 0 });
    const startMs = options.publication.startMs || firstFrameMs;
    this.#startTicks = rescaleTicks(startMs, 1000, described.clockRate);
  }

  get droppedFrameCount(): number {
    return this.#reader.droppedFrameCount + this.#skippedCount;
  }

  get waitingFrameCount(): number {
    return (this.#reader.waitingFrameCount ?? 0) + this.#skippedCount;
  }

  handle(packet: RtpPacket, nowMs: number): void {
    this.queue.handle(packet, nowMs);
    this.poll(nowMs);
  }

  /** Takes what is in order, or has waited for long enough. */
  poll(nowMs: number): void {
    const { queue } = this;
    for (let next = queue.poll(nowMs); next !== undefined; next = queue.poll(nowMs)) this.#take(next, nowMs);
  }

  handleSenderReport(
    report: {
      readonly ssrc: number;
      readonly ntp: { seconds: number; fraction: number };
      readonly rtpTimestamp: number;
    },
    nowMs: number,
  ): void {
    if (this.queue.ssrc !== undefined && report.ssrc !== this.queue.ssrc) return;
    this.clock.handleSenderReport(report);
    this.queue.statistics.handleSenderReport(compactNtp(report.ntp), nowMs);
  }

  #take(packet: RtpPacket, nowMs: number): void {
    const { isRestart, lostBefore } = this.queue;
    if (isRestart) {
      this.clock.restart();
      this.#placed.timestamp = -1;
    }
    if (isRestart || lostBefore > 0) {
      this.#isLossBefore = true;
      this.#relay.distrust(nowMs);
    } else if (this.#isUntried && this.queue.maxDelayMs > 0) {
      this.#relay.distrust(nowMs); // UDP has to show first that it loses nothing
    }
    this.#isUntried = false;
    if (packet.payloadType !== this.#described.payloadType) {
      this.strayCount++;
      return;
    }
    const payload = packet.payload();
    const { timestamp, marker } = packet;
    const isLossBefore = this.#isLossBefore;
    this.#isLossBefore = false;
    const ticks = this.#place(timestamp, nowMs);
    let isReadable = false;
    try {
      this.#reader.handle(payload, timestamp, marker, isLossBefore);
      isReadable = true;
    } finally {
      this.#forward(payload, marker, ticks, nowMs, isReadable);
    }
  }

  /**
   * Sends the packet on, and what the reader has made of it and of those before. A picture whose end is told by the next one's
   * timestamp comes out of the reader with that packet, and goes first.
   */
  #forward(payload: Uint8Array, marker: boolean, ticks: number, nowMs: number, isReadable: boolean): void {
    const reader = this.#reader;
    let frame = reader.poll();
    while (frame !== undefined && reader.progress !== undefined && frame.timestamp !== this.#placed.timestamp) {
      this.#publish(frame);
      frame = reader.poll();
    }
    if (payload.length > 0) {
      this.#relay.handle(payload, marker, ticks, nowMs, isReadable, this.#track !== undefined);
    }
    for (; frame !== undefined; frame = reader.poll()) this.#publish(frame);
  }

  /** Where a packet's timestamp is on the stream's timeline: packets of one frame must not differ, whatever the clock's correction does. */
  #place(timestamp: number, nowMs: number): number {
    const placed = this.#placed;
    if (placed.timestamp !== timestamp) {
      this.#placedBefore.timestamp = placed.timestamp;
      this.#placedBefore.ticks = placed.ticks;
      placed.timestamp = timestamp;
      placed.ticks = Math.max(this.#startTicks + this.clock.ticksOf(timestamp, nowMs), 0);
    }
    return placed.ticks;
  }

  #pass(packet: RelayedPacket): void {
    const passed = this.#passed as PassedPacket; // nothing is relayed before the track is open
    passed.ptsTicks = packet.ticks;
    passed.startsFrame = packet.startsUnit;
    passed.isKey = packet.isKey;
    passed.content = packet;
    this.#options.publication.publishPacket(passed);
  }

  #publish(frame: RtpFrame): void {
    const { publication } = this.#options;
    if (frame.config !== undefined || frame.description !== undefined) {
      this.#config = frame.config ?? this.#config;
      this.#description = frame.description ?? this.#description;
      this.#isStale = true;
    }
    const track = this.#open(frame);
    if (track === undefined) return;
    const { timestamp, isKey, data } = frame;
    const near = timestamp === this.#placedBefore.timestamp ? this.#placedBefore : this.#placed;
    const ptsTicks = near.ticks + wrapDistance(near.timestamp, timestamp, 32);
    const dtsTicks = track.kind === "video" ? Math.max(this.#decodeTimes.dtsOf(ptsTicks), 0) : ptsTicks;
    publication.publish(track, ptsTicks, dtsTicks, isKey, data, this.#relay.isRelaying);
  }

  /** The kernel's track with the format of this frame. Undefined: nobody could begin with it. */
  #open({ isKey, data }: RtpFrame): Track | undefined {
    if (this.#track !== undefined && !this.#isStale) return this.#track;
    const { codec, clockRate } = this.#described;
    // A picture that refers to others says nothing of its track.
    if (!isKey && this.#track === undefined) {
      this.#skippedCount++;
      return undefined;
    }
    if (this.#config.length === 0 && needsConfig.has(codec)) {
      throw new CodedError(
        ERR_FRAME_WITHOUT_CONFIG,
        `a ${codec} frame came before its configuration, which neither the description nor the packets had`,
      );
    }
    const info = parseTrackInfo(codec, this.#config, data);
    const { codecString, width, height, fps, sampleRate, channels } = info;
    this.#track = this.#options.publication.setTrack(codecKind(codec), this.#number, {
      ...{ codec, timescale: clockRate, config: this.#config, description: this.#description, codecString },
      ...{ width, height, fps, sampleRate, channels },
    });
    if (this.#passed?.track !== this.#track) this.#passed = new PassedPacket(this.#track);
    const depth = reorderDepthOf(codec, this.#config);
    if (depth !== this.#reorderDepth) {
      this.#reorderDepth = depth;
      this.#decodeTimes = new DecodeTimes(depth);
    }
    this.#isStale = false;
    return this.#track;
  }
}

/** A timestamp, and its ticks on the stream's timeline. */
interface Placed {
  timestamp: number;
  ticks: number;
}

/** What the kernel is handed of a packet: one object for all of a track. */
class PassedPacket implements Packet {
  readonly track: Track;
  readonly protocol = rtpProtocol;
  ptsTicks = 0;
  startsFrame = false;
  isKey = false;
  content: RelayedPacket | undefined;

  constructor(track: Track) {
    this.track = track;
  }
}

/** Codecs that can't be decoded without what the description or the packets say. */
const needsConfig: ReadonlySet<CodecName> = new Set<CodecName>(["h264", "h265", "vvc", "av1", "aac", "lpcm"]);

/** As for all publishers: room for decoding times before the first picture's. */
const firstFrameMs = 1_000;

/** A receiver report with its headers. */
const reportBytes = 120;
/** Only for the share that reports may take, of which they are far away. */
const assumedBitsPerSecond = 1_000_000;

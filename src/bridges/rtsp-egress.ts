/**
 * What RTSP players are told of a stream, and its frames in RTP, interleaved as RTSP over TCP carries it (RFC 2326 §10.12): "$",
 * channel, length, packet. Packetised once for each stream and set of tracks, whoever watches; an entry is a whole frame, or a
 * packet that goes on as its publisher sent it, before its frame is whole.
 *
 * What is ours goes on over a publisher's return: SSRCs, sequence numbers, and timestamps, which follow the stream's timeline.
 * Sender reports stand in front of every random access point for those who start there, so that they have lip sync at once,
 * and every few seconds for those who go along. Parameter sets stand in band before each key frame.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { rescaleTicks } from "../bytes/time.ts";
import { modulo } from "../bytes/wrap.ts";
import { type CodecName, codecKind } from "../codecs/codec-name.ts";
import type { ChosenFormat, FormatFamily, FormatRequest, Packet, Packetizer, StreamView } from "../kernel/egress.ts";
import type { EgressLog } from "../kernel/egress-log.ts";
import type { Frame, Track, TrackFormat, TrackKind } from "../kernel/frame.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import type { StreamMetadata } from "../kernel/metadata.ts";
import { type RandomAccessCandidate, RandomAccessRule } from "../kernel/random-access.ts";
import { writeRtcp } from "../protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../protocols/rtcp/ntp.ts";
import { rtpHeaderLength, writeRtpHeader } from "../protocols/rtp/packet.ts";
import { type RelayedPacket, rtpProtocol } from "../protocols/rtp/packet-relay.ts";
import { isSamePayloadFormat, marksFrameEnd, openPayloadWriter } from "../protocols/rtp/payload/payload-formats.ts";
import type { PayloadSink, RtpPayloadWriter } from "../protocols/rtp/payload.ts";
import { SenderClock } from "../protocols/rtp/sender-clock.ts";
import type { RtpPayloadFormat, RtpTrack } from "../protocols/rtp-payload-format.ts";
import { interleavedHeaderLength, writeInterleaved, writeInterleavedHeader } from "../protocols/rtsp/interleaved.ts";
import { trackControl } from "../protocols/rtsp/presentation.ts";
import { writeFormatParameters, writeRtpMap } from "../protocols/sdp/attributes.ts";
import type { MediaDescription } from "../protocols/sdp/media-description.ts";
import { type DescribedTrack, mediaOf, staticPayloadTypeOf, trackOf } from "../protocols/sdp/rtp-track.ts";
import { plainSession, writeSessionDescription } from "../protocols/sdp/session-description.ts";
import { ERR_CODEC_NOT_RECEIVABLE, ERR_TRACKS_CHANGED } from "./errors.ts";

/** How a track is told from all others on the wire. The same for as long as the server runs, and not to be guessed. */
export interface RtpIdentity {
  readonly ssrc: number;
  /** Of the log's first packet; 16 bits. */
  readonly firstSequence: number;
  /** What the stream's time 0 is in this track's timestamps. */
  readonly timestampOffset: number;
  /** Of VP8 and VP9; 15 bits. */
  readonly initialPictureId: number;
}

/** A track as it was described to a player; can be cloned. */
export interface RtspTrack extends RtpIdentity {
  readonly kind: TrackKind;
  readonly number: number;
  readonly payloadType: number;
  readonly clockRate: number;
  readonly payloadFormat: RtpPayloadFormat;
  /** The channel of its packets; that of its RTCP is one above. */
  readonly channel: number;
  /** See {@link signatureOf}. */
  readonly signature: string;
}

export interface RtspDescription {
  readonly sdp: string;
  /** In the order of the description's sections. */
  readonly tracks: readonly RtspTrack[];
  /** What this player can't be given, as sentences for a person. */
  readonly leftOut: readonly string[];
}

/** Which tracks a player wants to hear of. */
export interface RtspSelection {
  readonly wantsAudio: boolean;
  readonly wantsVideo: boolean;
}

/** Describes the stream. @throws `ERR_CODEC_NOT_RECEIVABLE` when RTP can carry nothing of it, naming what it is */
export function describeStream(
  { tracks: all }: Pick<StreamView, "tracks">,
  { wantsAudio, wantsVideo }: RtspSelection,
  identityOf: (kind: TrackKind, number: number) => RtpIdentity,
): RtspDescription {
  const media: MediaDescription[] = [];
  const tracks: RtspTrack[] = [];
  const leftOut: string[] = [];
  // Pictures first, whichever came first: the same tracks make the same log.
  const order = (track: Track): number => (track.kind === "video" ? 0 : maxTracks) + track.number;
  for (const { kind, number, format } of all.toSorted((a, b) => order(a) - order(b))) {
    const isWanted = kind === "video" ? wantsVideo : kind === "audio" && wantsAudio;
    if (!isWanted || tracks.length === maxTracks) continue;
    try {
      const payloadType = staticPayloadTypeOf(describedTrack(format)) ?? firstDynamicPayloadType + tracks.length;
      const section = mediaOfFormat(format, payloadType);
      const { clockRate, payloadFormat } = trackOf(section, payloadType);
      const index = tracks.length;
      media.push({ ...section, control: trackControl(index) });
      tracks.push({
        ...identityOf(kind, number),
        ...{ kind, number, payloadType, clockRate, payloadFormat },
        channel: 2 * index,
        signature: signatureOf(format),
      });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      leftOut.push(`the ${kind} is ${format.codec} (${error.message})`);
    }
  }
  if (tracks.length === 0) {
    throw new CodedError(
      ERR_CODEC_NOT_RECEIVABLE,
      leftOut.length === 0
        ? "the stream has nothing of what this player wants"
        : `RTSP can carry nothing of this stream: ${leftOut.join(" and ")}`,
    );
  }
  // Where packets come from is decided by SETUP; 0.0.0.0 says so.
  const connection = { version: 4, address: "0.0.0.0", ttl: undefined } as const;
  return { sdp: writeSessionDescription({ ...plainSession, connection, control: "*", media }), tracks, leftOut };
}

/** The section of a track. Errors: ERR_SDP_CODEC and those of the configuration. */
function mediaOfFormat(format: TrackFormat, payloadType: number): MediaDescription {
  return mediaOf(describedTrack(format), payloadType);
}

/**
 * What of a format a player can't be told in band: another signature needs another description. The parameter sets of video
 * go in band, so that they may change.
 */
function signatureOf(format: TrackFormat): string {
  const { rtpMaps, formatParameters } = mediaOfFormat(format, 0);
  const rtpMap = rtpMaps.get(0);
  const name = rtpMap === undefined ? format.codec : writeRtpMap(rtpMap);
  const parameters = formatParameters.get(0);
  const isInBand = codecKind(format.codec as CodecName) === "video" || parameters === undefined;
  return isInBand ? name : `${name} ${writeFormatParameters(parameters)}`;
}

function describedTrack({ codec, config, sampleRate, channels }: TrackFormat): DescribedTrack {
  return { codec: codec as CodecName, config, sampleRate, channels };
}

/** What players who set up these tracks ask for. */
export function rtspFormatRequest(tracks: readonly RtspTrack[]): FormatRequest {
  const parts = tracks.map((track) => `${track.kind}${track.number}@${track.channel}:${track.signature}`);
  const parameters: RtspParameters = { tracks };
  return { family: rtspFamilyName, key: `rtsp;${parts.join(";")}`, parameters };
}

export const rtspFamilyName = "rtsp";

interface RtspParameters {
  readonly tracks: readonly RtspTrack[];
}

/** @param wallMs - the wall clock, for the NTP time of sender reports */
export function rtspFamily(wallMs: () => number): FormatFamily {
  return {
    choose: (tracks, { key, parameters }): ChosenFormat => {
      const wanted = (parameters as RtspParameters).tracks;
      checkUnchanged(tracks, wanted);
      return {
        leftOut: [], // said in the answer to DESCRIBE
        format: {
          key,
          createPacketizer: (log, _formats, metadata, newestMs) =>
            new RtspPacketizer(log, wanted, new SenderClock(wallMs, newestMs), metadata),
        },
      };
    },
  };
}

/** The last packet of a track that goes to a player, over its RTCP channel. */
export function writeRtspBye({ ssrc }: RtspTrack): Uint8Array {
  return writeRtcp([
    { kind: "receiverReport", ssrc, reports: [] },
    { kind: "sourceDescription", chunks: [{ ssrc, cname }] },
    { kind: "bye", ssrcs: [ssrc], reason: undefined },
  ]);
}

/** A stream without tracks yet is fine: its publisher is on the way back. */
function checkUnchanged(tracks: readonly Track[], wanted: readonly RtspTrack[]): void {
  const known = tracks.filter(({ kind }) => kind !== "data");
  const isThere = ({ kind, number, signature }: RtspTrack): boolean =>
    known.some((track) => track.kind === kind && track.number === number && isCarriedAs(track.format, signature));
  if (known.length === 0 || wanted.some(isThere)) return;
  throw new CodedError(
    ERR_TRACKS_CHANGED,
    "the stream's tracks are others than those that were described to this player: ask for the description again",
  );
}

function isCarriedAs(format: TrackFormat, signature: string): boolean {
  try {
    return signatureOf(format) === signature;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

class RtspPacketizer implements Packetizer {
  readonly #log: EgressLog;
  readonly #clock: SenderClock;
  readonly #tracks: readonly OutgoingTrack[];
  readonly #byTrack = new Map<Track, OutgoingTrack | undefined>();
  readonly #packets = new PacketWriter();
  #randomAccess = new RandomAccessRule();
  #startedAtMs: number;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: EgressLog, tracks: readonly RtspTrack[], clock: SenderClock, metadata: StreamMetadata) {
    this.#log = log;
    this.#clock = clock;
    this.#tracks = tracks.map((track) => new OutgoingTrack(track));
    this.#startedAtMs = metadata.startedAtMs;
  }

  handleFrame(frame: Frame, _isRandomAccess: boolean, cameAsPackets: boolean): void {
    const track = this.#find(frame.track);
    if (track === undefined || (cameAsPackets && track.takesPackets)) return;
    const { timescale } = frame.format;
    const timeMs = rescaleTicks(frame.dtsTicks, timescale, 1000);
    const writer = track.writerFor(frame.format);
    if (writer === undefined) {
      if (track.leave()) this.#append(entryFlags.config, timeMs, [track.framed(writeRtspBye(track.description))]);
      return;
    }
    const isRandomAccess = this.#beginFrame(frame, timeMs);
    track.skipUnfinished();
    track.takesPackets = false;
    const bytes = this.#packets.ofFrame(track, writer, frame);
    this.#append(entryFlags.endOfFrame | (isRandomAccess ? entryFlags.key : 0), timeMs, [bytes]);
  }

  /** What a publisher over RTP sends goes on as it is, when its packets are what players were told they would be. */
  handlePacket({ track: from, protocol, startsFrame, isKey, ptsTicks, content }: Packet): void {
    const track = protocol === rtpProtocol ? this.#find(from) : undefined;
    if (track === undefined) return;
    const { format } = from;
    const packet = content as RelayedPacket;
    if (startsFrame) track.takesPackets = track.canTake(packet.source, format);
    if (!track.takesPackets) return;
    if (packet.isBehindGap) track.skipUnfinished();
    track.isUnfinished = !packet.marker && track.marksFrameEnd;
    const timeMs = rescaleTicks(ptsTicks, format.timescale, 1000);
    let flags = packet.marker ? entryFlags.endOfFrame : 0;
    if (startsFrame && this.#beginFrame({ track: from, format, isKey, dtsTicks: ptsTicks }, timeMs)) {
      flags |= entryFlags.key;
    }
    const configWriter = startsFrame && packet.lacksConfig ? track.writerFor(format) : undefined;
    const head = this.#packets.headOf(track, configWriter, packet);
    this.#log.claim(head.length + packet.payload.length, flags, timeMs);
    this.#log.write(head);
    this.#log.write(packet.payload);
    this.#log.commit();
  }

  handleMetadata(metadata: StreamMetadata): void {
    if (metadata.startedAtMs === this.#startedAtMs) return;
    // Another publisher, which may have no video where the one before had.
    this.#startedAtMs = metadata.startedAtMs;
    this.#randomAccess = new RandomAccessRule();
  }

  /** Reports that are due. Returns whether players may start here. */
  #beginFrame(candidate: RandomAccessCandidate, timeMs: number): boolean {
    if (timeMs - this.#reportedAtMs >= reportIntervalMs) {
      this.#clock.follow(timeMs);
      // Those who begin have theirs in the preamble of the first random access point. The time is that of sending, from which
      // players' reports count the way there and back.
      if (this.#log.entryTail > 0) this.#append(entryFlags.config, timeMs, this.#reports(this.#clock.nowMs));
      this.#reportedAtMs = timeMs;
    }
    // Asked of the frames that are taken: a player without video may start with any sound.
    const isRandomAccess = this.#randomAccess.isRandomAccess(candidate);
    if (isRandomAccess) this.#append(entryFlags.preamble, timeMs, this.#reports(timeMs));
    return isRandomAccess;
  }

  #find(track: Track): OutgoingTrack | undefined {
    if (this.#byTrack.has(track)) return this.#byTrack.get(track);
    const found = this.#tracks.find(
      ({ description: { kind, number } }) => kind === track.kind && number === track.number,
    );
    this.#byTrack.set(track, found);
    return found;
  }

  #reports(timeMs: number): Uint8Array[] {
    const ntp = ntpOfUnixMs(this.#clock.wallMsOf(timeMs));
    return this.#tracks.map((track) =>
      track.framed(
        writeRtcp([
          {
            kind: "senderReport",
            ssrc: track.description.ssrc,
            ntp,
            rtpTimestamp: track.timestampOf(timeMs, 1000),
            packetCount: track.packetCount % 0x1_0000_0000,
            octetCount: track.octetCount % 0x1_0000_0000,
            reports: [],
          },
          { kind: "sourceDescription", chunks: [{ ssrc: track.description.ssrc, cname }] },
        ]),
      ),
    );
  }

  #append(flags: number, timeMs: number, pieces: readonly Uint8Array[]): void {
    this.#log.claim(
      pieces.reduce((sum, piece) => sum + piece.length, 0),
      flags,
      timeMs,
    );
    for (const piece of pieces) this.#log.write(piece);
    this.#log.commit();
  }
}

/** One track of this log: what it has sent, and what writes its frames. */
class OutgoingTrack {
  readonly description: RtspTrack;
  readonly marksFrameEnd: boolean;
  sequenceNumber: number;
  packetCount = 0;
  octetCount = 0;
  #format: TrackFormat | undefined;
  #writer: RtpPayloadWriter | undefined;
  #hasLeft = false;
  /** The frame that came last, or comes now, is sent by its publisher's packets. */
  takesPackets = false;
  /** The last one of those packets did not end its frame. */
  isUnfinished = false;
  /** Whose packets were asked about last, and in which format; and what was said. */
  #source: RtpTrack | undefined;
  #sourceFormat: TrackFormat | undefined;
  #canTake = false;

  constructor(description: RtspTrack) {
    this.description = description;
    this.sequenceNumber = description.firstSequence;
    this.marksFrameEnd = marksFrameEnd(description.payloadFormat);
  }

  /** Undefined: these frames are not what was described, and can't be sent to those who play. */
  writerFor(format: TrackFormat): RtpPayloadWriter | undefined {
    if (format === this.#format) return this.#writer;
    this.#format = format;
    this.#writer = undefined;
    const { signature, payloadType, initialPictureId } = this.description;
    if (!isCarriedAs(format, signature)) return undefined;
    const track = { ...trackOf(mediaOfFormat(format, payloadType), payloadType), config: format.config };
    this.#writer = openPayloadWriter(track, { maxPayloadBytes, repeatsConfig: true, initialPictureId });
    this.#hasLeft = false;
    return this.#writer;
  }

  /** Whether the packets of `source` are what was described. */
  canTake(source: RtpTrack, format: TrackFormat): boolean {
    if (source === this.#source && format === this.#sourceFormat) return this.#canTake;
    this.#source = source;
    this.#sourceFormat = format;
    const { clockRate, payloadFormat } = this.description;
    const isSame = source.clockRate === clockRate && isSamePayloadFormat(source.payloadFormat, payloadFormat);
    this.#canTake = isSame && this.writerFor(format) !== undefined;
    return this.#canTake;
  }

  /** The end of a frame is lost: a number is left out, so that players see it. */
  skipUnfinished(): void {
    if (this.isUnfinished) this.sequenceNumber = (this.sequenceNumber + 1) % 0x1_0000;
    this.isUnfinished = false;
  }

  /** Whether it had not left before. */
  leave(): boolean {
    const isNew = !this.#hasLeft;
    this.#hasLeft = true;
    return isNew;
  }

  timestampOf(ticks: number, timescale: number): number {
    const { timestampOffset, clockRate } = this.description;
    return modulo(timestampOffset + rescaleTicks(ticks, timescale, clockRate), 0x1_0000_0000);
  }

  /** On the track's RTCP channel. */
  framed(rtcp: Uint8Array): Uint8Array {
    return writeInterleaved(this.description.channel + 1, rtcp);
  }
}

/** Puts the packets of one entry together: its length has to be known before its first byte. What it returns is lent until the next call. */
class PacketWriter implements PayloadSink {
  #bytes = new Uint8Array(keptBytes);
  #length = 0;
  #track: OutgoingTrack | undefined;
  #timestamp = 0;

  /** The frame's packets. Errors: those of the payload format; then no sequence number is used up. */
  ofFrame(track: OutgoingTrack, writer: RtpPayloadWriter, frame: Frame): Uint8Array {
    this.#start(track, track.timestampOf(frame.ptsTicks, frame.format.timescale));
    const { sequenceNumber, packetCount, octetCount } = track;
    try {
      writer.writeFrame(frame.data, frame.isKey, this);
    } catch (error) {
      Object.assign(track, { sequenceNumber, packetCount, octetCount });
      throw error;
    }
    return this.#bytes.subarray(0, this.#length);
  }

  /** What goes before a publisher's payload: our header, and before that the track's configuration when it has to be told. */
  headOf(track: OutgoingTrack, configWriter: RtpPayloadWriter | undefined, packet: RelayedPacket): Uint8Array {
    const { payload, marker, ticks } = packet;
    this.#start(track, track.timestampOf(ticks, track.description.clockRate));
    configWriter?.writeConfig?.(this);
    this.#begin(payload.length, marker, this.#timestamp);
    return this.#bytes.subarray(0, this.#length);
  }

  begin(payloadBytes: number, isLastOfFrame: boolean, timestampOffset = 0): void {
    const marker = isLastOfFrame && (this.#track as OutgoingTrack).marksFrameEnd;
    this.#begin(payloadBytes, marker, (this.#timestamp + timestampOffset) % 0x1_0000_0000);
  }

  #start(track: OutgoingTrack, timestamp: number): void {
    if (this.#bytes.length > keptBytes) this.#bytes = new Uint8Array(keptBytes);
    this.#length = 0;
    this.#track = track;
    this.#timestamp = timestamp;
  }

  #begin(payloadBytes: number, marker: boolean, timestamp: number): void {
    const track = this.#track as OutgoingTrack;
    const { channel, payloadType, ssrc } = track.description;
    const at = this.#length;
    this.#makeRoom(at + packetHeaderLength + payloadBytes);
    writeInterleavedHeader(this.#bytes, at, channel, rtpHeaderLength + payloadBytes);
    const rtpAt = at + interleavedHeaderLength;
    writeRtpHeader(this.#bytes, rtpAt, marker, payloadType, track.sequenceNumber, timestamp, ssrc);
    track.sequenceNumber = (track.sequenceNumber + 1) % 0x1_0000;
    track.packetCount++;
    track.octetCount += payloadBytes;
    this.#length = at + packetHeaderLength;
  }

  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  #makeRoom(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * With 60 bytes of headers (RTP, UDP, IPv6) the 1,500 of an Ethernet frame; one log is for players over UDP and TCP. MediaMTX
 * sends the same, GStreamer 52 less. Over TCP it could be 64 KiB, which FFmpeg and GStreamer would
 * take, but recorders and older clients have buffers of this size; and it would save little: 16 bytes in 1,456, and no work of
 * ours, as an entry is a whole frame either way.
 */
const maxPayloadBytes = 1_440;

/** For those who go along: how far an audio and a video clock drift apart meanwhile is not seen. */
const reportIntervalMs = 5_000;

/** A frame's scratch memory that is kept: key frames of 8 Mb/s fit. */
const keptBytes = 0x4_0000;

const packetHeaderLength = interleavedHeaderLength + rtpHeaderLength;

/** The same for all tracks of a session, which players put in step by it. Sessions do not share it with anybody. */
const cname = "millrace";

/** RFC 3551 §3: 96 to 127 are free to use. */
const firstDynamicPayloadType = 96;
/** What the session sets up at most; channels would last for 128. */
const maxTracks = 16;

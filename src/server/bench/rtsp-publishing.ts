/** Publishing over RTSP, interleaved: RFC 2326 §10.3, §10.11, §10.12. The stream's frames in RTP, with a sender report before each GOP. */

import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { parseAudioTag } from "../../formats/flv/audio-tag.ts";
import { parseVideoTag } from "../../formats/flv/video-tag.ts";
import { writeRtcp } from "../../protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../../protocols/rtcp/ntp.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../protocols/rtp/packet.ts";
import { openPayloadWriter } from "../../protocols/rtp/payload/payload-formats.ts";
import type { PayloadSink, RtpPayloadWriter } from "../../protocols/rtp/payload.ts";
import type { RtpTrack } from "../../protocols/rtp-payload-format.ts";
import type { RtspClientTrack } from "../../protocols/rtsp/client-events.ts";
import { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import { interleavedHeaderLength, writeInterleaved, writeInterleavedHeader } from "../../protocols/rtsp/interleaved.ts";
import { trackControl } from "../../protocols/rtsp/presentation.ts";
import { mediaOf, trackOf } from "../../protocols/sdp/rtp-track.ts";
import { plainSession, writeSessionDescription } from "../../protocols/sdp/session-description.ts";
import { ERR_BENCH_CLOSED } from "./errors.ts";
import type { PublishedFrames, PublisherEvent, PublisherProtocol, PublisherSession } from "./publisher-protocol.ts";
import { rtspCrypto } from "./rtsp-players.ts";
import { writeSendingTime } from "./sending-time.ts";
import { pictureMs, type SyntheticStream, soundMs } from "./synthetic-stream.ts";

export class RtspPublishing implements PublisherProtocol {
  readonly #stream: SyntheticStream;
  readonly #tracks: readonly [video: RtpTrack, audio: RtpTrack];
  readonly #sdp: string;

  constructor(stream: SyntheticStream) {
    this.#stream = stream;
    const video = mediaOf({ codec: "h264", config: dataOf(parseVideoTag(stream.videoConfig)) }, videoPayloadType);
    const audio = mediaOf({ codec: "aac", config: dataOf(parseAudioTag(stream.audioConfig)) }, audioPayloadType);
    this.#tracks = [trackOf(video, videoPayloadType), trackOf(audio, audioPayloadType)];
    const media = [video, audio].map((section, i) => ({ ...section, control: trackControl(i) }));
    const connection = { version: 4, address: "0.0.0.0", ttl: undefined } as const;
    this.#sdp = writeSessionDescription({ ...plainSession, connection, media });
  }

  openSession(url: string, nowMs: number): PublisherSession {
    return new RtspPublisherSession(url, this.#sdp, nowMs);
  }

  openFrames(): PublishedFrames {
    return new RtpFrames(this.#stream, this.#tracks);
  }
}

class RtspPublisherSession implements PublisherSession {
  readonly #session: RtspClientSession;

  constructor(url: string, sdp: string, nowMs: number) {
    const publish = { sdp, tracks };
    this.#session = new RtspClientSession(
      { crypto: rtspCrypto, url, transport: "tcp", publish, userAgent: "millrace-bench" },
      nowMs,
    );
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    this.#session.handle(bytes, nowMs);
  }

  handleTime(nowMs: number): void {
    const deadline = this.#session.nextTimeout();
    if (deadline !== undefined && deadline <= nowMs) this.#session.handleTimeout(nowMs);
  }

  poll(): PublisherEvent | undefined {
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent()) {
      if (event.type === "closed") return event;
      if (event.type !== "ready") continue;
      const areOurs = event.tracks.every(
        ({ transport }, i) => transport.kind === "tcp" && transport.channels[0] === 2 * i,
      );
      if (areOurs) return { type: "accepted", address: 0 };
      return { type: "closed", error: new CodedError(ERR_BENCH_CLOSED, "the server wants other channels than 0 to 3") };
    }
    return undefined;
  }

  pollOutput(): Uint8Array | undefined {
    return this.#session.pollOutput();
  }

  close(): void {
    this.#session.close();
  }
}

/** Frames of one group, as packets behind each other. */
class RtpFrames implements PublishedFrames, PayloadSink {
  readonly #stream: SyntheticStream;
  readonly #video: OutgoingTrack;
  readonly #audio: OutgoingTrack;
  readonly #startedAtMs: number = Date.now();
  #bytes = new ByteWriter(4_096);
  #track: OutgoingTrack;
  #timestamp = 0;

  constructor(stream: SyntheticStream, [video, audio]: readonly [RtpTrack, RtpTrack]) {
    this.#stream = stream;
    this.#video = new OutgoingTrack(video, 0);
    this.#audio = new OutgoingTrack(audio, 2);
    this.#track = this.#video;
  }

  start(): readonly Uint8Array[] {
    return []; // its first frame is a key frame, with reports before it
  }

  picture(_address: number, number: number, index: number, sentAtMs: number): Uint8Array {
    const body = this.#stream.pictures[index] as Uint8Array;
    writeSendingTime(body, 0, sentAtMs);
    const isKey = index === 0;
    if (isKey) for (const track of [this.#video, this.#audio]) this.#bytes.put(this.#report(track, number * pictureMs));
    return this.#frame(this.#video, number * pictureMs, dataOf(parseVideoTag(body)), isKey);
  }

  sound(_address: number, number: number): Uint8Array {
    return this.#frame(this.#audio, number * soundMs, dataOf(parseAudioTag(this.#stream.sound)), true);
  }

  #frame(track: OutgoingTrack, timeMs: number, data: Uint8Array, isKey: boolean): Uint8Array {
    this.#track = track;
    this.#timestamp = track.timestampAt(timeMs);
    track.writer.writeFrame(data, isKey, this);
    const bytes = this.#bytes.finish();
    this.#bytes = new ByteWriter(bytes.length + 1_024);
    return bytes;
  }

  begin(payloadBytes: number, isLastOfFrame: boolean): void {
    const track = this.#track;
    const header = new Uint8Array(interleavedHeaderLength + rtpHeaderLength);
    writeInterleavedHeader(header, 0, track.channel, rtpHeaderLength + payloadBytes);
    const { payloadType, ssrc } = track;
    const number = track.packetCount++ % 0x1_0000;
    track.octetCount += payloadBytes;
    writeRtpHeader(header, interleavedHeaderLength, isLastOfFrame, payloadType, number, this.#timestamp, ssrc);
    this.#bytes.put(header);
  }

  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#bytes.put(bytes.subarray(start, end));
  }

  #report(track: OutgoingTrack, timeMs: number): Uint8Array {
    const { ssrc, channel } = track;
    const packetCount = track.packetCount % 0x1_0000_0000;
    const octetCount = track.octetCount % 0x1_0000_0000;
    const ntp = ntpOfUnixMs(this.#startedAtMs + timeMs);
    const rtpTimestamp = track.timestampAt(timeMs);
    return writeInterleaved(
      channel + 1,
      writeRtcp([
        { kind: "senderReport", ssrc, ntp, rtpTimestamp, packetCount, octetCount, reports: [] },
        { kind: "sourceDescription", chunks: [{ ssrc, cname: "millrace-bench" }] },
      ]),
    );
  }
}

class OutgoingTrack {
  readonly channel: number;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly writer: RtpPayloadWriter;
  readonly #clockRate: number;
  packetCount = 0;
  octetCount = 0;

  constructor(track: RtpTrack, channel: number) {
    this.channel = channel;
    this.payloadType = track.payloadType;
    this.ssrc = 1 + channel; // there is nobody else on the connection
    this.#clockRate = track.clockRate;
    this.writer = openPayloadWriter(track, { maxPayloadBytes, repeatsConfig: true, initialPictureId: 0 });
  }

  timestampAt(timeMs: number): number {
    return Math.round((timeMs * this.#clockRate) / 1000) % 0x1_0000_0000;
  }
}

function dataOf({ tracks: [track] }: { readonly tracks: readonly { readonly data: Uint8Array }[] }): Uint8Array {
  return track?.data ?? new Uint8Array();
}

const tracks: readonly RtspClientTrack[] = [0, 1].map((i) => ({ control: trackControl(i) }));
const videoPayloadType = 96;
const audioPayloadType = 97;
/** A packet of an Ethernet frame. */
const maxPayloadBytes = 1_440;

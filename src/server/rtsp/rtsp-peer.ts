/**
 * One RTSP client: its session, and what it publishes or plays. Drains the session after every call. Which sockets it has is not
 * known here: one, or the two of a tunnel.
 */

import { rtspFormatRequest, writeRtspBye } from "../../bridges/rtsp-egress.ts";
import {
  parseAnnouncement,
  type RtspAnnouncement,
  RtspIngest,
  type RtspIngestCounters,
} from "../../bridges/rtsp-ingest.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { Publication } from "../../kernel/publication.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";
import { defaultReorderDelayMs } from "../../protocols/rtp/limits.ts";
import type {
  RequestedTransport,
  RtspServerEvent,
  RtspServerOptions,
  SetupAnswer,
} from "../../protocols/rtsp/server-events.ts";
import { RtspServerSession } from "../../protocols/rtsp/session.ts";
import { status } from "../../protocols/rtsp/status.ts";
import type { Play, PlayOptions } from "../../runtime/play.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_INTERNAL, ERR_RTSP_TRACK_LEFT_OUT, ERR_RTSP_UDP_PORTS } from "../errors.ts";
import type { PlayOptionsPair } from "../play-options.ts";
import { parsePlayerQuery } from "../player-query.ts";
import { findSettled } from "./find-settled.ts";
import { type Asked, type Described, Playing, type PlayingHandler } from "./playing.ts";
import type { ReceptionReports } from "./reception-reports.ts";
import { accessQueryOf, rejectionOf } from "./rtsp-answers.ts";
import type { RtspDatagrams } from "./rtsp-datagrams.ts";
import { SessionDatagrams, type SessionDatagramsHandler } from "./session-datagrams.ts";
import type { SharedDescriptions } from "./shared-descriptions.ts";

/** What all clients of a service share. */
export interface RtspPeerContext {
  readonly streams: StreamAccess;
  readonly session: Omit<RtspServerOptions, "isTls" | "transports">;
  readonly datagrams: RtspDatagrams;
  readonly descriptions: SharedDescriptions;
  readonly tokens: { readonly publish: string; readonly play: string };
  readonly playOptions: PlayOptionsPair;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly random: () => number;
  /** Told what a publisher has counted, at its end. */
  readonly onPublished: (counters: RtspIngestCounters) => void;
  /** Told of everything a peer did wrong; counts, and logs at most once a second. */
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** Told of a mistake of ours; it costs this client. */
  readonly onFailure: (error: unknown) => void;
}

type Event<Type extends RtspServerEvent["type"]> = Extract<RtspServerEvent, { type: Type }>;

export class RtspPeer implements PlayingHandler, SessionDatagramsHandler {
  readonly #context: RtspPeerContext;
  readonly #connection: Connection;
  readonly #session: RtspServerSession;
  /** The last answer to DESCRIBE. */
  #described: Described | undefined;
  #playing: Playing | undefined;
  #publishing: Publishing | undefined;
  /** Of a session over UDP. */
  #datagrams: SessionDatagrams | undefined;
  #isClosed = false;
  #isDraining = false;

  /** @param connection - where the session's output goes, and what plays */
  constructor(context: RtspPeerContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    const isTls = connection.isEncrypted;
    const transports = context.datagrams.transportsFor(isTls);
    this.#session = new RtspServerSession({ ...context.session, isTls, transports }, context.nowMs());
  }

  /** Of its publisher, when it is one. */
  get ingestCounters(): RtspIngestCounters | undefined {
    return this.#publishing?.ingest.counters;
  }

  /** Of its player over UDP, once it plays. */
  get receptionReports(): ReceptionReports | undefined {
    return this.#datagrams?.reports;
  }

  /** What it has over UDP; undefined when it has nothing. */
  get udpUse(): "publishes" | "plays" | "listens" | undefined {
    if (this.#datagrams === undefined) return undefined;
    if (this.#publishing !== undefined) return "publishes";
    return this.#datagrams.isMulticast ? "listens" : "plays";
  }

  handleBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#session.handle(bytes, this.#context.nowMs());
    this.#drain();
  }

  /** Called about four times a second. */
  handleTime(nowMs: number): void {
    if (this.#isClosed) return;
    this.#contained(() => {
      const deadline = this.#session.nextTimeout();
      if (deadline !== undefined && deadline <= nowMs) this.#session.handleTimeout(nowMs);
      const ingest = this.#publishing?.isRecording === true ? this.#publishing.ingest : undefined;
      ingest?.handleTime(nowMs);
      for (const { trackIndex, packet } of ingest?.pollReports(nowMs) ?? []) this.#sendRtcp(trackIndex, packet);
      this.#drain();
    });
  }

  handleClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endSession("the connection was closed");
  }

  /** Ends it from the server's side. */
  close(reason: string): void {
    if (this.#isClosed) return;
    // What is on its way to a player is sent first; the end of its play closes the connection.
    if (this.#playing?.play !== undefined && !this.#playing.play.isPaused) {
      this.#playing.play.finish();
      return;
    }
    this.#contained(() => {
      this.#endSession(reason);
      this.#session.close();
      this.#drain();
    });
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#context.onFailure(error);
    this.#connection.destroy();
  }

  #drain(): void {
    // An event's handler may call back in here; the outer loop takes what it left.
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent()) {
        this.#handleEvent(event);
      }
      this.#send();
    } finally {
      this.#isDraining = false;
    }
  }

  #send(): void {
    const output = this.#session.pollOutput();
    if (output !== undefined) this.#connection.send(output);
  }

  #handleEvent(event: RtspServerEvent): void {
    switch (event.type) {
      case "describe":
        this.#describe(event).catch((error: unknown) => this.#fail(error));
        return;
      case "announce":
        this.#announce(event).catch((error: unknown) => this.#fail(error));
        return;
      case "setup":
        this.#setup(event).catch((error: unknown) => this.#fail(error));
        return;
      case "play":
        this.#play(event).catch((error: unknown) => this.#fail(error));
        return;
      case "record":
        if (this.#publishing !== undefined) this.#publishing.isRecording = true;
        this.#datagrams?.begin();
        this.#session.acceptRecord(event.requestId, this.#context.nowMs());
        return;
      case "pause":
        this.#playing?.pause(true);
        if (this.#publishing !== undefined) this.#publishing.isRecording = false;
        return;
      case "media":
        this.#media(event.trackIndex, event.kind, event.data, this.#context.nowMs());
        return;
      case "teardown":
        this.#endSession(this.#publishing === undefined ? "the player stopped" : "the publisher stopped");
        return;
      case "closed":
        if (event.error !== undefined) this.#problem(event.error, this.#streamName());
        this.#send();
        this.#connection.end();
        return;
    }
  }

  async #describe(event: Event<"describe">): Promise<void> {
    const { requestId, path: stream } = event;
    const query = accessQueryOf(event.query, event.credentials, this.#context.tokens.play);
    try {
      const request = this.#request(stream, query);
      const { streams, nowMs } = this.#context;
      const view = await findSettled(streams, request, nowMs, () => this.#isClosed);
      const description = this.#context.descriptions.describe(view, parsePlayerQuery(query));
      this.#described = { request, description };
      for (const sentence of description.leftOut) this.#problem(leftOutProblem(sentence), stream);
      const answer = { sdp: description.sdp, trackCount: description.tracks.length };
      this.#session.acceptDescribe(requestId, answer, this.#context.nowMs());
    } catch (error) {
      this.#reject(requestId, error, { name: stream, query }, this.#context.tokens.play);
    }
    this.#drain();
  }

  async #announce(event: Event<"announce">): Promise<void> {
    const { requestId, path: stream, sdp, userAgent } = event;
    const query = accessQueryOf(event.query, event.credentials, this.#context.tokens.publish);
    try {
      const announcement = parseAnnouncement(sdp);
      const publication = await this.#context.streams.publish(this.#request(stream, query), (reason) =>
        this.close(reason),
      );
      const { controls, leftOut } = announcement;
      const ingest = this.#openIngest(publication, announcement, stream);
      if (this.#isClosed || !this.#session.acceptAnnounce(requestId, { controls }, this.#context.nowMs())) {
        publication.end("the publisher gave up before it was accepted");
      } else {
        this.#publishing = { publication, ingest, trackCount: controls.length, isRecording: false };
        if (userAgent !== undefined) publication.updateMetadata({ encoder: userAgent.slice(0, maxEncoderLength) });
        for (const sentence of leftOut) this.#problem(leftOutProblem(sentence), stream);
      }
    } catch (error) {
      this.#reject(requestId, error, { name: stream, query }, this.#context.tokens.publish);
    }
    this.#drain();
  }

  /** A configuration in the description that can't be read gives the stream back at once. */
  #openIngest(publication: Publication, announcement: RtspAnnouncement, stream: string): RtspIngest {
    const { random } = this.#context;
    const onProblem = (problem: CodedError): void => this.#problem(problem, stream);
    try {
      const ssrc = Math.floor(random() * 0x1_0000_0000);
      return new RtspIngest({ publication, announcement, ssrc, random, onProblem });
    } catch (error) {
      publication.end("the publisher's description can't be used");
      throw error;
    }
  }

  async #setup({ requestId, role, trackIndex, transport }: Event<"setup">): Promise<void> {
    const described = role === "play" ? (this.#playing?.described ?? this.#described) : undefined;
    const track = described?.description.tracks[trackIndex];
    if (role === "play" && (described === undefined || track === undefined)) {
      this.#session.reject(requestId, rejectionOf(ERR_STREAM_NOT_FOUND, false), this.#context.nowMs());
      return;
    }
    // Not the client's channels but ours: so all players of the same tracks share one log. FFmpeg, GStreamer, live555 and
    // gortsplib take the channels of the answer.
    let answer: SetupAnswer =
      track === undefined ? {} : { channels: [track.channel, track.channel + 1], ssrc: track.ssrc };
    if (transport.kind !== "tcp") {
      const found = await this.#setupDatagrams(trackIndex, transport, described);
      if (this.#isClosed) return;
      if (found === undefined) {
        this.#session.reject(requestId, status.unsupportedTransport, this.#context.nowMs());
        this.#drain();
        return;
      }
      answer = { ...answer, ...found };
    }
    if (described !== undefined && track !== undefined) {
      this.#playing ??= new Playing(described, this);
      this.#playing.tracks.push(track);
    }
    this.#session.acceptSetup(requestId, answer, this.#context.nowMs());
    this.#drain();
  }

  /** Undefined when there is no room for it: the client is told 461, and comes back over TCP. */
  async #setupDatagrams(
    trackIndex: number,
    transport: Exclude<RequestedTransport, { kind: "tcp" }>,
    described: Described | undefined,
  ): Promise<SetupAnswer | undefined> {
    this.#datagrams ??= new SessionDatagrams(this.#context.datagrams, this.#connection.remoteAddress, this);
    const datagrams = this.#datagrams;
    let answer: SetupAnswer | undefined;
    if (transport.kind === "udp") {
      const trackCount = described?.description.tracks.length ?? this.#publishing?.trackCount ?? 1;
      const serverPorts = await datagrams.setUp(trackIndex, transport.clientPorts, trackCount);
      if (serverPorts !== undefined) answer = { serverPorts };
      this.#publishing?.ingest.setReorderDelay(defaultReorderDelayMs);
    } else if (described !== undefined) {
      const { tracks } = described.description;
      const key = `${described.request.name} ${rtspFormatRequest(tracks).key}`;
      const multicast = datagrams.setUpMulticast(key, tracks, trackIndex);
      if (multicast !== undefined) answer = { multicast };
    }
    if (answer !== undefined || this.#isClosed) return answer;
    if (datagrams.isEmpty) {
      // The session may be one over TCP.
      datagrams.close();
      this.#datagrams = undefined;
    }
    const what = transport.kind === "udp" ? `ports ${transport.clientPorts.join(" and ")}` : "a multicast group";
    this.#problem(
      new CodedError(
        ERR_RTSP_UDP_PORTS,
        `no room for a track over UDP: the client wants ${what}; rtsp.udp_ports, rtsp.multicast_range`,
      ),
      described?.request.name ?? this.#streamName(),
    );
    return undefined;
  }

  async #play({ requestId }: { readonly requestId: number }): Promise<void> {
    const playing = this.#playing;
    if (playing === undefined) {
      this.#session.reject(requestId, rejectionOf(ERR_STREAM_NOT_FOUND, false), this.#context.nowMs());
      return;
    }
    // RTP-Info is left out: where in the log a player begins is decided where the log is read, and sender reports say the time.
    playing.isPaused = false;
    if (playing.subscription !== undefined) {
      this.#session.acceptPlay(requestId, [], this.#context.nowMs());
      this.#drain();
      // The next request, which may have waited behind this one, may have changed it again.
      if (this.#playing === playing) playing.pause(playing.isPaused);
      return;
    }
    const { request } = playing.described;
    try {
      // Who joins a group gets what all its other members get.
      const isMulticast = this.#datagrams?.isMulticast === true;
      const tracks = isMulticast
        ? playing.described.description.tracks
        : playing.tracks.toSorted((a, b) => a.channel - b.channel);
      const subscription = await this.#context.streams.subscribe(request, rtspFormatRequest(tracks), playing);
      if (
        this.#isClosed ||
        this.#playing !== playing ||
        !this.#session.acceptPlay(requestId, [], this.#context.nowMs())
      ) {
        subscription.close("the player gave up before it was accepted");
        return;
      }
      playing.subscription = subscription;
      this.#drain();
      if (this.#playing === playing) playing.start(this.#context.playOptions);
    } catch (error) {
      this.#reject(requestId, error, request, this.#context.tokens.play);
      this.#drain();
    }
  }

  #media(trackIndex: number, kind: "rtp" | "rtcp", data: Uint8Array, nowMs: number): void {
    const ingest = this.#publishing?.ingest;
    if (ingest === undefined) return; // what players report of their reception
    if (kind === "rtp") ingest.handleRtp(trackIndex, data, nowMs);
    else ingest.handleRtcp(trackIndex, data, nowMs);
  }

  /** A packet of a client over UDP. */
  handlePacket(trackIndex: number, kind: "rtp" | "rtcp", data: Uint8Array): void {
    const nowMs = this.#context.nowMs();
    const reports = this.receptionReports;
    try {
      if (this.#publishing?.isRecording === true) this.#media(trackIndex, kind, data, nowMs);
      else if (reports !== undefined && kind === "rtcp") reports.handle(data, this.#context.wallMs());
      else return; // greetings that open a way through a NAT
      this.#session.handleUdpActivity(nowMs);
    } catch (error) {
      if (error instanceof CodedError) this.#problem(error, this.#streamName());
      else this.#fail(error);
    }
  }

  handleMoved(): void {
    this.#contained(() => this.#playing?.restart());
  }

  openPlay(playing: Playing, log: ReadableLog, options: PlayOptions): Play | undefined {
    if (this.#datagrams === undefined) return this.#connection.play(log, options, playing);
    const { tracks } = playing.described.description;
    const played = playing.tracks.map((track) => ({ track, trackIndex: tracks.indexOf(track) }));
    return this.#datagrams.play(played, log, options, playing, this.#context.wallMs());
  }

  /** All of a stream that has ended is sent. */
  handlePlayed(playing: Playing): void {
    if (this.#playing !== playing) return;
    this.#contained(() => {
      const { tracks } = playing.described.description;
      for (const track of playing.tracks) this.#sendRtcp(tracks.indexOf(track), writeRtspBye(track));
      this.#endSession("the stream ended");
      this.#session.close();
      this.#drain();
    });
  }

  /** Over TCP the connection is closed anyway. */
  handleEvicted(playing: Playing): void {
    if (this.#playing !== playing || this.#datagrams === undefined) return;
    this.#contained(() => {
      this.#endSession("the player was too slow");
      this.#session.close();
      this.#drain();
    });
  }

  #sendRtcp(trackIndex: number, packet: Uint8Array): void {
    if (this.#datagrams === undefined) this.#session.sendInterleaved(trackIndex, "rtcp", packet);
    else this.#datagrams.sendRtcp(trackIndex, packet);
  }

  #endSession(reason: string): void {
    const playing = this.#playing;
    this.#playing = undefined;
    playing?.play?.stop();
    playing?.subscription?.close(reason);
    const publishing = this.#publishing;
    this.#publishing = undefined;
    const datagrams = this.#datagrams;
    this.#datagrams = undefined;
    if (publishing !== undefined) {
      const { ingest, publication } = publishing;
      for (const { trackIndex, packet } of datagrams === undefined ? [] : ingest.lastReports(this.#context.nowMs())) {
        datagrams?.sendRtcp(trackIndex, packet);
      }
      this.#context.onPublished(ingest.counters);
      publication.end(reason);
    }
    datagrams?.close();
  }

  #request(name: string, query: string): PeerRequest & Asked {
    const protocol = this.#connection.isEncrypted ? "rtsps" : "rtsp";
    return { name, protocol, address: this.#connection.remoteAddress, query };
  }

  #reject(requestId: number, error: unknown, request: Asked, token: string): void {
    const code = error instanceof CodedError ? error.code : ERR_INTERNAL;
    const answer = rejectionOf(code, token !== "");
    // Clients with a password begin without it: the first 401 is a question, and nobody's mistake.
    const isQuestion = answer === status.unauthorized && !new URLSearchParams(request.query).has("token");
    if (!(error instanceof CodedError)) this.#context.onFailure(error);
    else if (!isQuestion) this.#problem(error, request.name);
    this.#session.reject(requestId, answer, this.#context.nowMs());
  }

  #problem(problem: CodedError, stream: string): void {
    this.#context.onProblem(problem, this.#connection, stream);
  }

  #streamName(): string {
    return this.#publishing?.publication.stream.name.key ?? this.#playing?.described.request.name ?? "";
  }
}

interface Publishing {
  readonly publication: Publication;
  readonly ingest: RtspIngest;
  readonly trackCount: number;
  isRecording: boolean;
}

function leftOutProblem(sentence: string): CodedError {
  return new CodedError(ERR_RTSP_TRACK_LEFT_OUT, `a track was left out: ${sentence}`);
}

/** A publisher's User-Agent is shown in the statistics. */
const maxEncoderLength = 100;

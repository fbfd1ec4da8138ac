/**
 * One RTSP client: its session, and what it publishes or plays. Drains the session after every call. Which sockets it has is not
 * known here: one, or the two of a tunnel.
 */

import { setTimeout as delay } from "node:timers/promises";
import { type RtspDescription, type RtspTrack, rtspFormatRequest, writeRtspBye } from "../../bridges/rtsp-egress.ts";
import {
  parseAnnouncement,
  type RtspAnnouncement,
  RtspIngest,
  type RtspIngestCounters,
} from "../../bridges/rtsp-ingest.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { StreamView } from "../../kernel/egress.ts";
import { ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import type { TrackKind } from "../../kernel/frame.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { Publication } from "../../kernel/publication.ts";
import type { RtspServerEvent, RtspServerOptions } from "../../protocols/rtsp/server-events.ts";
import { RtspServerSession } from "../../protocols/rtsp/session.ts";
import { status } from "../../protocols/rtsp/status.ts";
import type { Play, PlayHandler } from "../../runtime/play.ts";
import type { Player } from "../../runtime/shards/feed.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { PlayerSubscription } from "../../runtime/shards/subscription.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_INTERNAL, ERR_RTSP_TRACK_LEFT_OUT } from "../errors.ts";
import type { PlayOptionsPair } from "../play-options.ts";
import { parsePlayerQuery } from "../player-query.ts";
import { accessQueryOf, rejectionOf } from "./rtsp-answers.ts";
import type { SharedDescriptions } from "./shared-descriptions.ts";

/** What all clients of a service share. */
export interface RtspPeerContext {
  readonly streams: StreamAccess;
  readonly session: Omit<RtspServerOptions, "isTls">;
  readonly descriptions: SharedDescriptions;
  readonly tokens: { readonly publish: string; readonly play: string };
  readonly playOptions: PlayOptionsPair;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Told of everything a peer did wrong; counts, and logs at most once a second. */
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** Told of a mistake of ours; it costs this client. */
  readonly onFailure: (error: unknown) => void;
}

type Event<Type extends RtspServerEvent["type"]> = Extract<RtspServerEvent, { type: Type }>;

export class RtspPeer {
  readonly #context: RtspPeerContext;
  readonly #connection: Connection;
  readonly #session: RtspServerSession;
  /** The last answer to DESCRIBE. */
  #described: Described | undefined;
  #playing: Playing | undefined;
  #publishing: Publishing | undefined;
  #isClosed = false;
  #isDraining = false;

  /** @param connection - where the session's output goes, and what plays */
  constructor(context: RtspPeerContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#session = new RtspServerSession({ ...context.session, isTls: connection.isEncrypted }, context.nowMs());
  }

  /** Of its publisher, when it is one. */
  get ingestCounters(): RtspIngestCounters | undefined {
    return this.#publishing?.ingest.counters;
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
      const reports = this.#publishing?.isRecording === true ? this.#publishing.ingest.pollReports(nowMs) : [];
      for (const { trackIndex, packet } of reports) this.#session.sendInterleaved(trackIndex, "rtcp", packet);
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
        this.#setup(event);
        return;
      case "play":
        this.#play(event).catch((error: unknown) => this.#fail(error));
        return;
      case "record":
        if (this.#publishing !== undefined) this.#publishing.isRecording = true;
        this.#session.acceptRecord(event.requestId, this.#context.nowMs());
        return;
      case "pause":
        this.#playing?.pause(true);
        return;
      case "media":
        this.#media(event);
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
      const view = await this.#findSettled(request);
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

  /** The stream, once its tracks are known: a publisher that has just begun has told one of two, or none. */
  async #findSettled(request: PeerRequest): Promise<StreamView> {
    const deadline = this.#context.nowMs() + maxSettleMs;
    for (;;) {
      const view = await this.#context.streams.find(request);
      const has = (kind: TrackKind): boolean => view.tracks.some((track) => track.kind === kind);
      if ((has("video") && has("audio")) || view.mediaMs >= settledMediaMs) return view;
      if (this.#context.nowMs() >= deadline) {
        if (has("video") || has("audio")) return view;
        throw new CodedError(ERR_STREAM_NOT_FOUND, `the publisher of ${view.name.key} has sent nothing yet`);
      }
      await delay(settlePollMs);
      if (this.#isClosed) return view; // nobody waits any more
    }
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
        this.#publishing = { publication, ingest, isRecording: false };
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

  #setup({ requestId, role, trackIndex }: Event<"setup">): void {
    const nowMs = this.#context.nowMs();
    if (role === "record") {
      this.#session.acceptSetup(requestId, {}, nowMs);
      return;
    }
    const described = this.#playing?.described ?? this.#described;
    const track = described?.description.tracks[trackIndex];
    if (described === undefined || track === undefined) {
      this.#session.reject(requestId, rejectionOf(ERR_STREAM_NOT_FOUND, false), nowMs);
      return;
    }
    this.#playing ??= new Playing(described, this.#connection, (playing) => this.#played(playing));
    this.#playing.tracks.push(track);
    // Ours and not the client's: so all players of the same tracks share one log. FFmpeg, GStreamer, live555 and gortsplib
    // take the channels of the answer.
    this.#session.acceptSetup(requestId, { channels: [track.channel, track.channel + 1], ssrc: track.ssrc }, nowMs);
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
      const tracks = playing.tracks.toSorted((a, b) => a.channel - b.channel);
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

  #media({ trackIndex, kind, data }: Event<"media">): void {
    const ingest = this.#publishing?.ingest;
    if (ingest === undefined) return; // what players report of their reception
    if (kind === "rtp") ingest.handleRtp(trackIndex, data, this.#context.nowMs());
    else ingest.handleRtcp(trackIndex, data, this.#context.nowMs());
  }

  /** All of a stream that has ended is sent. */
  #played(playing: Playing): void {
    if (this.#playing !== playing) return;
    this.#contained(() => {
      const indexes = new Map(playing.described.description.tracks.map((track, index) => [track, index]));
      for (const track of playing.tracks) {
        this.#session.sendInterleaved(indexes.get(track) as number, "rtcp", writeRtspBye(track));
      }
      this.#endSession("the stream ended");
      this.#session.close();
      this.#drain();
    });
  }

  #endSession(reason: string): void {
    const playing = this.#playing;
    this.#playing = undefined;
    playing?.play?.stop();
    playing?.subscription?.close(reason);
    const publishing = this.#publishing;
    this.#publishing = undefined;
    publishing?.publication.end(reason);
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

/** As the client wrote it, but for credentials that stand in the query now. */
interface Asked {
  readonly name: string;
  readonly query: string;
}

interface Described {
  readonly request: PeerRequest & Asked;
  readonly description: RtspDescription;
}

interface Publishing {
  readonly publication: Publication;
  readonly ingest: RtspIngest;
  isRecording: boolean;
}

/** What a client plays, from its first SETUP on. */
class Playing implements Player, PlayHandler {
  readonly described: Described;
  readonly tracks: RtspTrack[] = [];
  readonly #connection: Connection;
  readonly #onPlayed: (playing: Playing) => void;
  subscription: PlayerSubscription | undefined;
  play: Play | undefined;
  isPaused = false;
  #options: PlayOptionsPair | undefined;

  constructor(described: Described, connection: Connection, onPlayed: (playing: Playing) => void) {
    this.described = described;
    this.#connection = connection;
    this.#onPlayed = onPlayed;
  }

  start(options: PlayOptionsPair): void {
    this.#options = options;
    this.pause(this.isPaused);
  }

  /** Also before it has begun: then nothing is sent before it goes on. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (this.play !== undefined) this.play.pause(isPaused);
    else if (!isPaused) this.#begin();
  }

  #begin(): void {
    const { subscription } = this;
    if (subscription === undefined || this.#options === undefined) return;
    this.play = this.#connection.play(subscription.log, this.#options.fromNewestKeyFrame, this);
    if (subscription.log.isClosed) this.play.finish();
  }

  handleStreamEnd(): void {
    // Who pauses has nothing under way, and takes no more.
    if (this.isPaused) this.#onPlayed(this);
    else this.play?.finish();
  }

  handlePlayed(): void {
    this.#onPlayed(this);
  }

  handleLag(): void {
    this.subscription?.lagged();
  }

  handleEvicted(): void {
    this.subscription?.evicted();
  }
}

function leftOutProblem(sentence: string): CodedError {
  return new CodedError(ERR_RTSP_TRACK_LEFT_OUT, `a track was left out: ${sentence}`);
}

/** Media of one kind alone, after which the other is not waited for: encoders begin both within this time. */
const settledMediaMs = 500;
/** An encoder that was accepted and sends nothing for so long is not waited for. */
const maxSettleMs = 3_000;
const settlePollMs = 50;
/** A publisher's User-Agent is shown in the statistics. */
const maxEncoderLength = 100;

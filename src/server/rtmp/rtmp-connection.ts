/** One RTMP connection: its socket, its session, and what it publishes or plays. Drains the session after every call. */

import { type FlvSelection, flvCodecBits, flvFormatRequest } from "../../bridges/flv-egress.ts";
import { RtmpIngest } from "../../bridges/rtmp-ingest.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { fourCcText } from "../../formats/flv/fourcc.ts";
import {
  ERR_ENGINE_CLOSED,
  ERR_NOT_AUTHORIZED,
  ERR_STREAM_BUSY,
  ERR_STREAM_NAME,
  ERR_STREAM_NOT_FOUND,
} from "../../kernel/errors.ts";
import type { Publication } from "../../kernel/publication.ts";
import { canReceive, capsExFlag } from "../../protocols/rtmp/capabilities.ts";
import type { RtmpServerEvent, RtmpServerOptions } from "../../protocols/rtmp/server-events.ts";
import { RtmpServerSession } from "../../protocols/rtmp/session.ts";
import type { PlayRejection, PublishRejection } from "../../protocols/rtmp/status.ts";
import type { Play, PlayHandler } from "../../runtime/play.ts";
import type { Player } from "../../runtime/shards/feed.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { PlayerSubscription } from "../../runtime/shards/subscription.ts";
import type { Connection, ConnectionHandler } from "../../runtime/transport.ts";
import { ERR_INTERNAL } from "../errors.ts";
import type { PlayOptionsPair } from "../play-options.ts";
import { parsePlayerQuery } from "../player-query.ts";

/** What all connections of a listener share. */
export interface RtmpConnectionContext {
  readonly streams: StreamAccess;
  readonly session: RtmpServerOptions;
  readonly playOptions: PlayOptionsPair;
  readonly nowMs: () => number;
  /** Told of everything a peer did wrong; counts, and logs at most once a second. */
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** Told of a mistake of ours; it costs this connection. */
  readonly onFailure: (error: unknown) => void;
  readonly onClosed: (connection: RtmpConnection) => void;
}

type PlayEvent = Extract<RtmpServerEvent, { type: "play" }>;
type ReceiveEvent = Extract<RtmpServerEvent, { type: "receive" }>;
type PublishEvent = Extract<RtmpServerEvent, { type: "publish" }>;

export class RtmpConnection implements ConnectionHandler {
  readonly #context: RtmpConnectionContext;
  readonly #connection: Connection;
  readonly #session: RtmpServerSession;
  /** Few connections have one, hardly any has two: a list that is made anew when it changes. */
  #publishing: readonly Publishing[] = nothing;
  #playing: Playing | undefined;
  #isClosed = false;
  #isDraining = false;

  constructor(context: RtmpConnectionContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#session = new RtmpServerSession(context.session, context.nowMs());
  }

  handleBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#session.handle(bytes, this.#context.nowMs());
    this.#drain();
  }

  nextTimeout(): number | undefined {
    return this.#isClosed ? undefined : this.#session.nextTimeout();
  }

  handleTime(nowMs: number): void {
    const deadline = this.nextTimeout();
    if (deadline === undefined || deadline > nowMs) return;
    this.#contained(() => {
      this.#session.handleTimeout(nowMs);
      this.#drain();
    });
  }

  handleClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { publication } of this.#publishing) publication.end("the connection was closed");
    this.#publishing = nothing;
    this.#stopPlaying("the connection was closed");
    this.#context.onClosed(this);
  }

  /** Ends it from the server's side; an encoder that can is asked to connect again. */
  close(reason: string): void {
    if (this.#isClosed) return;
    // What is on its way to a player is sent first; the end of its play closes the connection.
    if (this.#playing?.play !== undefined) {
      this.#playing.play.finish();
      return;
    }
    this.#contained(() => {
      if (this.#publishing.length > 0) this.#session.requestReconnect({ description: reason });
      this.#session.close(reason);
      this.#drain();
    });
  }

  destroy(): void {
    this.#connection.destroy();
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

  #handleEvent(event: RtmpServerEvent): void {
    switch (event.type) {
      case "publish":
        this.#publish(event).catch((error: unknown) => this.#fail(error));
        return;
      case "play":
        this.#play(event).catch((error: unknown) => this.#fail(error));
        return;
      case "audio":
        this.#ingest(event.messageStreamId)?.handleAudio(event.timestamp, event.payload);
        return;
      case "video":
        this.#ingest(event.messageStreamId)?.handleVideo(event.timestamp, event.payload);
        return;
      case "data":
        this.#ingest(event.messageStreamId)?.handleData(event.timestamp, event.payload);
        return;
      case "unpublish":
        this.#unpublish(event.messageStreamId);
        return;
      case "stop":
        if (this.#playing?.messageStreamId === event.messageStreamId) this.#stopPlaying("the player stopped");
        return;
      case "pause":
        if (this.#playing?.messageStreamId === event.messageStreamId) this.#playing.play?.pause(event.isPaused);
        return;
      case "receive":
        this.#receive(event);
        return;
      case "closed":
        if (event.error !== undefined) this.#problem(event.error, this.#streamName());
        this.#send();
        this.#connection.end();
        return;
      case "connect":
      case "bufferLength":
        return; // nothing to decide yet; a live player's buffer is its own matter
    }
  }

  async #publish({ messageStreamId, app, name, query }: PublishEvent): Promise<void> {
    const { streams } = this.#context;
    const stream = `${app}/${name}`;
    try {
      const publication = await streams.publish(this.#request(stream, query), (reason) => this.close(reason));
      if (this.#isClosed || !this.#session.acceptPublish(messageStreamId, this.#context.nowMs())) {
        publication.end("the publisher gave up before it was accepted");
      } else {
        const ingest = new RtmpIngest(publication, (problem) => this.#problem(problem, stream));
        this.#publishing = this.#publishing.toSpliced(0, 0, { messageStreamId, publication, ingest });
      }
    } catch (error) {
      const problem = this.#refusal(error, stream);
      this.#session.rejectPublish(messageStreamId, publishRejection(problem.code), problem.message);
    }
    this.#drain();
  }

  #ingest(messageStreamId: number): RtmpIngest | undefined {
    for (const each of this.#publishing) if (each.messageStreamId === messageStreamId) return each.ingest;
    return undefined;
  }

  #unpublish(messageStreamId: number): void {
    for (const each of this.#publishing) {
      if (each.messageStreamId === messageStreamId) each.publication.end("the publisher stopped");
    }
    this.#publishing = this.#publishing.filter((each) => each.messageStreamId !== messageStreamId);
  }

  async #play({ messageStreamId, app, name, query }: PlayEvent): Promise<void> {
    if (this.#playing !== undefined) {
      this.#session.rejectPlay(messageStreamId, "failed", "this connection plays a stream already: open another one");
      this.#drain();
      return;
    }
    const playing = new Playing(this, messageStreamId, `${app}/${name}`, query);
    this.#playing = playing;
    try {
      await this.#subscribe(playing);
      // Answered in any case: until then the session keeps the message stream for this one.
      const isWanted = this.#session.acceptPlay(
        messageStreamId,
        this.#context.nowMs(),
        startedWithout(playing.subscription?.leftOut ?? []),
      );
      if (!isWanted || this.#isClosed || this.#playing !== playing) {
        playing.subscription?.close("the player gave up before it was accepted");
        if (this.#playing === playing) this.#playing = undefined;
        this.#drain();
        return;
      }
      this.#drain();
      this.#startCursor(playing, false);
    } catch (error) {
      if (this.#playing === playing) this.#playing = undefined;
      const problem = this.#refusal(error, playing.name);
      this.#session.rejectPlay(messageStreamId, playRejection(problem.code), problem.message);
      this.#drain();
    }
  }

  /** False, and no subscription: meanwhile the player is gone, or wants something else. */
  async #subscribe(playing: Playing): Promise<boolean> {
    const { messageStreamId, name, query } = playing;
    const { chunkSize } = this.#context.session;
    playing.subscription = undefined;
    const attempt = ++playing.attempt;
    const subscription = await this.#context.streams.subscribe(
      this.#request(name, query),
      flvFormatRequest({ type: "rtmp", messageStreamId, chunkSize }, this.#selection(playing)),
      playing,
    );
    if (this.#isClosed || this.#playing !== playing || playing.attempt !== attempt) {
      subscription.close("the player wants it no more");
      return false;
    }
    playing.subscription = subscription;
    playing.name = subscription.stream.name.key; // one text for all who play it
    return true;
  }

  #startCursor(playing: Playing, isLive: boolean): void {
    const { subscription } = playing;
    if (subscription === undefined || this.#isClosed || this.#playing !== playing) return;
    const { fromNow, fromNewestKeyFrame } = this.#context.playOptions;
    playing.play = this.#connection.play(subscription.log, isLive ? fromNow : fromNewestKeyFrame, playing);
    if (subscription.log.isClosed) playing.play.finish();
  }

  /** For {@link Playing}: all of a stream that has ended is sent. */
  played(messageStreamId: number): void {
    this.#stopPlaying("the stream ended");
    this.#contained(() => {
      this.#session.endPlay(messageStreamId);
      this.#session.close();
      this.#drain();
    });
  }

  /** receiveAudio and receiveVideo: the player goes over to a log with or without that kind, at its next random access point. */
  #receive({ messageStreamId, media, isWanted }: ReceiveEvent): void {
    const playing = this.#playing;
    if (playing?.play === undefined || playing.messageStreamId !== messageStreamId) return;
    const wants = media === "audio" ? "wantsAudio" : "wantsVideo";
    if (playing[wants] === isWanted) return;
    playing[wants] = isWanted;
    playing.play.stop();
    playing.subscription?.close("the player chose other tracks");
    this.#subscribe(playing)
      .then(
        (isCurrent) => {
          if (isCurrent) this.#startCursor(playing, true);
        },
        (error: unknown) => this.close(this.#refusal(error, this.#streamName()).message),
      )
      .catch((error: unknown) => this.#fail(error));
  }

  #stopPlaying(reason: string): void {
    const playing = this.#playing;
    this.#playing = undefined;
    playing?.play?.stop();
    playing?.subscription?.close(reason);
  }

  #selection({ query, wantsAudio, wantsVideo }: Playing): FlvSelection {
    const { capabilities } = this.#session;
    const { wantsMultitrack, wantsHevc12 } = parsePlayerQuery(query);
    const capsEx = capabilities?.capsEx ?? 0;
    return {
      wantsAudio,
      wantsVideo,
      wantsHevc12,
      codecs: flvCodecBits((kind, codec) => canReceive(capabilities, kind, fourCcText(codec))),
      // FFmpeg 8 reads multitrack but announces no capsEx: its user can ask in the address.
      hasMultitrack: (capsEx & capsExFlag.multitrack) !== 0 || wantsMultitrack,
      hasNanoseconds: (capsEx & capsExFlag.timestampNanoOffset) !== 0,
    };
  }

  #request(name: string, query: string): { name: string; protocol: string; address: string; query: string } {
    const protocol = this.#connection.isEncrypted ? "rtmps" : "rtmp";
    return { name, protocol, address: this.#connection.remoteAddress, query };
  }

  /** What to tell the peer; a mistake of ours is told as such, and reported. */
  #refusal(error: unknown, stream: string): CodedError {
    if (!(error instanceof CodedError)) {
      this.#context.onFailure(error);
      return new CodedError(ERR_INTERNAL, "an internal error");
    }
    this.#problem(error, stream);
    return error;
  }

  #problem(problem: CodedError, stream: string): void {
    this.#context.onProblem(problem, this.#connection, stream);
  }

  #streamName(): string {
    const [publishing] = this.#publishing;
    return publishing?.publication.stream.name.key ?? this.#playing?.subscription?.stream.name.key ?? "";
  }
}

/** What a connection publishes. */
interface Publishing {
  readonly messageStreamId: number;
  readonly publication: Publication;
  readonly ingest: RtmpIngest;
}

/** What a connection plays. There are thousands of them: what can be worked out again is not kept. */
class Playing implements Player, PlayHandler {
  readonly messageStreamId: number;
  readonly query: string;
  readonly #connection: RtmpConnection;
  name: string;
  wantsAudio: boolean;
  wantsVideo: boolean;
  /** Counts subscriptions: one that was asked for before the newest is wanted no more. */
  attempt = 0;
  subscription: PlayerSubscription | undefined;
  play: Play | undefined;

  constructor(connection: RtmpConnection, messageStreamId: number, name: string, query: string) {
    this.#connection = connection;
    this.messageStreamId = messageStreamId;
    this.name = name;
    this.query = query;
    ({ wantsAudio: this.wantsAudio, wantsVideo: this.wantsVideo } = parsePlayerQuery(query));
  }

  handleStreamEnd(): void {
    this.play?.finish();
  }

  handlePlayed(): void {
    this.#connection.played(this.messageStreamId);
  }

  handleLag(): void {
    this.subscription?.lagged();
  }

  handleEvicted(): void {
    this.subscription?.evicted();
  }
}

/** What a player publishes. */
const nothing: readonly Publishing[] = [];

function startedWithout(leftOut: readonly string[]): { readonly description?: string } {
  if (leftOut.length === 0) return {};
  return { description: `started without some tracks: ${leftOut.join(" and ")}, which this player did not announce` };
}

function publishRejection(code: string): PublishRejection {
  switch (code) {
    case ERR_STREAM_BUSY:
    case ERR_STREAM_NAME:
      return "bad-name";
    case ERR_NOT_AUTHORIZED:
      return "denied";
    default:
      return "failed";
  }
}

function playRejection(code: string): PlayRejection {
  return code === ERR_STREAM_NOT_FOUND || code === ERR_STREAM_NAME || code === ERR_ENGINE_CLOSED
    ? "stream-not-found"
    : "failed";
}

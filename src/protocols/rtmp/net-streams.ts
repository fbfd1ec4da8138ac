/** What the server does with the NetStream commands of its peer: RTMP 1.0 §7.2.2, and Flash Media Live Encoder's FC commands. */

import { CodedError } from "../../bytes/coded-error.ts";
import type { Fifo } from "../fifo.ts";
import { maxMessageStreams } from "./limits.ts";
import type { RtmpLink } from "./link.ts";
import { quoted } from "./message/argument.ts";
import type { Command } from "./message/command.ts";
import type { Connect } from "./message/connect.ts";
import { parsePlay } from "./message/play.ts";
import { parsePublish } from "./message/publish.ts";
import type { MessageStream, MessageStreamState } from "./message-stream.ts";
import { MessageStreams } from "./message-streams.ts";
import type { ReplyMemo } from "./reply-memo.ts";
import type { RtmpMediaMessage, RtmpServerEvent } from "./server-events.ts";
import {
  sendError,
  sendFcNotice,
  sendPlayEnd,
  sendPlayStart,
  sendPublishStart,
  sendResult,
  sendStatus,
} from "./server-replies.ts";
import {
  connectCode,
  type PlayRejection,
  type PublishRejection,
  playCode,
  playRejectionCodes,
  publishCode,
  publishRejectionCodes,
} from "./status.ts";
import { joinQueries } from "./url.ts";

/** What of `connect` is used later. */
export type RtmpApplication = Pick<Connect, "app" | "query" | "capabilities">;

export class NetStreams {
  readonly #link: RtmpLink;
  readonly #events: Fifo<RtmpServerEvent>;
  readonly #streams = new MessageStreams();
  /** The peer sent FCPublish, and expects its notice. */
  usesFcPublish = false;

  constructor(link: RtmpLink, events: Fifo<RtmpServerEvent>) {
    this.#link = link;
    this.#events = events;
  }

  get isAnyAccepted(): boolean {
    return this.#streams.isAnyAccepted;
  }

  get isAnyPending(): boolean {
    return this.#streams.isAnyPending;
  }

  get isAnyPublishing(): boolean {
    return this.#streams.isAnyPublishing;
  }

  isPlaying(id: number): boolean {
    return this.#streams.find(id, "playing") !== undefined;
  }

  /** The stream that media with this id belongs to. */
  findPublished(id: number): MessageStream | undefined {
    return this.#streams.findPublished(id);
  }

  create(transactionId: number): void {
    const stream = this.#streams.create();
    if (stream !== undefined) {
      sendResult(this.#link, 0, transactionId, stream.id);
    } else {
      const description = `At most ${maxMessageStreams} streams may be open.`;
      sendError(this.#link, 0, transactionId, connectCode.callFailed, description);
    }
  }

  publish(command: Command, id: number, application: RtmpApplication): void {
    const { name, query, kind } = this.#parse(parsePublish, command, id, publishCode.badName);
    const stream = this.#streams.open(id);
    if (stream.state !== "idle") {
      sendStatus(this.#link, id, "error", publishCode.badName, inUse);
    } else if (kind !== "live") {
      const description = `Only publishing of type "live" is supported, not ${quoted(kind)}.`;
      sendStatus(this.#link, id, "error", publishCode.denied, description);
    } else {
      stream.begin("publish-pending", name);
      this.#events.push({
        type: "publish",
        messageStreamId: id,
        app: application.app,
        name,
        query: joinQueries(query, application.query),
        kind,
      });
    }
  }

  /** Returns the media that came before; undefined when the peer gave up meanwhile. */
  acceptPublish(id: number): RtmpMediaMessage[] | undefined {
    const stream = this.#decide(id, "publish-pending");
    if (stream === undefined) return undefined;
    stream.state = "publishing";
    sendPublishStart(this.#link, id, stream.name, this.usesFcPublish);
    return stream.takePending();
  }

  rejectPublish(id: number, code: PublishRejection, description: string): void {
    const stream = this.#decide(id, "publish-pending");
    if (stream === undefined) return;
    stream.reset();
    sendStatus(this.#link, id, "error", publishRejectionCodes[code], description);
  }

  play(command: Command, id: number, application: RtmpApplication): void {
    const { name, query, start, reset } = this.#parse(parsePlay, command, id, playCode.failed);
    const stream = this.#streams.open(id);
    if (stream.state === "playing") this.#stop(stream); // a change of channel
    if (stream.state !== "idle") {
      sendStatus(this.#link, id, "error", playCode.failed, inUse);
      return;
    }
    stream.begin("play-pending", name, reset);
    this.#events.push({
      type: "play",
      messageStreamId: id,
      app: application.app,
      name,
      query: joinQueries(query, application.query),
      start,
      reset,
    });
  }

  /** False when the peer gave up meanwhile. */
  acceptPlay(id: number, description: string | undefined, memo: ReplyMemo | undefined): boolean {
    const stream = this.#decide(id, "play-pending");
    if (stream === undefined) return false;
    stream.state = "playing";
    const { name, wantsReset } = stream;
    const key = `play ${id} ${wantsReset} ${name.length} ${name} ${description}`;
    this.#link.sendAlike(memo, key, () => sendPlayStart(this.#link, id, name, wantsReset, description));
    return true;
  }

  rejectPlay(id: number, code: PlayRejection, description: string): void {
    const stream = this.#decide(id, "play-pending");
    if (stream === undefined) return;
    stream.reset();
    sendStatus(this.#link, id, "error", playRejectionCodes[code], description);
  }

  endPlay(id: number): void {
    const stream = this.#streams.find(id, "playing");
    if (stream === undefined) return;
    sendPlayEnd(this.#link, id, stream.name);
    stream.reset();
  }

  pause(command: Command, id: number): void {
    if (!this.isPlaying(id)) return;
    const isPaused = command.arguments[0] === true;
    const code = isPaused ? playCode.pauseNotify : playCode.unpauseNotify;
    sendStatus(this.#link, id, "status", code, isPaused ? "Paused." : "Playing again.");
    this.#events.push({ type: "pause", messageStreamId: id, isPaused });
  }

  /** `receiveAudio`, `receiveVideo`. */
  receive(command: Command, id: number): void {
    if (!this.isPlaying(id)) return;
    const media = command.name === "receiveAudio" ? "audio" : "video";
    this.#events.push({ type: "receive", messageStreamId: id, media, isWanted: command.arguments[0] === true });
  }

  /** `deleteStream`, which has no answer. GStreamer 1.22 sends the stream's name instead of its id: the only stream is meant. */
  delete(command: Command, id: number): void {
    const [sent] = command.arguments;
    const stream = this.#streams.get(typeof sent === "number" ? sent : id) ?? this.#streams.only();
    if (stream === undefined) return;
    this.#stop(stream);
    this.#streams.delete(stream);
  }

  /** `closeStream`: the stream stays open for another publish or play. */
  close(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || !stream.isInUse) return;
    const { isPublish, name } = stream;
    this.#stop(stream);
    const code = isPublish ? publishCode.unpublishSuccess : playCode.stop;
    sendStatus(this.#link, id, "status", code, `${name} is closed.`);
  }

  /** `FCUnpublish`: by name; without one, all. */
  unpublish(command: Command): void {
    const [sent] = command.arguments;
    for (const stream of this.#streams.values()) {
      const { id, name } = stream;
      if (!stream.isPublish || (typeof sent === "string" && !isSameName(sent, name))) continue;
      this.#stop(stream);
      sendFcNotice(this.#link, "onFCUnpublish", publishCode.unpublishSuccess, name);
      sendStatus(this.#link, id, "status", publishCode.unpublishSuccess, `${name} is no longer published.`);
    }
  }

  /** The session ends. */
  stopAll(): void {
    for (const stream of this.#streams.values()) this.#stop(stream);
    this.#streams.clear();
  }

  /** Ends what a stream does and says so in an event. */
  #stop(stream: MessageStream): void {
    if (!stream.isInUse) return;
    const type = stream.isPublish ? "unpublish" : "stop";
    stream.giveUp();
    this.#events.push({ type, messageStreamId: stream.id });
  }

  /** The stream whose request has been decided; undefined when the peer gave it up meanwhile. */
  #decide(id: number, state: MessageStreamState): MessageStream | undefined {
    const stream = this.#streams.get(id);
    if (stream?.state === "abandoned") {
      stream.reset();
      if (stream.isDeleted) this.#streams.delete(stream);
      return undefined;
    }
    return stream?.state === state ? stream : undefined;
  }

  /** Parses the arguments of a command; a mistake is told to the peer before it ends the session. */
  #parse<T>(parse: (command: Command) => T, command: Command, id: number, code: string): T {
    try {
      return parse(command);
    } catch (error) {
      if (error instanceof CodedError) sendStatus(this.#link, id, "error", code, error.message);
      throw error;
    }
  }
}

/** FCUnpublish names the stream with or without its query. */
function isSameName(sent: string, name: string): boolean {
  return sent === name || sent.startsWith(`${name}?`);
}

const inUse = "This message stream is in use already.";

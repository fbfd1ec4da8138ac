/**
 * HTTP-FLV and WebSocket-FLV on one shard: `/live/cam.flv`, with `?audio=0` and `?video=0`.
 *
 * The body has no end, so it is not written by the HTTP server: after the response head the socket becomes a connection of a
 * shard's transport, and a cursor like any other.
 */

import type { Socket } from "node:net";
import { type FlvSelection, flvCodecBits, flvFileHeader, flvFormatRequest } from "../../bridges/flv-egress.ts";
import { assert } from "../../bytes/assert.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import { maxWebSocketHeaderLength, writeWebSocketHeader } from "../../protocols/websocket/frame-header.ts";
import { closeStatus, WebSocketSession } from "../../protocols/websocket/session.ts";
import type { Play, PlayHandler } from "../../runtime/play.ts";
import type { Player } from "../../runtime/shards/feed.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { PlayerSubscription } from "../../runtime/shards/subscription.ts";
import type { Connection, ConnectionHandler, Transport } from "../../runtime/transport.ts";
import { OpenSet } from "../open-set.ts";
import type { PlayOptionsPair } from "../play-options.ts";
import { parsePlayerQuery } from "../player-query.ts";

/** What a player asked for. Can be cloned: another thread may play it. */
export interface FlvRequest {
  /** `app/name`, unchecked. */
  readonly name: string;
  readonly query: string;
  readonly address: string;
  readonly protocol: "http-flv" | "ws-flv";
}

export interface FlvPlaysContext {
  readonly streams: StreamAccess;
  readonly transport: Transport;
  readonly playOptions: PlayOptionsPair;
  /** The player broke the protocol. */
  readonly onProblem: (problem: CodedError, address: string, stream: string) => void;
}

export class FlvPlays {
  readonly #context: FlvPlaysContext;
  readonly #open = new OpenSet<FlvPlay>();
  readonly #waiting = new Map<number, FlvPlay>();
  #nextId = 1;

  constructor(context: FlvPlaysContext) {
    this.#context = context;
  }

  /** Subscribes, so that all that can be refused is refused before the response head. @throws what subscribing throws */
  async open(request: FlvRequest): Promise<number> {
    const play = new FlvPlay(this.#context, this.#open, request);
    await play.subscribe();
    const id = this.#nextId++;
    this.#open.add(play);
    this.#waiting.set(id, play);
    return id;
  }

  /**
   * Hands the socket over: an own one, or the descriptor of one that another thread gave away. `head` goes before everything
   * else.
   */
  start(id: number, socket: Socket | number, head: Uint8Array): void {
    const play = this.#take(id);
    const { transport } = this.#context;
    const start = (connection: Connection): FlvPlay => play.start(connection, head);
    try {
      const connection = typeof socket === "number" ? transport.take(socket, start) : transport.adopt(socket, start);
      if (connection === undefined) play.handleClose();
    } catch (error) {
      play.handleClose(); // the transport has closed the connection
      throw error;
    }
  }

  /** The player is gone before it began. */
  cancel(id: number): void {
    this.#take(id).handleClose();
  }

  /** Resolves when nobody plays any more, or when `timeoutMs` have passed. */
  drained(timeoutMs: number): Promise<void> {
    return this.#open.drained(timeoutMs);
  }

  #take(id: number): FlvPlay {
    const play = this.#waiting.get(id);
    assert(play !== undefined, "a play is started or cancelled once");
    this.#waiting.delete(id);
    return play;
  }
}

class FlvPlay implements ConnectionHandler, Player, PlayHandler {
  readonly #context: FlvPlaysContext;
  readonly #request: FlvRequest;
  /** Where it stands for as long as it lasts. */
  readonly #open: OpenSet<FlvPlay>;
  #subscription: PlayerSubscription | undefined;
  #connection: Connection | undefined;
  #webSocket: WebSocketSession | undefined;
  #play: Play | undefined;

  constructor(context: FlvPlaysContext, open: OpenSet<FlvPlay>, request: FlvRequest) {
    this.#context = context;
    this.#open = open;
    this.#request = request;
  }

  async subscribe(): Promise<void> {
    const { protocol, query } = this.#request;
    const framing = protocol === "http-flv" ? "flv" : "ws-flv";
    const format = flvFormatRequest({ type: framing }, selectionOf(query));
    this.#subscription = await this.#context.streams.subscribe(this.#request, format, this);
  }

  start(connection: Connection, head: Uint8Array): this {
    const subscription = this.#subscription;
    assert(subscription !== undefined, "a play starts when it has subscribed");
    this.#connection = connection;
    connection.send(head);
    const fileHeader = flvFileHeader(subscription.stream.tracks, selectionOf(this.#request.query));
    if (this.#request.protocol === "ws-flv") {
      this.#webSocket = new WebSocketSession();
      const header = new Uint8Array(maxWebSocketHeaderLength);
      connection.send(header.subarray(0, writeWebSocketHeader(header, 0, fileHeader.length)));
    }
    connection.send(fileHeader);
    this.#play = connection.play(subscription.log, this.#context.playOptions.fromNewestKeyFrame, this);
    if (subscription.log.isClosed) this.#play.finish();
    return this;
  }

  handleBytes(bytes: Uint8Array): void {
    const session = this.#webSocket;
    if (session === undefined) {
      // An HTTP player has nothing more to say: a further request would get no answer, and a body has nobody to read it.
      this.#connection?.destroy();
      return;
    }
    if (session.isClosed) return;
    session.handle(bytes);
    this.#drain(session);
    if (!session.isClosed) return;
    if (session.error !== undefined) this.#context.onProblem(session.error, this.#request.address, this.#request.name);
    this.#connection?.end();
  }

  handleClose(): void {
    this.#subscription?.close("the connection was closed");
    this.#open.delete(this);
  }

  handleStreamEnd(): void {
    this.#play?.finish();
  }

  handlePlayed(): void {
    this.#subscription?.close("the stream ended");
    if (this.#webSocket !== undefined) {
      this.#webSocket.close(closeStatus.normal);
      this.#drain(this.#webSocket);
    }
    this.#connection?.end();
  }

  handleLag(): void {
    this.#subscription?.lagged();
  }

  handleEvicted(): void {
    this.#subscription?.evicted();
  }

  #drain(session: WebSocketSession): void {
    for (let piece = session.pollOutput(); piece !== undefined; piece = session.pollOutput()) {
      this.#connection?.send(piece);
    }
  }
}

/** HTTP has no way to announce codecs: everything FLV can carry is sent, and further tracks to those who ask for them. */
export function selectionOf(query: string): FlvSelection {
  const { wantsMultitrack, ...wanted } = parsePlayerQuery(query);
  return { ...wanted, codecs: everyCodec, hasMultitrack: wantsMultitrack, hasNanoseconds: false };
}

const everyCodec = flvCodecBits(() => true);

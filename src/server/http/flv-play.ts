/**
 * HTTP-FLV and WebSocket-FLV: `/live/cam.flv`, with `?audio=0` and `?video=0`.
 *
 * The body has no end, so it is not written by the HTTP server: after the response head the socket becomes a connection of the
 * transport, and a cursor like any other.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { checkReceivable, type FlvSelection, flvFileHeader, flvWireFormat } from "../../bridges/flv-egress.ts";
import { type FlvFraming, flvTagFraming } from "../../formats/flv/framing.ts";
import type { LagLimits } from "../../kernel/cursor-table.ts";
import type { Engine, LogSubscription } from "../../kernel/engine.ts";
import type { Stream } from "../../kernel/stream.ts";
import { webSocketFlvFraming } from "../../protocols/websocket/flv-framing.ts";
import type { Connection, Play, Transport } from "../../runtime/transport.ts";
import { parsePlayerQuery } from "../player-query.ts";

export interface FlvPlayerContext {
  readonly engine: Engine;
  readonly transport: Transport;
  readonly hasGopCache: boolean;
  readonly lagLimits: LagLimits;
}

/** What a player asked for. */
export interface FlvRequest {
  /** `app/name`, unchecked. */
  readonly name: string;
  readonly query: string;
  readonly address: string;
  readonly protocol: "http-flv" | "ws-flv";
}

/** The stream, for a HEAD request: whether this player would get it. */
export async function findFlv(engine: Engine, request: FlvRequest): Promise<Stream> {
  const stream = await engine.find(request);
  checkReceivable(stream.tracks, selectionOf(request.query));
  return stream;
}

export interface FlvPlayEvents {
  /** What the player says; valid during the call only. */
  readonly onBytes: (connection: Connection, bytes: Uint8Array) => void;
  /** The stream has ended and all of it was sent. */
  readonly onFinished: (connection: Connection) => void;
  readonly onClosed: () => void;
}

/** A subscription that waits for its socket. */
export interface FlvPlay {
  /** The bytes in front of the first tag. */
  readonly fileHeader: Uint8Array;
  /** Hands the socket over; what `head` holds is sent first. */
  start(socket: Socket, head: readonly Uint8Array[], events: FlvPlayEvents): void;
  /** The player is gone before it began. */
  cancel(): void;
}

/** Subscribes, so that all that can be refused is refused before the response head. @throws what the engine throws */
export async function openFlv(context: FlvPlayerContext, request: FlvRequest): Promise<FlvPlay> {
  const selection = selectionOf(request.query);
  const framing: FlvFraming = request.protocol === "http-flv" ? flvTagFraming() : webSocketFlvFraming();
  let play: Play | undefined;
  const subscription: LogSubscription = await context.engine.subscribeLog(
    request,
    (stream) => {
      checkReceivable(stream.tracks, selection);
      return flvWireFormat(framing, selection);
    },
    () => play?.finish(),
  );
  return {
    fileHeader: flvFileHeader(subscription.stream.tracks, selection),
    start: (socket, head, { onBytes, onFinished, onClosed }) => {
      const connection = context.transport.adopt(socket, (adopted) => ({
        handleBytes: (bytes) => onBytes(adopted, bytes),
        handleClose: () => {
          subscription.close("the connection was closed");
          onClosed();
        },
      }));
      for (const bytes of head) connection.send(bytes);
      play = connection.play(subscription.log, {
        isLive: !context.hasGopCache,
        lagLimits: context.lagLimits,
        onLag: (skippedBytes) => subscription.lagged(skippedBytes),
        onEvicted: () => subscription.evicted(),
        onFinished: () => {
          subscription.close("the stream ended");
          onFinished(connection);
        },
      });
      if (subscription.log.isClosed) play.finish();
    },
    cancel: () => subscription.close("the connection was closed"),
  };
}

/** Bytes of a response head for a body that ends with the connection. */
export function flvResponseHead(request: IncomingMessage, headers: Readonly<Record<string, string>>): Uint8Array {
  const lines = [`HTTP/1.1 200 OK`, "Content-Type: video/x-flv", "Cache-Control: no-store", "Connection: close"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  // HTTP/1.0 knows no other way to end a body; HTTP/1.1 allows this one (RFC 9112 §6.3).
  const version = request.httpVersion === "1.0" ? "HTTP/1.0 200 OK" : lines[0];
  return new TextEncoder().encode(`${[version, ...lines.slice(1)].join("\r\n")}\r\n\r\n`);
}

/** HTTP has no way to announce codecs: everything FLV can carry is sent, and further tracks to those who ask for them. */
function selectionOf(query: string): FlvSelection {
  const { wantsMultitrack, ...wanted } = parsePlayerQuery(query);
  return { ...wanted, canReceive: () => true, hasMultitrack: wantsMultitrack, hasNanoseconds: false };
}

/** WebSocket-FLV: the handshake, and what a player says while its cursor sends. */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { CodedError } from "../../bytes/coded-error.ts";
import { maxWebSocketHeaderLength, writeWebSocketHeader } from "../../protocols/websocket/frame-header.ts";
import {
  parseWebSocketRequest,
  type WebSocketRequest,
  writeWebSocketAnswer,
} from "../../protocols/websocket/handshake.ts";
import { closeStatus, WebSocketSession } from "../../protocols/websocket/session.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_HTTP_REQUEST } from "../errors.ts";
import type { FlvPlay } from "./flv-play.ts";

/** Checks the handshake. Errors: ERR_WEBSOCKET_HANDSHAKE; ERR_HTTP_REQUEST when bytes came that were not asked for yet. */
export function checkHandshake(request: IncomingMessage, head: Uint8Array): WebSocketRequest {
  // A client that is allowed to speak only after our answer has nothing to send with its request.
  if (head.length > 0)
    throw new CodedError(ERR_HTTP_REQUEST, "expected nothing behind the handshake, before its answer");
  return parseWebSocketRequest(request.method ?? "", request.headers);
}

/**
 * Answers the handshake and plays.
 *
 * @param onProblem - told when the player broke the protocol; its connection is closed
 */
export function startWebSocketFlv(
  flv: FlvPlay,
  request: WebSocketRequest,
  socket: Socket,
  onClosed: () => void,
  onProblem: (problem: CodedError) => void,
): void {
  const session = new WebSocketSession();
  const drain = (connection: Connection): void => {
    for (let piece = session.pollOutput(); piece !== undefined; piece = session.pollOutput()) connection.send(piece);
  };
  const header = new Uint8Array(maxWebSocketHeaderLength);
  const headerLength = writeWebSocketHeader(header, 0, flv.fileHeader.length);
  const answer = writeWebSocketAnswer(request, (text) => createHash("sha1").update(text).digest("base64"));
  flv.start(socket, [answer, header.subarray(0, headerLength), flv.fileHeader], {
    onBytes: (connection, bytes) => {
      if (session.isClosed) return;
      session.handle(bytes);
      drain(connection);
      if (!session.isClosed) return;
      if (session.error !== undefined) onProblem(session.error);
      connection.end();
    },
    onFinished: (connection) => {
      session.close(closeStatus.normal);
      drain(connection);
      connection.end();
    },
    onClosed,
  });
}

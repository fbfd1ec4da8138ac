/** What stands in front of FLV on HTTP: a response head, or the answer to a WebSocket's handshake. */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { CodedError } from "../../bytes/coded-error.ts";
import { parseWebSocketRequest, writeWebSocketAnswer } from "../../protocols/websocket/handshake.ts";
import { ERR_HTTP_REQUEST } from "../errors.ts";

/** Bytes of a response head for a body that ends with the connection. */
export function flvResponseHead(request: IncomingMessage, headers: Readonly<Record<string, string>>): Uint8Array {
  // HTTP/1.0 knows no other way to end a body; HTTP/1.1 allows this one (RFC 9112 §6.3).
  const status = request.httpVersion === "1.0" ? "HTTP/1.0 200 OK" : "HTTP/1.1 200 OK";
  const lines = [status, "Content-Type: video/x-flv", "Cache-Control: no-store", "Connection: close"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/**
 * Checks a WebSocket's handshake and writes the answer. Errors: ERR_WEBSOCKET_HANDSHAKE; ERR_HTTP_REQUEST when bytes came that
 * were not asked for yet.
 */
export function webSocketHead(request: IncomingMessage, head: Uint8Array): Uint8Array {
  // A client that is allowed to speak only after our answer has nothing to send with its request.
  if (head.length > 0)
    throw new CodedError(ERR_HTTP_REQUEST, "expected nothing behind the handshake, before its answer");
  const handshake = parseWebSocketRequest(request.method ?? "", request.headers);
  return writeWebSocketAnswer(handshake, (text) => createHash("sha1").update(text).digest("base64"));
}

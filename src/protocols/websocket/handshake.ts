/** The server's side of the opening handshake, RFC 6455 §4.2: what is asked for, and the head that answers. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_WEBSOCKET_HANDSHAKE } from "./errors.ts";

/** The request's headers, names in lower case, as an HTTP server gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebSocketRequest {
  /** Sec-WebSocket-Key: 16 random bytes in base64. */
  readonly key: string;
  /** The first subprotocol offered: a browser that offers some gives up when none is chosen. */
  readonly protocol: string | undefined;
}

/** Checks an upgrade request. Errors: ERR_WEBSOCKET_HANDSHAKE. */
export function parseWebSocketRequest(method: string, headers: RequestHeaders): WebSocketRequest {
  if (method !== "GET") throw refused(`expected the method GET, got ${method}`);
  if (text(headers["upgrade"]).toLowerCase() !== "websocket") throw refused("expected Upgrade: websocket");
  const version = text(headers["sec-websocket-version"]);
  if (version !== "13") throw refused("expected Sec-WebSocket-Version: 13");
  const key = text(headers["sec-websocket-key"]);
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw refused("expected a Sec-WebSocket-Key of 16 bytes in base64");
  const [offered = ""] = text(headers["sec-websocket-protocol"]).split(",");
  const protocol = offered.trim();
  if (protocol !== "" && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(protocol)) {
    throw refused("expected subprotocols to be tokens");
  }
  return { key, protocol: protocol === "" ? undefined : protocol };
}

/**
 * The head of the answer.
 *
 * @param sha1 - the hash of these ASCII characters, in base64 (§4.2.2, step 5.4)
 */
export function writeWebSocketAnswer(request: WebSocketRequest, sha1: (text: string) => string): Uint8Array {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${sha1(`${request.key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)}`,
    ...(request.protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${request.protocol}`]),
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

function text(value: string | readonly string[] | undefined): string {
  return typeof value === "string" ? value : (value?.[0] ?? "");
}

function refused(why: string): CodedError {
  return new CodedError(ERR_WEBSOCKET_HANDSHAKE, `this is no WebSocket handshake: ${why}`);
}

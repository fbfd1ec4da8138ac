/**
 * RTSP inside HTTP, the way QuickTime began it ("Tunnelling RTSP and RTP through HTTP", Apple, 1999): two connections with the
 * same `x-sessioncookie`. The answer to the GET has no end and carries what the server says; the body of the POST has none
 * either and carries, in base64, what the client says. The POST is never answered, and may be replaced by another one.
 *
 * This is one of the two connections. The driver joins them: bytes of "data" go to the session's `handle`, its output to the
 * connection of the GET. Both have to come from the same address.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { Base64Reader } from "./base64.ts";
import { ERR_RTSP_TIMEOUT, ERR_RTSP_TUNNEL } from "./errors.ts";
import { maxCookieLength, maxTunnelHeadBytes, messageTimeoutMs } from "./limits.ts";
import { parseHeaders, quoted } from "./message/headers.ts";

export type RtspTunnelEvent =
  | {
      /** "get": accept it, and it carries the session's output. "post": look for the GET of its cookie. */
      readonly type: "get" | "post";
      readonly cookie: string;
      readonly url: string;
    }
  /** What the client says, in memory of its own. Only of a POST. */
  | { readonly type: "data"; readonly data: Uint8Array }
  /** The last event. The driver sends what pollOutput still has and closes the socket. */
  | { readonly type: "closed"; readonly error: CodedError };

/**
 * What speaks on a new connection: HTTP is a tunnel, or lost; TLS is on the wrong port. Undefined: too few bytes to say.
 * "GET " is HTTP, and GET_PARAMETER is not.
 */
export function guessProtocol(bytes: Uint8Array): "rtsp" | "http" | "tls" | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === tlsHandshake) return "tls";
  for (const start of ["GET ", "POST "]) {
    const length = Math.min(start.length, bytes.length);
    let i = 0;
    while (i < length && bytes[i] === start.charCodeAt(i)) i++;
    if (i === start.length) return "http";
    if (i === bytes.length) return undefined;
  }
  return "rtsp";
}

export class RtspTunnelSession {
  readonly #events = new Fifo<RtspTunnelEvent>();
  readonly #base64 = new Base64Reader();
  readonly #deadline: number;
  #state: "head" | "get" | "post" | "closed" = "head";
  #head = "";
  #output: Uint8Array | undefined;

  /** `now` here and everywhere: milliseconds of a monotonic clock. */
  constructor(now: number) {
    this.#deadline = now + messageTimeoutMs;
  }

  /** Takes bytes of the client; they are not kept. Its mistakes never throw: they become "closed". */
  handle(bytes: Uint8Array): void {
    try {
      const used = this.#state === "head" ? this.#readHead(bytes) : 0;
      if (this.#state !== "post" || used === bytes.length) return; // what comes after a GET is of no meaning
      const data = this.#base64.read(bytes.subarray(used));
      if (data.length > 0) this.#events.push({ type: "data", data });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // our own bug: the driver's boundary discards the session
      if (this.#state === "head") this.#output = httpHead("400 Bad Request", []);
      this.#end(error);
    }
  }

  handleTimeout(now: number): void {
    if (this.#state !== "head" || now < this.#deadline) return;
    this.#end(new CodedError(ERR_RTSP_TIMEOUT, "expected the head of an HTTP request by now"));
  }

  /** The time at which {@link handleTimeout} wants to be called. */
  nextTimeout(): number | undefined {
    return this.#state === "head" ? this.#deadline : undefined;
  }

  pollEvent(): RtspTunnelEvent | undefined {
    return this.#events.shift();
  }

  pollOutput(): Uint8Array | undefined {
    const output = this.#output;
    this.#output = undefined;
    return output;
  }

  /** Answers "get": what the session says may follow. */
  accept(): void {
    if (this.#state !== "get") return;
    this.#output = httpHead("200 OK", [
      "Cache-Control: no-store",
      "Pragma: no-cache",
      "Content-Type: application/x-rtsp-tunnelled",
    ]);
  }

  /** Nobody has this cookie, or somebody has it already. */
  reject(): void {
    if (this.#state === "closed" || this.#state === "head") return;
    this.#output = httpHead("404 Not Found", []);
    this.#end(new CodedError(ERR_RTSP_TUNNEL, "expected one GET and then a POST with the same x-sessioncookie"));
  }

  /** How many bytes belong to the head. */
  #readHead(bytes: Uint8Array): number {
    const known = this.#head.length;
    const room = maxTunnelHeadBytes - known;
    // One character for each byte, so that places in the text are places in the bytes.
    for (let i = 0; i < Math.min(bytes.length, room); i++) this.#head += String.fromCharCode(bytes[i] as number);
    const end = /\r?\n\r?\n/.exec(this.#head);
    if (end === null) {
      if (bytes.length >= room) {
        throw new CodedError(ERR_RTSP_TUNNEL, `expected an HTTP head of at most ${maxTunnelHeadBytes} bytes`);
      }
      return bytes.length;
    }
    this.#open(this.#head.slice(0, end.index));
    this.#head = "";
    return end.index + end[0].length - known;
  }

  #open(head: string): void {
    const [requestLine = "", ...lines] = head.split(/\r?\n/);
    const match = /^(GET|POST) ([^\s\p{Cc}]{1,2048}) HTTP\/1\.[01]$/u.exec(requestLine);
    if (match === null) {
      throw new CodedError(ERR_RTSP_TUNNEL, `expected "GET /path HTTP/1.0" or POST, got ${quoted(requestLine)}`);
    }
    const [cookie, ...others] = parseHeaders(lines, false).getAll("x-sessioncookie");
    if (
      cookie === undefined ||
      others.length > 0 ||
      !/^[\x21-\x7e]+$/.test(cookie) ||
      cookie.length > maxCookieLength
    ) {
      throw new CodedError(
        ERR_RTSP_TUNNEL,
        "expected a tunnel with an x-sessioncookie: this port speaks RTSP, not HTTP",
      );
    }
    this.#state = match[1] === "GET" ? "get" : "post";
    this.#events.push({ type: this.#state, cookie, url: match[2] as string });
  }

  #end(error: CodedError): void {
    this.#state = "closed";
    this.#events.push({ type: "closed", error });
  }
}

function httpHead(statusLine: string, headers: readonly string[]): Uint8Array {
  const lines = [`HTTP/1.0 ${statusLine}`, "Server: Millrace", "Connection: close", ...headers];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** The content type of a TLS record that opens a connection, RFC 8446 §5.1. */
const tlsHandshake = 0x16;

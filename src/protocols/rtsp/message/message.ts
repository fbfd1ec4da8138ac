/**
 * Requests and responses: RFC 2326 §4 to §7. A head (start line and headers) is read from text that is complete; finding its
 * end in a stream is the reader's work (../message-reader.ts).
 */

import { assert } from "../../../bytes/assert.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_CONTENT_LENGTH, ERR_RTSP_MESSAGE, ERR_RTSP_TOO_LONG, ERR_RTSP_VERSION } from "../errors.ts";
import { maxUrlLength } from "../limits.ts";
import { hasControls, parseHeaders, quoted, type RtspHeader, type RtspHeaders } from "./headers.ts";

export interface RtspRequest {
  readonly kind: "request";
  readonly method: string;
  /** As it came: absolute, a path, or "*". */
  readonly url: string;
  readonly headers: RtspHeaders;
  /** Memory of its own. */
  readonly body: Uint8Array;
}

export interface RtspResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: RtspHeaders;
  /** Memory of its own. */
  readonly body: Uint8Array;
}

export type RtspMessage = RtspRequest | RtspResponse;

/** A message whose body has not been read. */
export type RtspHead = Omit<RtspRequest, "body"> | Omit<RtspResponse, "body">;

/**
 * Reads a head up to (and perhaps with) its empty line. Lines end with CRLF or LF.
 * Errors: ERR_RTSP_MESSAGE, ERR_RTSP_VERSION, ERR_RTSP_TOO_LONG.
 */
export function parseHead(text: string, isLenient: boolean): RtspHead {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  while (lines.length > 1 && lines.at(-1) === "") lines.pop();
  const [startLine = "", ...headerLines] = lines;
  if (startLine.startsWith("RTSP/")) {
    const { status, reason } = parseStatusLine(startLine);
    return { kind: "response", status, reason, headers: parseHeaders(headerLines, isLenient) };
  }
  const { method, url } = parseRequestLine(startLine);
  return { kind: "request", method, url, headers: parseHeaders(headerLines, isLenient) };
}

/** How many bytes of body follow: 0 without the header. Errors: ERR_RTSP_CONTENT_LENGTH. */
export function parseContentLength(headers: RtspHeaders): number {
  if (headers.get("transfer-encoding") !== undefined) {
    throw new CodedError(ERR_RTSP_CONTENT_LENGTH, "expected a Content-Length: RTSP has no Transfer-Encoding");
  }
  const [first, ...others] = headers.getAll("content-length");
  if (first === undefined || (first === "" && others.length === 0)) return 0;
  if (!/^[0-9]{1,15}$/.test(first) || others.some((other) => other !== first)) {
    throw new CodedError(ERR_RTSP_CONTENT_LENGTH, `expected one Content-Length in bytes, got ${quoted(first)}`);
  }
  return Number(first);
}

export function writeRequest(
  method: string,
  url: string,
  headers: readonly RtspHeader[],
  body: Uint8Array = noBytes,
): Uint8Array {
  return writeMessage(`${method} ${url} RTSP/1.0`, headers, body);
}

export function writeResponse(
  status: number,
  reason: string,
  headers: readonly RtspHeader[],
  body: Uint8Array = noBytes,
): Uint8Array {
  return writeMessage(`RTSP/1.0 ${status} ${reason}`, headers, body);
}

function writeMessage(startLine: string, headers: readonly RtspHeader[], body: Uint8Array): Uint8Array {
  assert(!hasControls(startLine), "a start line of ours holds a control character");
  let head = `${startLine}\r\n`;
  for (const [name, value] of headers) {
    assert(!hasControls(value), "a header of ours holds a control character");
    head += `${name}: ${value}\r\n`;
  }
  if (body.length > 0) head += `Content-Length: ${body.length}\r\n`;
  const encoded = new TextEncoder().encode(`${head}\r\n`);
  if (body.length === 0) return encoded;
  const message = new Uint8Array(encoded.length + body.length);
  message.set(encoded);
  message.set(body, encoded.length);
  return message;
}

function parseRequestLine(line: string): { method: string; url: string } {
  const match = requestLine.exec(line);
  if (match === null) {
    throw new CodedError(ERR_RTSP_MESSAGE, `expected "METHOD rtsp://… RTSP/1.0", got ${quoted(line)}`);
  }
  const [, method = "", url = "", version = ""] = match;
  if (!version.startsWith("1.")) throw new CodedError(ERR_RTSP_VERSION, `expected RTSP/1.0, got RTSP/${version}`);
  if (url.length > maxUrlLength) {
    throw new CodedError(ERR_RTSP_TOO_LONG, `expected an address of at most ${maxUrlLength} bytes, got ${url.length}`);
  }
  return { method, url: apart(url) };
}

/** The same text in memory of its own: V8 makes a part of a string a view of it, and a session that keeps its address kept the head. */
function apart(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function parseStatusLine(line: string): { status: number; reason: string } {
  const match = statusLine.exec(line);
  if (match === null) throw new CodedError(ERR_RTSP_MESSAGE, `expected "RTSP/1.0 200 OK", got ${quoted(line)}`);
  const [, version = "", code = "", reason = ""] = match;
  if (!version.startsWith("1.")) throw new CodedError(ERR_RTSP_VERSION, `expected RTSP/1.0, got RTSP/${version}`);
  return { status: Number(code), reason: reason.trim() };
}

const noBytes = new Uint8Array(0);

const requestLine = /^([A-Z_]{1,32}) ([^\s\p{Cc}]+) RTSP\/([0-9]\.[0-9])$/u;
const statusLine = /^RTSP\/([0-9]\.[0-9]) +([1-9][0-9]{2})( [^\p{Cc}]*)?$/u;

/** Errors over HTTP: RFC 9457 problem details, from the same coded errors that every protocol uses. */

import { ERR_CODEC_NOT_RECEIVABLE } from "../../bridges/errors.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  ERR_ENGINE_CLOSED,
  ERR_LIMIT_REACHED,
  ERR_MEMORY_LIMIT,
  ERR_NOT_AUTHORIZED,
  ERR_STREAM_BUSY,
  ERR_STREAM_NAME,
  ERR_STREAM_NOT_FOUND,
} from "../../kernel/errors.ts";
import { ERR_WEBSOCKET_HANDSHAKE } from "../../protocols/websocket/errors.ts";
import { ERR_SHARD_BUSY, ERR_SHARD_GONE } from "../../runtime/errors.ts";
import {
  ERR_HTTP_FORBIDDEN,
  ERR_HTTP_HEADER_TOO_LARGE,
  ERR_HTTP_NOT_FOUND,
  ERR_HTTP_ORIGIN,
  ERR_HTTP_REQUEST,
  ERR_HTTP_TIMEOUT,
  ERR_INTERNAL,
} from "../errors.ts";

export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

export const problemContentType = "application/problem+json";

/** The answer to a request that failed. What is not a coded error is a mistake of ours, and says nothing to the outside. */
export function problemOf(error: unknown): Problem {
  const { code, message } =
    error instanceof CodedError ? error : new CodedError(ERR_INTERNAL, "an internal error; the server's log says more");
  const [status, title] = statuses[code] ?? [500, "Internal error"];
  return { type: "about:blank", title, status, detail: message, code };
}

const statuses: Readonly<Record<string, readonly [status: number, title: string]>> = {
  [ERR_STREAM_NAME]: [400, "Not a stream name"],
  [ERR_WEBSOCKET_HANDSHAKE]: [400, "Not a WebSocket handshake"],
  [ERR_NOT_AUTHORIZED]: [403, "Not allowed"],
  [ERR_HTTP_FORBIDDEN]: [403, "Not allowed"],
  [ERR_HTTP_ORIGIN]: [403, "Origin not allowed"],
  [ERR_STREAM_NOT_FOUND]: [404, "No such stream"],
  [ERR_HTTP_NOT_FOUND]: [404, "Not found"],
  [ERR_HTTP_REQUEST]: [400, "Refused"],
  [ERR_HTTP_TIMEOUT]: [408, "Too slow"],
  [ERR_HTTP_HEADER_TOO_LARGE]: [431, "Head too large"],
  [ERR_STREAM_BUSY]: [409, "Busy"],
  [ERR_CODEC_NOT_RECEIVABLE]: [406, "Codec not receivable"],
  [ERR_LIMIT_REACHED]: [503, "Limit reached"],
  [ERR_MEMORY_LIMIT]: [503, "Out of memory"],
  [ERR_ENGINE_CLOSED]: [503, "Shutting down"],
  [ERR_SHARD_BUSY]: [503, "Busy"],
  [ERR_SHARD_GONE]: [503, "Shutting down"],
};

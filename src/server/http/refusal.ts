/** Refusals of requests that never reach a route: bytes that are not HTTP, or too many, or too slow; and WebSocket handshakes. */

import type { Socket } from "node:net";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_HTTP_HEADER_TOO_LARGE, ERR_HTTP_REQUEST, ERR_HTTP_TIMEOUT } from "../errors.ts";
import { type Problem, problemContentType } from "./problem.ts";

/** What the HTTP parser says of a client; undefined when the connection is simply gone. */
export function clientErrorOf(error: NodeJS.ErrnoException): CodedError | undefined {
  switch (error.code) {
    case "ECONNRESET":
    case "EPIPE":
      return undefined;
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new CodedError(ERR_HTTP_TIMEOUT, "expected the whole request by now");
    case "HPE_HEADER_OVERFLOW":
      return new CodedError(ERR_HTTP_HEADER_TOO_LARGE, "expected a request head of at most 16 KiB");
    default:
      return new CodedError(ERR_HTTP_REQUEST, `expected a request of HTTP/1.1, got ${error.code ?? "something else"}`);
  }
}

/** Answers on a socket that no HTTP server looks after any more, and closes it, whether or not the client closes its side. */
export function endWithProblem(socket: Socket, problem: Problem): void {
  const body = JSON.stringify(problem);
  socket.write(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${problemContentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

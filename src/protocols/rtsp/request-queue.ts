/** Requests that wait for the answer to the one before them: bounded in number and bytes. */

import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { ERR_RTSP_PIPELINE } from "./errors.ts";
import { maxWaitingBytes, maxWaitingRequests } from "./limits.ts";
import type { RtspRequest } from "./message/message.ts";

export class RequestQueue {
  readonly #requests = new Fifo<RtspRequest>();
  #bytes = 0;

  get length(): number {
    return this.#requests.length;
  }

  /** Errors: ERR_RTSP_PIPELINE. */
  push(request: RtspRequest): void {
    this.#requests.push(request);
    this.#bytes += sizeOf(request);
    if (this.#requests.length > maxWaitingRequests || this.#bytes > maxWaitingBytes) {
      throw new CodedError(
        ERR_RTSP_PIPELINE,
        `expected at most ${maxWaitingRequests} requests in ${maxWaitingBytes} bytes to wait for an answer`,
      );
    }
  }

  shift(): RtspRequest | undefined {
    const request = this.#requests.shift();
    if (request !== undefined) this.#bytes -= sizeOf(request);
    return request;
  }

  clear(): void {
    this.#requests.clear();
    this.#bytes = 0;
  }
}

function sizeOf({ url, headers, body }: RtspRequest): number {
  let size = url.length + body.length;
  for (const [name, value] of headers) size += name.length + value.length;
  return size;
}

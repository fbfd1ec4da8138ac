/** How an address is published to: what its scheme says. */

import { CodedError } from "../../bytes/coded-error.ts";
import { parseBenchAddress } from "./address.ts";
import { ERR_BENCH_ADDRESS } from "./errors.ts";
import type { PublisherProtocol } from "./publisher-protocol.ts";
import { RtmpPublishing } from "./rtmp-publishing.ts";
import { RtspPublishing } from "./rtsp-publishing.ts";
import { makeSyntheticStream } from "./synthetic-stream.ts";

export interface PublishingTo {
  readonly port: number;
  readonly protocol: PublisherProtocol;
}

/** Errors: ERR_BENCH_ADDRESS, ERR_RTMP_URL, ERR_RTSP_URL. */
export function publishingTo(url: string, bitRate: number): PublishingTo {
  const { protocol, port } = parseBenchAddress(url);
  if (protocol !== "rtmp" && protocol !== "rtsp")
    throw new CodedError(ERR_BENCH_ADDRESS, "expected rtmp://… or rtsp://… to publish to");
  const stream = makeSyntheticStream(bitRate);
  return { port, protocol: protocol === "rtmp" ? new RtmpPublishing(stream) : new RtspPublishing(stream) };
}

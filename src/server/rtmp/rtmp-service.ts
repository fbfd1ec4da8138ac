/** RTMP and RTMPS as a service of the engine: what its sessions are given. */

import { createHmac, randomBytes } from "node:crypto";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { IngestProtocol } from "../../kernel/services.ts";
import type { RtmpCrypto } from "../../protocols/rtmp/handshake-digest.ts";
import { ReplyMemo } from "../../protocols/rtmp/reply-memo.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, Transport } from "../../runtime/transport.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log/logger.ts";
import { playOptionsOf } from "../play-options.ts";
import { SessionListeners } from "../session-listeners.ts";
import type { MediaPorts } from "../shards/ports.ts";
import { RtmpConnection, type RtmpConnectionContext } from "./rtmp-connection.ts";

export interface RtmpServiceOptions {
  readonly streams: StreamAccess;
  readonly transport: Transport;
  readonly config: Config;
  readonly logger: Logger;
  /** Where to listen, in place of what the configuration says; both when other shards listen there, too. */
  readonly ports: MediaPorts;
  readonly isShared: boolean;
  /** Connections of all shards together. */
  readonly connectionCount: Int32Array;
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** A mistake of ours. */
  readonly onFailure: (error: unknown) => void;
}

export class RtmpService implements IngestProtocol {
  readonly name = "rtmp";
  readonly #options: RtmpServiceOptions;
  readonly #listeners: SessionListeners<RtmpConnection>;

  constructor(options: RtmpServiceOptions) {
    const { transport, logger, config, ports, isShared, connectionCount } = options;
    const { host, port, tls, maxConnections } = config.rtmp;
    this.#options = options;
    this.#listeners = new SessionListeners({
      ...{ transport, logger, host, maxConnections, isShared, connectionCount },
      port: ports.rtmp ?? port,
      tls: tls === undefined ? undefined : { ...tls, port: ports.rtmps ?? tls.port },
      shutdownTimeoutMs: config.server.shutdownTimeoutMs,
    });
  }

  /** The port listened on; undefined before the start. */
  get port(): number | undefined {
    return this.#listeners.port;
  }

  get tlsPort(): number | undefined {
    return this.#listeners.tlsPort;
  }

  start(): Promise<void> {
    const context = this.#context();
    return this.#listeners.start((connection) => new RtmpConnection(context, connection), context.nowMs);
  }

  stop(): Promise<void> {
    return this.#listeners.stop();
  }

  #context(): RtmpConnectionContext {
    const { streams, config, onProblem, onFailure } = this.#options;
    const { chunkSizeBytes, pingIntervalMs, pingTimeoutMs } = config.rtmp;
    return {
      streams,
      session: {
        ...{ crypto: nodeCrypto, chunkSize: chunkSizeBytes, pingIntervalMs, pingTimeoutMs },
        replies: new ReplyMemo(),
      },
      playOptions: playOptionsOf(config),
      // Whole milliseconds: small integers stand in their objects, any other number is an object of its own.
      nowMs: () => Math.floor(systemClock.monotonicMs()),
      onProblem,
      onFailure,
      onClosed: (connection) => this.#listeners.closed(connection),
    };
  }
}

const nodeCrypto: RtmpCrypto = {
  hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
  randomBytes: (length) => randomBytes(length),
};

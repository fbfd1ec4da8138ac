/** RTMP and RTMPS as a service of the engine: its listeners, its connections, and their clock. */

import { createHmac, randomBytes } from "node:crypto";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { IngestProtocol } from "../../kernel/services.ts";
import type { RtmpCrypto } from "../../protocols/rtmp/handshake-digest.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, Listener, Transport } from "../../runtime/transport.ts";
import { type Certificate, watchCertificate } from "../certificate.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log/logger.ts";
import { OpenSet } from "../open-set.ts";
import { playOptionsOf } from "../play-options.ts";
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
  readonly #connections = new OpenSet<RtmpConnection>();
  #listener: Listener | undefined;
  #tlsListener: Listener | undefined;
  #certificate: Certificate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RtmpServiceOptions) {
    this.#options = options;
  }

  /** The port listened on; undefined before the start. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  get tlsPort(): number | undefined {
    return this.#tlsListener?.port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async start(): Promise<void> {
    const { config, transport } = this.#options;
    const { ports, isShared, connectionCount } = this.#options;
    const { host, maxConnections, tls } = config.rtmp;
    const port = ports.rtmp ?? config.rtmp.port;
    const context = this.#context();
    const accept = (connection: Connection): RtmpConnection => {
      const created = new RtmpConnection(context, connection);
      this.#connections.add(created);
      // All listeners of all shards count as one, so the transport's own limit is not enough.
      if (Atomics.add(connectionCount, 0, 1) >= maxConnections) connection.destroy();
      return created;
    };
    this.#listener = await transport.listen({ host, port, maxConnections, isShared }, accept);
    if (tls !== undefined) {
      this.#certificate = await watchCertificate(tls, this.#options.logger, (context_) =>
        this.#tlsListener?.setSecureContext(context_),
      );
      const secure = this.#certificate.context;
      const tlsPort = ports.rtmps ?? tls.port;
      const options = { host, port: tlsPort, maxConnections, isShared, tls: secure };
      this.#tlsListener = await transport.listen(options, accept);
    }
    this.#timer = setInterval(() => {
      const nowMs = context.nowMs();
      for (const connection of this.#connections) connection.handleTime(nowMs);
    }, deadlineIntervalMs);
  }

  /** Accepts nobody any more, tells everybody, and waits as long as the configuration allows. */
  async stop(): Promise<void> {
    const closing = [this.#listener?.close(), this.#tlsListener?.close(), this.#certificate?.close()];
    for (const connection of this.#connections) connection.close("the server is shutting down");
    await this.#connections.drained(this.#options.config.server.shutdownTimeoutMs);
    for (const connection of this.#connections) connection.destroy();
    clearInterval(this.#timer);
    await Promise.all(closing);
  }

  #context(): RtmpConnectionContext {
    const { streams, config, onProblem, onFailure } = this.#options;
    const { chunkSizeBytes, pingIntervalMs, pingTimeoutMs } = config.rtmp;
    return {
      streams,
      session: { crypto: nodeCrypto, chunkSize: chunkSizeBytes, pingIntervalMs, pingTimeoutMs },
      playOptions: playOptionsOf(config),
      // Whole milliseconds: small integers stand in their objects, any other number is an object of its own.
      nowMs: () => Math.floor(systemClock.monotonicMs()),
      onProblem,
      onFailure,
      onClosed: (connection) => {
        this.#connections.delete(connection);
        Atomics.sub(this.#options.connectionCount, 0, 1);
      },
    };
  }
}

const nodeCrypto: RtmpCrypto = {
  hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
  randomBytes: (length) => randomBytes(length),
};

/** How often deadlines are looked at: a session may live this much longer than its limit says. */
const deadlineIntervalMs = 250;

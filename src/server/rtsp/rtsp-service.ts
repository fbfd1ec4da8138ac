/** RTSP and RTSPS as a service of the engine: its listeners, its connections, and their clock. */

import { createHash, createHmac, randomBytes } from "node:crypto";
import type { RtpIdentity } from "../../bridges/rtsp-egress.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { TrackKind } from "../../kernel/frame.ts";
import type { IngestProtocol } from "../../kernel/services.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, Listener, Transport } from "../../runtime/transport.ts";
import { type Certificate, watchCertificate } from "../certificate.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log/logger.ts";
import { OpenSet } from "../open-set.ts";
import { playOptionsOf } from "../play-options.ts";
import type { MediaPorts } from "../shards/ports.ts";
import { RtspConnection, type RtspConnectionContext } from "./rtsp-connection.ts";

export interface RtspServiceOptions {
  readonly streams: StreamAccess;
  readonly transport: Transport;
  readonly config: Config;
  readonly logger: Logger;
  /** Where to listen, in place of what the configuration says; both when other shards listen there, too. */
  readonly ports: MediaPorts;
  readonly isShared: boolean;
  /** Connections of all shards together. */
  readonly connectionCount: Int32Array;
  /** What SSRCs and first numbers are made of: random, and the same on all shards, so that streams may move between them. */
  readonly secret: Uint8Array;
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** A mistake of ours. */
  readonly onFailure: (error: unknown) => void;
}

/** For `/stats`: publishers that are here now. */
export interface RtspReport {
  readonly connections: number;
  readonly publishers: number;
  readonly lostPackets: number;
  readonly duplicatePackets: number;
  readonly strayPackets: number;
  readonly sourceRestarts: number;
  readonly droppedFrames: number;
}

export class RtspService implements IngestProtocol {
  readonly name = "rtsp";
  readonly #options: RtspServiceOptions;
  readonly #connections = new OpenSet<RtspConnection>();
  #listener: Listener | undefined;
  #tlsListener: Listener | undefined;
  #certificate: Certificate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RtspServiceOptions) {
    this.#options = options;
  }

  /** The port listened on; undefined before the start. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  get tlsPort(): number | undefined {
    return this.#tlsListener?.port;
  }

  report(): RtspReport {
    const publishers = [...this.#connections].flatMap(({ peer }) => peer?.ingestCounters ?? []);
    const sum = (count: (counters: (typeof publishers)[number]) => number): number =>
      publishers.reduce((all, counters) => all + count(counters), 0);
    return {
      connections: this.#connections.size,
      publishers: publishers.length,
      lostPackets: sum(({ lostPacketCount }) => lostPacketCount),
      duplicatePackets: sum(({ duplicatePacketCount }) => duplicatePacketCount),
      strayPackets: sum(({ strayPacketCount }) => strayPacketCount),
      sourceRestarts: sum(({ restartCount }) => restartCount),
      droppedFrames: sum(({ droppedFrameCount }) => droppedFrameCount),
    };
  }

  async start(): Promise<void> {
    const { config, transport, ports, isShared, connectionCount } = this.#options;
    const { host, maxConnections, tls } = config.rtsp;
    const context = this.#context();
    const accept = (connection: Connection): RtspConnection => {
      const created = new RtspConnection(context, connection);
      this.#connections.add(created);
      // All listeners of all shards count as one, so the transport's own limit is not enough.
      if (Atomics.add(connectionCount, 0, 1) >= maxConnections) connection.destroy();
      return created;
    };
    const port = ports.rtsp ?? config.rtsp.port;
    this.#listener = await transport.listen({ host, port, maxConnections, isShared }, accept);
    if (tls !== undefined) {
      this.#certificate = await watchCertificate(tls, this.#options.logger, (renewed) =>
        this.#tlsListener?.setSecureContext(renewed),
      );
      const options = { host, port: ports.rtsps ?? tls.port, maxConnections, isShared };
      this.#tlsListener = await transport.listen({ ...options, tls: this.#certificate.context }, accept);
    }
    this.#timer = setInterval(() => {
      const nowMs = systemClock.monotonicMs();
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

  #context(): RtspConnectionContext {
    const { streams, config, onProblem, onFailure } = this.#options;
    return {
      streams,
      session: {
        crypto: nodeCrypto,
        // Over UDP nothing is sent yet: a client that asks for it is answered 461, and comes back with TCP.
        transports: { tcp: true, udp: false, multicast: false },
        sessionTimeoutMs: config.rtsp.sessionTimeoutMs,
      },
      tokens: { publish: config.access.publishToken, play: config.access.playToken },
      playOptions: playOptionsOf(config),
      nowMs: systemClock.monotonicMs,
      random: Math.random,
      identityOf: (stream, kind, number) => this.#identityOf(stream, kind, number),
      tunnels: new Map(),
      onProblem,
      onFailure,
      onClosed: (connection) => {
        this.#connections.delete(connection);
        Atomics.sub(this.#options.connectionCount, 0, 1);
      },
    };
  }

  #identityOf(stream: string, kind: TrackKind, number: number): RtpIdentity {
    const hash = createHmac("sha256", this.#options.secret).update(`${stream} ${kind} ${number}`).digest();
    return {
      ssrc: hash.readUInt32BE(0),
      timestampOffset: hash.readUInt32BE(4),
      firstSequence: hash.readUInt16BE(8),
      initialPictureId: hash.readUInt16BE(10) & 0x7fff,
    };
  }
}

const nodeCrypto: RtspCrypto = {
  randomBytes: (length) => randomBytes(length),
  md5: (data) => createHash("md5").update(data).digest(),
  sha256: (data) => createHash("sha256").update(data).digest(),
};

/** How often deadlines are looked at: a session may live this much longer than its limit says. */
const deadlineIntervalMs = 250;

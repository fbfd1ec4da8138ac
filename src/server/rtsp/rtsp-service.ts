/** RTSP and RTSPS as a service of the engine: what its sessions are given. */

import { createHash, createHmac, randomBytes } from "node:crypto";
import type { RtpIdentity } from "../../bridges/rtsp-egress.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { TrackKind } from "../../kernel/frame.ts";
import type { IngestProtocol } from "../../kernel/services.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, Transport } from "../../runtime/transport.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log/logger.ts";
import { playOptionsOf } from "../play-options.ts";
import { SessionListeners } from "../session-listeners.ts";
import type { MediaPorts } from "../shards/ports.ts";
import { RtspConnection, type RtspConnectionContext } from "./rtsp-connection.ts";
import { SharedDescriptions } from "./shared-descriptions.ts";

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
  readonly #listeners: SessionListeners<RtspConnection>;

  constructor(options: RtspServiceOptions) {
    const { transport, logger, config, ports, isShared, connectionCount } = options;
    const { host, port, tls, maxConnections } = config.rtsp;
    this.#options = options;
    this.#listeners = new SessionListeners({
      ...{ transport, logger, host, maxConnections, isShared, connectionCount },
      port: ports.rtsp ?? port,
      tls: tls === undefined ? undefined : { ...tls, port: ports.rtsps ?? tls.port },
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

  report(): RtspReport {
    const publishers = [...this.#listeners].flatMap(({ peer }) => peer?.ingestCounters ?? []);
    const sum = (count: (counters: (typeof publishers)[number]) => number): number =>
      publishers.reduce((all, counters) => all + count(counters), 0);
    return {
      connections: this.#listeners.size,
      publishers: publishers.length,
      lostPackets: sum(({ lostPacketCount }) => lostPacketCount),
      duplicatePackets: sum(({ duplicatePacketCount }) => duplicatePacketCount),
      strayPackets: sum(({ strayPacketCount }) => strayPacketCount),
      sourceRestarts: sum(({ restartCount }) => restartCount),
      droppedFrames: sum(({ droppedFrameCount }) => droppedFrameCount),
    };
  }

  start(): Promise<void> {
    const context = this.#context();
    return this.#listeners.start((connection) => new RtspConnection(context, connection), context.nowMs);
  }

  stop(): Promise<void> {
    return this.#listeners.stop();
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
      descriptions: new SharedDescriptions((stream, kind, number) => this.#identityOf(stream, kind, number)),
      tokens: { publish: config.access.publishToken, play: config.access.playToken },
      playOptions: playOptionsOf(config),
      nowMs: systemClock.monotonicMs,
      random: Math.random,
      tunnels: new Map(),
      onProblem,
      onFailure,
      onClosed: (connection) => this.#listeners.closed(connection),
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

/** RTSP and RTSPS as a service of the engine: what its sessions are given. */

import type { RtspIngestCounters } from "../../bridges/rtsp-ingest.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import type { IngestProtocol } from "../../kernel/services.ts";
import { udpSessionTimeoutMs } from "../../protocols/rtsp/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, Transport } from "../../runtime/transport.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log/logger.ts";
import { playOptionsOf } from "../play-options.ts";
import { nodeCrypto, rtpIdentityOf } from "../rtp-identity.ts";
import { SessionListeners } from "../session-listeners.ts";
import type { MediaPorts, ShardPosition } from "../shards/ports.ts";
import { RtspConnection, type RtspConnectionContext } from "./rtsp-connection.ts";
import { RtspDatagrams } from "./rtsp-datagrams.ts";
import { SharedDescriptions } from "./shared-descriptions.ts";
import type { Tunnels } from "./tunnels.ts";

export interface RtspServiceOptions {
  readonly streams: StreamAccess;
  readonly transport: Transport;
  readonly config: Config;
  readonly logger: Logger;
  /** Where to listen, in place of what the configuration says; both when other shards listen there, too. */
  readonly ports: MediaPorts;
  readonly isShared: boolean;
  readonly position: ShardPosition;
  /** Connections of all shards together. */
  readonly connectionCount: Int32Array;
  readonly tunnels: Tunnels;
  /** What SSRCs and first numbers are made of: random, and the same on all shards, so that streams may move between them. */
  readonly secret: Uint8Array;
  readonly onProblem: (problem: CodedError, connection: Connection, stream: string) => void;
  /** A mistake of ours. */
  readonly onFailure: (error: unknown) => void;
}

/** For `/stats`: who is here now, what all publishers together have counted since the start, and the same of UDP. */
export interface RtspReport {
  readonly connections: number;
  readonly publishers: number;
  readonly lostPackets: number;
  readonly duplicatePackets: number;
  readonly reorderedPackets: number;
  readonly strayPackets: number;
  readonly sourceRestarts: number;
  readonly droppedFrames: number;
  readonly udpPublishers: number;
  readonly udpPlayers: number;
  readonly multicastPlayers: number;
  /** The longest of those who are here; what players over UDP report, and the round trip that follows from it. */
  readonly publisherJitterMs: number;
  readonly playerJitterMs: number;
  readonly playerRoundTripMs: number;
  /** As those who play over UDP now report them. */
  readonly playerLostPackets: number;
  readonly udpReceivedPackets: number;
  readonly udpReceivedBytes: number;
  readonly udpStrangerPackets: number;
  readonly udpSentPackets: number;
  readonly udpSentBytes: number;
  readonly udpDroppedPackets: number;
  readonly udpOverflowedPackets: number;
  readonly udpUnreachable: number;
  readonly udpRefusedSegmentations: number;
}

export class RtspService implements IngestProtocol {
  readonly name = "rtsp";
  readonly #options: RtspServiceOptions;
  readonly #listeners: SessionListeners<RtspConnection>;
  readonly #datagrams: RtspDatagrams;
  /** What publishers that have gone had counted. */
  #published: IngestTotals = sumOf([]);

  constructor(options: RtspServiceOptions) {
    const { transport, logger, config, ports, isShared, position, connectionCount } = options;
    const { host, port, tls, maxConnections } = config.rtsp;
    this.#options = options;
    this.#datagrams = new RtspDatagrams(transport, config.rtsp, position, (errorName) =>
      logger.warn(
        { error: errorName },
        "the system cuts no packets for a player over UDP (GSO): they go out one by one, which costs more",
      ),
    );
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
    const peers = [...this.#listeners].flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
    const publishers = peers.flatMap(({ ingestCounters }) => ingestCounters ?? []);
    const reports = peers.flatMap(({ receptionReports }) => receptionReports ?? []);
    const counts = sumOf([...publishers, this.#published]);
    const uses = peers.map(({ udpUse }) => udpUse);
    const using = (use: (typeof uses)[number]): number => uses.filter((each) => each === use).length;
    const { counters: udp, unreachableCount } = this.#datagrams;
    return {
      connections: this.#listeners.size,
      publishers: publishers.length,
      lostPackets: counts.lostPacketCount,
      duplicatePackets: counts.duplicatePacketCount,
      reorderedPackets: counts.reorderedPacketCount,
      strayPackets: counts.strayPacketCount,
      sourceRestarts: counts.restartCount,
      droppedFrames: counts.droppedFrameCount,
      udpPublishers: using("publishes"),
      udpPlayers: using("plays"),
      multicastPlayers: using("listens"),
      publisherJitterMs: longest(publishers.map(({ jitterMs }) => jitterMs)),
      playerJitterMs: longest(reports.map(({ jitterMs }) => jitterMs)),
      playerRoundTripMs: longest(reports.map(({ roundTripMs }) => roundTripMs ?? 0)),
      playerLostPackets: reports.reduce((sum, { lostPacketCount }) => sum + lostPacketCount, 0),
      udpReceivedPackets: udp.receivedPackets,
      udpReceivedBytes: udp.receivedBytes,
      udpStrangerPackets: udp.strangerPackets,
      udpSentPackets: udp.sentPackets,
      udpSentBytes: udp.sentBytes,
      udpDroppedPackets: udp.droppedPackets,
      udpOverflowedPackets: udp.overflowedPackets,
      udpUnreachable: unreachableCount,
      udpRefusedSegmentations: udp.refusedSegmentations,
    };
  }

  async start(): Promise<void> {
    const context = this.#context();
    await this.#datagrams.start();
    await this.#listeners.start((connection) => new RtspConnection(context, connection), context.nowMs);
    const shared = this.#datagrams.ports?.sharedPorts;
    if (shared !== undefined) this.#options.logger.info({ rtp: shared[0], rtcp: shared[1] }, "listening on UDP");
  }

  async stop(): Promise<void> {
    await this.#listeners.stop();
    this.#datagrams.stop();
  }

  #context(): RtspConnectionContext {
    const { streams, config, onProblem, onFailure } = this.#options;
    return {
      streams,
      session: {
        crypto: nodeCrypto,
        sessionTimeoutMs: config.rtsp.sessionTimeoutMs,
        udpSessionTimeoutMs: Math.min(config.rtsp.sessionTimeoutMs, udpSessionTimeoutMs),
      },
      datagrams: this.#datagrams,
      descriptions: new SharedDescriptions((stream, kind, number) =>
        rtpIdentityOf(this.#options.secret, stream, kind, number),
      ),
      tokens: { publish: config.access.publishToken, play: config.access.playToken },
      playOptions: playOptionsOf(config),
      nowMs: systemClock.monotonicMs,
      wallMs: systemClock.wallMs,
      random: Math.random,
      tunnels: this.#options.tunnels,
      onPublished: (counters) => {
        this.#published = sumOf([this.#published, counters]);
      },
      onProblem,
      onFailure,
      onClosed: (connection) => this.#listeners.closed(connection),
    };
  }
}

/** What publishers have counted that makes sense as a sum. */
const summed = [
  "lostPacketCount",
  "duplicatePacketCount",
  "reorderedPacketCount",
  "strayPacketCount",
  "restartCount",
  "droppedFrameCount",
] as const satisfies readonly (keyof RtspIngestCounters)[];

type IngestTotals = Readonly<Record<(typeof summed)[number], number>>;

function sumOf(all: readonly IngestTotals[]): IngestTotals {
  const entries = summed.map((name) => [name, all.reduce((sum, counters) => sum + counters[name], 0)]);
  return Object.fromEntries(entries) as IngestTotals;
}

function longest(timesMs: readonly number[]): number {
  return Math.round(timesMs.reduce((longest, timeMs) => Math.max(longest, timeMs), 0));
}

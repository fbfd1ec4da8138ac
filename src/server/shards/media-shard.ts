/** One shard of the server: an engine, a transport, and the protocols that carry media, all on one thread. */

import { flvFamily } from "../../bridges/flv-egress.ts";
import { rtspFamily, rtspFamilyName } from "../../bridges/rtsp-egress.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { MemoryBudget } from "../../kernel/memory-budget.ts";
import { type EngineEvent, type HealthCheck, LocalEventBus } from "../../kernel/services.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Engine } from "../../runtime/engine.ts";
import { openTransport } from "../../runtime/open-transport.ts";
import { type Link, PortLink } from "../../runtime/shards/link.ts";
import { Shard } from "../../runtime/shards/shard.ts";
import type { Connection, Transport } from "../../runtime/transport.ts";
import type { Config } from "../config/schema.ts";
import { ERR_INTERNAL } from "../errors.ts";
import { FlvPlays } from "../http/flv-plays.ts";
import type { Logger } from "../log/logger.ts";
import { RepeatedErrors } from "../log/repeated-errors.ts";
import { OutboundService } from "../outbound/outbound-service.ts";
import { playOptionsOf } from "../play-options.ts";
import { RtmpService } from "../rtmp/rtmp-service.ts";
import { nodeCrypto, rtpIdentityOf } from "../rtp-identity.ts";
import { type RtspReport, RtspService } from "../rtsp/rtsp-service.ts";
import { Tunnels } from "../rtsp/tunnels.ts";
import type { ListenWhere, MediaPeerCalls, MediaShardCalls, PeerConnection, ServerCalls } from "./calls.ts";
import type { MediaPorts } from "./ports.ts";
import { reportOf } from "./report.ts";

/** What all shards of one server have in common, in shared memory. */
export interface SharedCounts {
  /** Bytes of rings and windows, one number for each shard. */
  readonly memory: SharedArrayBuffer;
  /** Connections of all shards, a 32-bit number each: RTMP, RTSP. */
  readonly connections: SharedArrayBuffer;
  /** Random: what SSRCs are made of. */
  readonly rtpSecret: SharedArrayBuffer;
}

export interface MediaShardOptions {
  readonly index: number;
  readonly config: Config;
  readonly logger: Logger;
  readonly counts: SharedCounts;
  readonly healthChecks?: readonly HealthCheck[];
}

export class MediaShard {
  readonly shard: Shard;
  readonly transport: Transport;
  readonly flvPlays: FlvPlays;
  readonly outbound: OutboundService;
  readonly problems: RepeatedErrors;
  readonly #options: MediaShardOptions;
  readonly #problemTimer: NodeJS.Timeout;
  #rtmp: RtmpService | undefined;
  #rtsp: RtspService | undefined;
  readonly #tunnels = new Tunnels();

  constructor(options: MediaShardOptions, controller: Link<ServerCalls>) {
    const { index, config, logger, counts, healthChecks = [] } = options;
    const { streaming } = config;
    this.#options = options;
    this.problems = new RepeatedErrors((line) => controller.mention("problem", line));
    this.#problemTimer = setInterval(() => this.problems.poll(systemClock.monotonicMs()), problemIntervalMs).unref();
    this.transport = openTransport({
      choice: config.server.transport,
      pacing: { minIntervalMs: streaming.flushIntervalMs, latencyBudgetMs: streaming.latencyBudgetMs },
      onFailure: this.onFailure,
      onFallback: (reason) => logger.warn({ code: reason.code }, `${reason.message}; the portable transport serves`),
    });
    const eventBus = new LocalEventBus();
    const onEvent = (event: EngineEvent): void => controller.tell("changed", { shard: index, event });
    eventBus.listen(onEvent);
    const engine = new Engine({
      eventBus,
      healthChecks,
      memory: new MemoryBudget(streaming.memoryLimitBytes, new Float64Array(counts.memory), index),
      idleTimeoutMs: streaming.idleTimeoutMs,
      publisherTimeoutMs: streaming.publisherTimeoutMs,
      limits: {
        maxPublishers: streaming.maxPublishers,
        maxStreams: streaming.maxStreams,
        maxApplications: streaming.maxApplications,
        maxRingBytes: streaming.maxRingBytes,
        maxWindowBytes: streaming.maxRingBytes,
        memoryBytes: streaming.memoryLimitBytes,
      },
    });
    const families = new Map([
      ["flv", flvFamily],
      [rtspFamilyName, rtspFamily(systemClock.wallMs)],
    ]);
    this.shard = new Shard({ index, engine, families, onEvent, onFailure: this.onFailure }, controller);
    this.transport.onDoorbell = () => this.shard.rung();
    this.flvPlays = new FlvPlays({
      streams: this.shard,
      transport: this.transport,
      playOptions: playOptionsOf(config),
      onProblem: this.onProblem,
    });
    engine.register({
      name: "http-flv",
      start: () => {},
      stop: () => this.flvPlays.drained(config.server.shutdownTimeoutMs),
    });
    const secret = new Uint8Array(counts.rtpSecret);
    this.outbound = new OutboundService({
      streams: this.shard,
      transport: this.transport,
      crypto: nodeCrypto,
      playOptions: playOptionsOf(config),
      identityOf: (stream, kind, number) => rtpIdentityOf(secret, stream, kind, number),
      nowMs: systemClock.monotonicMs,
      random: Math.random,
      shutdownTimeoutMs: config.server.shutdownTimeoutMs,
      onProblem: this.onProblem,
      onFailure: this.onFailure,
      tell: (event) => controller.tell("outbound", event),
    });
    engine.register(this.outbound);
  }

  /** What the controller's thread asks of this one. */
  get calls(): MediaShardCalls {
    return {
      ...this.shard.calls,
      connect: (peer) => this.#connect(peer),
      doorbellFd: () => this.transport.doorbellFd,
      listen: (where) => this.listen(where),
      report: () => reportOf(this),
      openFlv: (request) => this.flvPlays.open(request),
      startFlv: ({ id, fd, head }) => this.flvPlays.start(id, fd, head),
      cancelFlv: (id) => this.flvPlays.cancel(id),
      openOutbound: (order) => this.outbound.open(order),
      closeOutbound: ({ tryId, reason }) => this.outbound.close(tryId, reason),
      stop: (reason) => this.shard.engine.shutdown(reason),
      close: () => this.close(),
    };
  }

  /** A peer's mistake or a refusal: counted, and logged at most once a second. */
  readonly onProblem = (problem: CodedError, address: string, stream: string): void => {
    const fields = { address, stream: stream === "" ? undefined : stream };
    this.problems.handle(problem, fields, systemClock.monotonicMs());
  };

  /** Peers may be able to repeat it: counted, and logged once a second with the newest stack, like everything else. */
  readonly onFailure = (error: unknown): void => {
    const problem = new CodedError(ERR_INTERNAL, "a session ended by a mistake of ours");
    this.problems.handle(problem, { err: cloneableError(error) }, systemClock.monotonicMs());
  };

  /** Undefined when RTSP is off, and before the start. */
  get rtsp(): RtspReport | undefined {
    return this.#rtsp?.report();
  }

  /** Opens the listeners of all protocols that the configuration names. Resolves to their ports. */
  async listen({ ports, isShared, position }: ListenWhere): Promise<MediaPorts> {
    const { config, logger, counts } = this.#options;
    const common = {
      streams: this.shard,
      transport: this.transport,
      config,
      logger,
      ports,
      isShared,
      onProblem: (problem: CodedError, connection: Connection, stream: string) =>
        this.onProblem(problem, connection.remoteAddress, stream),
      onFailure: this.onFailure,
    };
    if (config.rtmp.enabled) {
      this.#rtmp = new RtmpService({ ...common, connectionCount: new Int32Array(counts.connections, 0, 1) });
      this.shard.engine.register(this.#rtmp);
    }
    if (config.rtsp.enabled) {
      const connectionCount = new Int32Array(counts.connections, 4, 1);
      this.#rtsp = new RtspService({
        ...common,
        position,
        tunnels: this.#tunnels,
        connectionCount,
        secret: new Uint8Array(counts.rtpSecret),
      });
      this.shard.engine.register(this.#rtsp);
    }
    await this.shard.engine.start();
    return {
      ...{ rtmp: this.#rtmp?.port, rtmps: this.#rtmp?.tlsPort },
      ...{ rtsp: this.#rtsp?.port, rtsps: this.#rtsp?.tlsPort },
    };
  }

  async close(): Promise<void> {
    this.shard.close();
    await this.transport.close();
    clearInterval(this.#problemTimer);
    this.problems.flush(systemClock.monotonicMs());
  }

  #connect({ index, port, side, queue, doorbellFd, outward, inward }: PeerConnection): void {
    const calls = { ...this.shard.peerCalls(index), ...this.#tunnels.calls };
    const link = new PortLink<MediaPeerCalls, MediaPeerCalls>(
      { port, side, queue },
      calls,
      systemClock.monotonicMs,
      this.onFailure,
    );
    const wake = (): void => {
      if (doorbellFd === undefined) link.tell("ring", undefined);
      else this.transport.ringDoorbell(doorbellFd);
    };
    this.shard.connect(index, link, outward, inward, wake);
    this.#tunnels.addPeer(link);
  }
}

/** What was thrown, as it can be sent to another thread: an error may hold anything. */
function cloneableError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  const error = new Error(thrown.message);
  error.name = thrown.name;
  if (thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
}

const problemIntervalMs = 250;

/**
 * All shards of the server. With one, this thread does everything. With more, each has a thread of its own, and this thread has
 * one beside them for the players that can't leave it.
 */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { CodedError } from "../../bytes/coded-error.ts";
import type { HealthCheck } from "../../kernel/services.ts";
import { ERR_LISTEN } from "../../runtime/errors.ts";
import { type Link, type LinkCounters, LocalLink } from "../../runtime/shards/link.ts";
import type { Config } from "../config/schema.ts";
import type { Logger, LoggerSettings } from "../log/logger.ts";
import type { MediaShardCalls, ServerCalls } from "./calls.ts";
import { MediaShard, type SharedCounts } from "./media-shard.ts";
import { type MediaPorts, noPorts } from "./ports.ts";
import type { ShardReport } from "./report.ts";
import { connectShards, type ShardThread, startShardThread } from "./shard-threads.ts";

export interface ShardSetOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly logging: LoggerSettings;
  readonly calls: ServerCalls;
  readonly healthChecks: readonly HealthCheck[];
  /** A thread has ended by itself. */
  readonly onDeath: (error: CodedError) => void;
}

export class ShardSet {
  /** This thread's. */
  readonly main: MediaShard;
  readonly #config: Config;
  readonly #threads: readonly ShardThread[];
  readonly #links: ReadonlyMap<number, Link<MediaShardCalls>>;
  /** Each shard's doorbell, as the others ring it. */
  readonly #doorbellFds: number[] = [];
  #ports: MediaPorts = noPorts;

  constructor({ config, logger, logging, calls, healthChecks, onDeath }: ShardSetOptions) {
    this.#config = config;
    const wanted = wantedCount(config.server.shards, logger);
    const threadCount = wanted === 1 ? 0 : wanted;
    const counts: SharedCounts = {
      memory: new SharedArrayBuffer(8 * (threadCount + 1)),
      connections: new SharedArrayBuffer(8),
      rtpSecret: new SharedArrayBuffer(32),
    };
    new Uint8Array(counts.rtpSecret).set(randomBytes(counts.rtpSecret.byteLength));
    const onFailure = (error: unknown): void => this.main.onFailure(error);
    this.main = new MediaShard({ index: 0, config, logger, counts, healthChecks }, new LocalLink(calls, onFailure));
    this.#threads = Array.from({ length: threadCount }, (_, at) =>
      startShardThread({ index: at + 1, config, logging, counts, calls, onFailure, onDeath }),
    );
    this.#links = new Map<number, Link<MediaShardCalls>>([
      [0, new LocalLink(this.main.calls, onFailure)],
      ...this.#threads.map(({ index, link }) => [index, link] as const),
    ]);
  }

  get links(): ReadonlyMap<number, Link<MediaShardCalls>> {
    return this.#links;
  }

  /** Those on other threads. */
  get others(): readonly Link<MediaShardCalls>[] {
    return this.#threads.map(({ link }) => link);
  }

  /** Those that begin connections of their own: all that carry media, but for the main thread's where there are others. */
  get outbound(): readonly Link<MediaShardCalls>[] {
    return this.#threads.length === 0 ? [...this.#links.values()] : this.others;
  }

  /** Listened on; undefined before the start, and for what is switched off. */
  get ports(): MediaPorts {
    return this.#ports;
  }

  /** Resolves when all of them listen. @throws `ERR_LISTEN`, `ERR_CERTIFICATE` */
  async start(): Promise<void> {
    if (this.#threads.length === 0) {
      const position = { index: 0, count: 1 };
      this.#ports = await this.main.listen({ ports: this.#ports, isShared: false, position });
      return;
    }
    await connectShards(this.#links, (fd) => this.#holdDoorbell(fd));
    await this.#assertPortsFree();
    // The first one finds the ports that all of them have.
    for (const [index, { link }] of this.#threads.entries()) {
      const position = { index, count: this.#threads.length };
      this.#ports = await link.call("listen", { ports: this.#ports, isShared: true, position });
    }
  }

  reports(): Promise<readonly ShardReport[]> {
    return Promise.all(
      Array.from(this.#links.values(), async (link) => {
        const report = await link.call("report", undefined);
        return { ...report, links: sumOf(report.links, link.counters) };
      }),
    );
  }

  /** Tells all publishers and players, and waits until they are gone, or their time is over. */
  async stop(reason: string): Promise<void> {
    const timeoutMs = this.#config.server.shutdownTimeoutMs + stopSlackMs;
    await Promise.allSettled(Array.from(this.#links.values(), (link) => link.call("stop", reason, { timeoutMs })));
  }

  /** Lets go of everything; last of what threads ring each other with. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await this.main.close();
    for (const fd of this.#doorbellFds.splice(0)) this.main.transport.dropDoorbell(fd);
  }

  #holdDoorbell(fd: number): number | undefined {
    const held = this.main.transport.holdDoorbell(fd);
    if (held !== undefined) this.#doorbellFds.push(held);
    return held;
  }

  /** What several sockets of ours may share, those of another server could join, and take half of the connections. */
  async #assertPortsFree(): Promise<void> {
    const { rtmp, rtsp } = this.#config;
    const listeners = [rtmp, rtsp].flatMap(({ enabled, host, port, tls }) => {
      const ports = tls === undefined ? [port] : [port, tls.port];
      return enabled ? ports.map((each) => ({ host, port: each })) : [];
    });
    for (const { host, port } of listeners) {
      if (port === 0) continue;
      const probe = createServer();
      try {
        probe.listen({ port, ...(host === "" ? {} : { host }) });
        await once(probe, "listening");
      } catch (error) {
        const { code = "an unknown error" } = error as NodeJS.ErrnoException;
        const where = host === "" ? "all addresses" : host;
        throw new CodedError(ERR_LISTEN, `can't listen on ${where}, port ${port}: ${code}`);
      }
      probe.close();
      await once(probe, "close");
    }
  }
}

/** Both directions between a shard and the controller, and the ways between shards. */
function sumOf(one: LinkCounters, other: LinkCounters): LinkCounters {
  return { sentCount: one.sentCount + other.sentCount, fullCount: one.fullCount + other.fullCount };
}

/** Several threads need a system that shares the connections of one port out among them (SO_REUSEPORT as Linux has it). */
function wantedCount(shards: number, logger: Logger): number {
  if (process.platform === "linux") return shards === 0 ? Math.min(availableParallelism(), maxShards) : shards;
  if (shards > 1)
    logger.warn(`server.shards = ${shards} needs Linux; on ${process.platform} one thread does everything`);
  return 1;
}

/** As many as `server.shards` can ask for. */
const maxShards = 64;

/** Beyond the time that sessions have to finish. */
const stopSlackMs = 5_000;

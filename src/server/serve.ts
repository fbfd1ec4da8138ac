/** The server: puts engine, transport, services, log and configuration together, and takes them down in order. */

import { CodedError } from "../bytes/coded-error.ts";
import { ERR_STREAM_BUSY } from "../kernel/errors.ts";
import type { HealthCheck, HealthReport, Observer } from "../kernel/services.ts";
import type { Stream } from "../kernel/stream.ts";
import { systemClock } from "../runtime/clock.ts";
import { Engine } from "../runtime/engine.ts";
import { openTransport } from "../runtime/open-transport.ts";
import { ConfiguredAccess } from "./access.ts";
import type { LoadedConfig } from "./config/load.ts";
import { ERR_INTERNAL } from "./errors.ts";
import { HttpService } from "./http/http-service.ts";
import { formatBanner } from "./log/banner.ts";
import type { Logger } from "./log/logger.ts";
import { RepeatedErrors } from "./log/repeated-errors.ts";
import { RtmpService } from "./rtmp/rtmp-service.ts";

export interface Server {
  readonly rtmpPort: number | undefined;
  readonly rtmpsPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly engine: Engine;
  stop(reason: string): Promise<void>;
}

export interface ServerOptions {
  readonly loaded: LoadedConfig;
  readonly logger: Logger;
  readonly version: string;
}

/** Starts everything that the configuration names. Resolves when all of it listens. */
export async function startServer({ loaded, logger, version }: ServerOptions): Promise<Server> {
  const { config } = loaded;
  const startedAtMs = systemClock.monotonicMs();
  for (const note of loaded.notes) logger.warn(note);

  const problems = new RepeatedErrors(({ code, message, count, fields }) => {
    const level = code === ERR_INTERNAL ? "error" : "warn";
    logger[level]({ code, ...(count > 1 ? { count } : {}), ...fields }, message);
  });
  const problemTimer = setInterval(() => problems.poll(systemClock.monotonicMs()), problemIntervalMs).unref();
  const report = (problem: CodedError, address: string, stream: string): void => {
    // Who holds the stream that somebody else wanted: for us to know, and not in the message that the peer gets.
    const isBusy = problem.code === ERR_STREAM_BUSY;
    const publisher = isBusy ? engine.getStream(stream)?.metadata.publisherAddress : undefined;
    const fields = { address, stream: stream === "" ? undefined : stream, publisher };
    problems.handle(problem, fields, systemClock.monotonicMs());
  };

  const access = new ConfiguredAccess(config.access);
  // Peers may be able to repeat it: counted, and logged once a second with the newest stack, like everything else.
  const onFailure = (error: unknown): void => {
    const problem = new CodedError(ERR_INTERNAL, "a session ended by a mistake of ours");
    problems.handle(problem, { err: error }, systemClock.monotonicMs());
  };
  const transport = openTransport({
    choice: config.server.transport,
    pacing: { minIntervalMs: config.streaming.flushIntervalMs, latencyBudgetMs: config.streaming.latencyBudgetMs },
    onFailure,
    onFallback: (reason) => logger.warn({ code: reason.code }, `${reason.message}; the portable transport serves`),
  });
  const { streaming } = config;
  const engine = new Engine({
    authenticator: access,
    healthChecks: [
      listening("rtmp", config.rtmp.enabled, () => rtmp.port),
      listening("http", config.http.enabled, () => http.port),
      { name: "memory", check: () => memoryReport(engine.memory.usedBytes, engine.memory.limitBytes) },
    ],
    observer: logObserver(logger),
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

  const rtmp = new RtmpService({
    engine,
    transport,
    config,
    logger,
    onProblem: (problem, connection, stream) => report(problem, connection.remoteAddress, stream),
    onFailure,
  });
  const http = new HttpService({
    engine,
    transport,
    config,
    access,
    rtmpPort: () => rtmp.port,
    status: {
      engine,
      version,
      startedAtMs,
      transportCounters: () => transport.counters,
      errorCounts: () => Object.fromEntries(problems.totals()),
    },
    onProblem: report,
    onFailure,
  });
  if (config.rtmp.enabled) engine.register(rtmp);
  if (config.http.enabled) engine.register(http);

  const stop = async (reason: string): Promise<void> => {
    logger.info({ reason }, "stopping");
    await engine.shutdown(reason);
    await transport.close();
    clearInterval(problemTimer);
    problems.flush(systemClock.monotonicMs());
    logger.info("stopped");
  };
  try {
    await engine.start();
  } catch (error) {
    await stop("the start failed");
    throw error;
  }
  const server = { rtmpPort: rtmp.port, rtmpsPort: rtmp.tlsPort, httpPort: http.port, engine, stop };
  const ports = { rtmp: server.rtmpPort, rtmps: server.rtmpsPort, http: server.httpPort };
  logger.info({ version, config: loaded.file ?? "none", ...ports }, "listening");
  return server;
}

function listening(name: string, isEnabled: boolean, port: () => number | undefined): HealthCheck {
  return {
    name,
    check: () => {
      if (!isEnabled) return { isHealthy: true, detail: "switched off" };
      const found = port();
      return { isHealthy: found !== undefined, detail: found === undefined ? "not listening" : `port ${found}` };
    },
  };
}

/** A server whose rings are nearly full refuses new players soon: better to send them elsewhere before. */
function memoryReport(usedBytes: number, limitBytes: number): HealthReport {
  const percent = Math.round((usedBytes / limitBytes) * 100);
  return { isHealthy: percent < fullPercent, detail: `${percent} % of streaming.memory_limit in use` };
}

/** What the start-up banner says of a running server. */
export function bannerOf(server: Server, { config }: LoadedConfig, version: string): string {
  const { rtmpPort, rtmpsPort, httpPort } = server;
  const host = config.http.host || config.rtmp.host || "localhost";
  return formatBanner({ version, host, rtmpPort, rtmpsPort, httpPort, access: config.access });
}

/** One line for each change of a session's or a stream's state; never one for a frame. */
function logObserver(logger: Logger): Observer {
  const of = (stream: Stream): { readonly stream: string } => ({ stream: stream.name.key });
  return {
    published: (stream) => {
      const { ingestProtocol, publisherAddress } = stream.metadata;
      logger.info({ ...of(stream), protocol: ingestProtocol, address: publisherAddress }, "publishing");
    },
    unpublished: (stream, reason) => logger.info({ ...of(stream), reason }, "publishing ended"),
    streamEnded: (stream, reason) => logger.info({ ...of(stream), reason }, "stream ended"),
    subscribed: (stream, protocol, address) => logger.debug({ ...of(stream), protocol, address }, "playing"),
    unsubscribed: (stream, protocol, address, reason) =>
      logger.debug({ ...of(stream), protocol, address, reason }, "playing ended"),
    evicted: (stream, protocol, address) =>
      logger.warn({ ...of(stream), protocol, address }, "a player that was too slow was disconnected"),
  };
}

const problemIntervalMs = 250;
const fullPercent = 95;

/** The server: puts controller, shards, HTTP, log and configuration together, and takes them down in order. */

import { ERR_STREAM_BUSY } from "../kernel/errors.ts";
import {
  type EngineEvent,
  type HealthCheck,
  type HealthReport,
  LocalEventBus,
  silentAuditSink,
} from "../kernel/services.ts";
import { systemClock } from "../runtime/clock.ts";
import { Controller } from "../runtime/shards/controller.ts";
import { ConfiguredAccess } from "./access.ts";
import type { LoadedConfig } from "./config/load.ts";
import { ERR_INTERNAL } from "./errors.ts";
import { ForwardSet } from "./forwards/forward-set.ts";
import { FlvCarriers } from "./http/flv-carriers.ts";
import { HttpService } from "./http/http-service.ts";
import { formatBanner } from "./log/banner.ts";
import type { LogDestination, Logger, LoggerSettings } from "./log/logger.ts";
import { type RepeatedError, RepeatedErrors } from "./log/repeated-errors.ts";
import { OutboundDirector } from "./outbound/director.ts";
import type { Failure } from "./outbound/supervisor.ts";
import { ShardSet } from "./shards/shard-set.ts";
import { SourceSet } from "./sources/source-set.ts";

export interface Server {
  readonly rtmpPort: number | undefined;
  readonly rtmpsPort: number | undefined;
  readonly rtspPort: number | undefined;
  readonly rtspsPort: number | undefined;
  readonly httpPort: number | undefined;
  stop(reason: string): Promise<void>;
}

export interface ServerOptions {
  readonly loaded: LoadedConfig;
  readonly logger: Logger;
  /** What the logger was made with: the other threads have one of their own... */
  readonly logging: LoggerSettings;
  /** ...whose lines go here. */
  readonly logOutput: LogDestination;
  readonly version: string;
}

/** Starts everything that the configuration names. Resolves when all of it listens. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { loaded, logger, logging, logOutput, version } = options;
  const { config } = loaded;
  const startedAtMs = systemClock.monotonicMs();
  for (const note of loaded.notes) logger.warn(note);

  const access = new ConfiguredAccess(config.access);
  const eventBus = new LocalEventBus();
  eventBus.listen((event) => logEvent(logger, event));
  const controller = new Controller({
    clock: systemClock,
    authenticator: access,
    auditSink: silentAuditSink,
    eventBus,
    limits: config.streaming,
    supply: {
      refusal: (request) => sources.refusal(request),
      summon: (stream, protocol) => sources.summon(stream, protocol),
    },
  });
  // Each shard puts its own together; here all of them come together, at most one line a second for each code.
  const problems = new RepeatedErrors((line) => logProblem(logger, controller, line));
  const problemTimer = setInterval(() => problems.poll(systemClock.monotonicMs()), problemIntervalMs).unref();
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {}); // of interest during the start only
  let isStarting = true;
  const shards: ShardSet = new ShardSet({
    config,
    logger,
    logging,
    calls: {
      ...controller.calls,
      problem: (errors) => problems.handle(errors, errors.fields, systemClock.monotonicMs(), errors.count),
      log: (line) => {
        logOutput.write(line);
      },
      outbound: (event) => director.handle(event),
    },
    healthChecks: [
      listening("rtmp", config.rtmp.enabled, () => shards.ports.rtmp),
      listening("rtsp", config.rtsp.enabled, () => shards.ports.rtsp),
      listening("http", config.http.enabled, () => http.port),
      { name: "memory", check: () => memoryReport(memory.usedBytes, memory.limitBytes) },
    ],
    // Its streams are gone, and nothing is known of its state: the process ends in order, and its supervisor starts it again.
    onDeath: (error) => {
      if (isStarting) {
        death.reject(error);
        return;
      }
      setImmediate(() => {
        throw error;
      });
    },
  });
  for (const [index, link] of shards.links) controller.addShard(index, link);
  const director = new OutboundDirector(shards.outbound);
  const outbound = {
    ...{ entries: config.streams, director, logger, nowMs: systemClock.monotonicMs, random: Math.random },
    onFailing: (failure: Failure, fields: Readonly<Record<string, unknown>>) =>
      problems.handle(failure, fields, systemClock.monotonicMs()),
  };
  const sources = new SourceSet(outbound);
  const forwards = new ForwardSet(outbound);
  eventBus.listen((event) => sources.handleEvent(event));
  eventBus.listen((event) => forwards.handleEvent(event));
  const { main } = shards;
  const { memory } = main.shard.engine;
  const http = new HttpService({
    config,
    access,
    streams: main.shard,
    carriers: new FlvCarriers({
      streams: main.shard,
      plays: main.flvPlays,
      transport: main.transport,
      shards: shards.others,
    }),
    health: () => main.shard.engine.health(),
    rtmpPort: () => shards.ports.rtmp,
    status: {
      version,
      startedAtMs,
      isClosed: () => controller.isClosed,
      publisherCount: () => controller.publisherCount,
      controllerCounters: () => controller.counters,
      memory: () => memory,
      reports: () => shards.reports(),
      sources: () => sources.describe(),
      forwards: () => forwards.describe(),
    },
    onProblem: main.onProblem,
    onFailure: main.onFailure,
  });

  const stop = async (reason: string): Promise<void> => {
    logger.info({ reason }, "stopping");
    controller.close();
    sources.stop(reason);
    forwards.stop(reason);
    await shards.stop(reason);
    await http.stop();
    await shards.close();
    clearInterval(problemTimer);
    problems.flush(systemClock.monotonicMs());
    logger.info("stopped");
  };
  try {
    // Of a thread that ends meanwhile it says why, and not only that it does not answer.
    await Promise.race([death.promise, shards.start()]);
    if (config.http.enabled) await http.start();
    isStarting = false;
    sources.start();
  } catch (error) {
    await stop("the start failed");
    throw error;
  }
  const ports = { ...shards.ports, http: http.port };
  logger.info({ version, config: loaded.file ?? "none", ...ports }, "listening");
  const { rtmp: rtmpPort, rtmps: rtmpsPort, rtsp: rtspPort, rtsps: rtspsPort, http: httpPort } = ports;
  return { rtmpPort, rtmpsPort, rtspPort, rtspsPort, httpPort, stop };
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
  const { stop: _stop, ...ports } = server;
  const host = config.http.host || config.rtmp.host || config.rtsp.host || "localhost";
  return formatBanner({ version, host, ...ports, access: config.access });
}

function logProblem(logger: Logger, controller: Controller, { code, message, count, fields }: RepeatedError): void {
  const level = code === ERR_INTERNAL ? "error" : "warn";
  const { stream } = fields;
  // Who holds the stream that somebody else wanted: for us to know, and not in the message that the peer gets.
  const publisher =
    code === ERR_STREAM_BUSY && typeof stream === "string" ? controller.publisherAddress(stream) : undefined;
  const shown = { code, ...(count > 1 ? { count } : {}), ...fields, ...(publisher === undefined ? {} : { publisher }) };
  logger[level](shown, message);
}

/** One line for each change of a session's or a stream's state; never one for a frame. */
function logEvent(logger: Logger, event: EngineEvent): void {
  const { type, atMs: _atMs, ...fields } = event;
  switch (type) {
    case "publish":
      logger.info(fields, "publishing");
      return;
    case "unpublish":
      logger.info(fields, "publishing ended");
      return;
    case "stream.started":
      return;
    case "stream.ended":
      logger.info(fields, "stream ended");
      return;
    case "subscribe":
      logger.debug(fields, "playing");
      return;
    case "unsubscribe":
      logger.debug(fields, "playing ended");
      return;
    case "evict":
      logger.warn(fields, "a player that was too slow was disconnected");
      return;
  }
}

const problemIntervalMs = 250;
const fullPercent = 95;

/** HTTP: one Fastify server for everything short, and the door to HTTP-FLV and WebSocket-FLV. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import fastifyCors from "@fastify/cors";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { CodedError } from "../../bytes/coded-error.ts";
import { maxNameLength } from "../../kernel/limits.ts";
import type { HealthReport } from "../../kernel/services.ts";
import { parseStreamName } from "../../kernel/stream-name.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ERR_LISTEN } from "../../runtime/errors.ts";
import { acceptBacklog } from "../../runtime/limits.ts";
import { plainAddress } from "../../runtime/plain-address.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { ConfiguredAccess } from "../access.ts";
import type { Config } from "../config/schema.ts";
import { ERR_HTTP_FORBIDDEN, ERR_HTTP_NOT_FOUND, ERR_HTTP_ORIGIN, ERR_HTTP_REQUEST } from "../errors.ts";
import { AllowedOrigins, isLocalHost } from "./cors.ts";
import type { FlvCarriers } from "./flv-carriers.ts";
import { flvResponseHead, webSocketHead } from "./flv-head.ts";
import type { FlvRequest } from "./flv-plays.ts";
import { problemContentType, problemOf } from "./problem.ts";
import { clientErrorOf, endWithProblem } from "./refusal.ts";
import { health, type StatusSources, stats } from "./status.ts";

export interface HttpServiceOptions {
  readonly streams: StreamAccess;
  readonly carriers: FlvCarriers;
  /** What must be well for the server to be ready, by name. */
  readonly health: () => Promise<ReadonlyMap<string, HealthReport>>;
  readonly config: Config;
  readonly access: ConfiguredAccess;
  readonly status: StatusSources;
  /** Where RTMP listens, for the page that says how to publish; undefined when it is off. */
  readonly rtmpPort: () => number | undefined;
  /** A peer's mistake or a refusal: counted, and logged at most once a second. */
  readonly onProblem: (problem: CodedError, address: string, stream: string) => void;
  /** A mistake of ours. */
  readonly onFailure: (error: unknown) => void;
}

export class HttpService {
  readonly #options: HttpServiceOptions;
  readonly #origins: AllowedOrigins;
  #server: FastifyInstance | undefined;
  #page: string | undefined;

  constructor(options: HttpServiceOptions) {
    this.#options = options;
    this.#origins = new AllowedOrigins(options.config.http.allowOrigins);
  }

  get port(): number | undefined {
    const address = this.#server?.server.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  async start(): Promise<void> {
    const { config } = this.#options;
    const server = fastify({
      // Slow headers, slow bodies, large bodies: nobody here has a reason for any of them.
      requestTimeout: requestTimeoutMs,
      connectionTimeout: stallTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      bodyLimit: maxBodyBytes,
      forceCloseConnections: true,
      http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: 1_000 },
      clientErrorHandler: (error, socket) => this.#refuse(error, socket),
      frameworkErrors: (error, request, reply) => {
        this.#fail(error, request, reply);
      },
      // Stream names have one spelling; the router repairs none.
      routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false },
    });
    server.server.maxConnections = config.http.maxConnections;
    this.#server = server;
    await server.register(fastifyCors, {
      origin: (origin, done) => done(null, this.#origins.answer(origin) ?? false),
      methods: ["GET", "HEAD", "OPTIONS"],
    });
    await this.#servePage(server);
    this.#addRoutes(server);
    server.setNotFoundHandler((request, reply) => {
      const detail = `nothing answers ${request.method} at this address`;
      return this.#fail(new CodedError(ERR_HTTP_NOT_FOUND, detail), request, reply);
    });
    server.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    server.server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
    server.server.prependListener("request", (request: IncomingMessage) => {
      const socket: NotedSocket = request.socket;
      if (socket[isHandedOver] === true) socket.destroy();
      socket[newestRequest] = request;
    });
    await listen(server, config.http.host, config.http.port);
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  #addRoutes(server: FastifyInstance): void {
    const { status } = this.#options;
    server.get("/livez", () => ({ status: "ok" }));
    server.get("/readyz", async (_request, reply) => {
      const reports = [...(await this.#options.health())].map(([name, report]) => ({ name, ...report }));
      const isReady = !status.isClosed() && reports.every((report) => report.isHealthy);
      const checks = reports.map(({ name, isHealthy, detail }) => ({ name, healthy: isHealthy, detail }));
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ok" : "not_ready", checks });
    });
    server.get("/health", () => health(status, systemClock.monotonicMs()));
    server.get("/stats", async (request) => {
      this.#requireManagement(request);
      return stats(status, systemClock.monotonicMs());
    });
    server.get("/", (_request, reply) => this.#sendPage(reply));
    server.route({ method: ["GET", "HEAD"], url: "/*", handler: (request, reply) => this.#handlePath(request, reply) });
  }

  /** Media and pages by the stream's own path; the raw path, because an escaped spelling is not the same name. */
  async #handlePath(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { path, query } = splitTarget(request.raw.url ?? "/");
    if (!path.endsWith(flvSuffix)) {
      parseStreamName(path.slice(1));
      return this.#sendPage(reply);
    }
    const flvRequest = this.#flvRequest(request.raw, path, query, "http-flv");
    if (request.method === "HEAD") {
      await this.#options.carriers.find(flvRequest);
      return reply.type("video/x-flv").header("cache-control", "no-store").send();
    }
    const socket: NotedSocket = request.raw.socket;
    const flv = await this.#options.carriers.open(flvRequest, socket);
    reply.hijack();
    // Pipelined requests: their answers would lie before or behind a body that has no end.
    const isAlone = socket[newestRequest] === request.raw && reply.raw.socket === socket;
    if (!isAlone) socket.destroy();
    if (socket.destroyed) {
      flv.cancel();
      return reply;
    }
    const head = flvResponseHead(request.raw, corsHeaders(reply));
    this.#handOver(socket);
    flv.start(socket, head);
    return reply;
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { path, query } = splitTarget(request.url ?? "/");
    const address = addressOf(request);
    socket.on("error", () => socket.destroy());
    try {
      const { origin, host } = request.headers;
      if (!this.#origins.mayOpenWebSocket(origin, host)) {
        throw new CodedError(ERR_HTTP_ORIGIN, `pages of ${origin} may not play from here: see http.allow_origin`);
      }
      if (!path.endsWith(flvSuffix)) {
        throw new CodedError(ERR_HTTP_NOT_FOUND, "there is a WebSocket at /app/name.flv only");
      }
      const answer = webSocketHead(request, head);
      const flv = await this.#options.carriers.open(this.#flvRequest(request, path, query, "ws-flv"), socket);
      if (socket.destroyed) {
        flv.cancel();
        return;
      }
      this.#handOver(socket);
      flv.start(socket, answer);
    } catch (error) {
      this.#report(error, address, path);
      endWithProblem(socket, problemOf(error));
    }
  }

  /** From here on the socket carries a body without end. */
  #handOver(socket: NotedSocket): void {
    socket[isHandedOver] = true;
    socket.setTimeout(0); // whether it takes anything is now its cursor's matter
  }

  #flvRequest(request: IncomingMessage, path: string, query: string, protocol: FlvRequest["protocol"]): FlvRequest {
    return { name: path.slice(1, -flvSuffix.length), query, address: addressOf(request), protocol };
  }

  #requireManagement(request: FastifyRequest): void {
    const { access, config } = this.#options;
    const address = addressOf(request.raw);
    if (!access.mayManage(address)) {
      throw new CodedError(
        ERR_HTTP_FORBIDDEN,
        `management answers this machine only, not ${address}: see access.management`,
      );
    }
    const { origin, host } = request.headers;
    if (!this.#origins.mayManage(origin, host)) {
      throw new CodedError(ERR_HTTP_ORIGIN, `pages of ${origin} may not manage this server: see http.allow_origin`);
    }
    if (config.access.management === "loopback" && !isLocalHost(host)) {
      throw new CodedError(ERR_HTTP_ORIGIN, "management is at localhost and at addresses only, at no other name");
    }
  }

  async #servePage(server: FastifyInstance): Promise<void> {
    const folder = webFolder();
    if (folder === undefined) return;
    const page = await readFile(join(folder, "index.html"), "utf8");
    this.#page = page.replace(
      /(<meta name="millrace-rtmp-port" content=")\d*(")/,
      (_all, before, after) => `${before}${this.#options.rtmpPort() ?? ""}${after}`,
    );
    await server.register(fastifyStatic, {
      root: folder,
      prefix: "/_millrace/",
      index: false,
      immutable: true,
      maxAge: "365d", // the names of the assets carry a hash of their content
      decorateReply: false,
    });
  }

  #sendPage(reply: FastifyReply): FastifyReply {
    if (this.#page === undefined) {
      throw new CodedError(ERR_HTTP_NOT_FOUND, "the player page was not built: run npm run build:web");
    }
    return reply
      .type("text/html; charset=utf-8")
      .header("cache-control", "no-cache")
      .header("content-security-policy", contentSecurityPolicy)
      .header("x-content-type-options", "nosniff")
      .header("referrer-policy", "no-referrer")
      .send(this.#page);
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { path } = splitTarget(request.raw.url ?? "/");
    // Fastify's own refusals (a malformed body, a wrong method) carry their status.
    const status = (error as { statusCode?: unknown }).statusCode;
    if (!(error instanceof CodedError) && typeof status === "number" && status < 500) {
      const refusal = new CodedError(ERR_HTTP_REQUEST, error instanceof Error ? error.message : "it was refused");
      this.#report(refusal, addressOf(request.raw), path);
      return reply
        .code(status)
        .type(problemContentType)
        .send({ ...problemOf(refusal), status });
    }
    this.#report(error, addressOf(request.raw), path);
    const problem = problemOf(error);
    return reply.code(problem.status).type(problemContentType).send(problem);
  }

  /** What the parser does not take for a request. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    const problem = clientErrorOf(error);
    if (problem !== undefined && !socket.destroyed) this.#report(problem, plainAddress(socket.remoteAddress ?? ""), "");
    // No answer into the middle of another one.
    if (problem === undefined || !socket.writable || socket.bytesWritten > 0) socket.destroy();
    else endWithProblem(socket, problemOf(problem));
  }

  #report(error: unknown, address: string, path: string): void {
    const stream = path.endsWith(flvSuffix) ? path.slice(1, -flvSuffix.length) : path.slice(1);
    if (error instanceof CodedError) this.#options.onProblem(error, address, stream.slice(0, maxNameLength));
    else this.#options.onFailure(error);
  }
}

/** A further request on a socket that carries a body without end ends it. */
const isHandedOver = Symbol("is handed over");
const newestRequest = Symbol("newest request");

/**
 * What is known of a socket stands on the socket itself. What the values of a WeakMap refer to outlives every collection but a full
 * one: 20,000 players would leave 60 MB of requests behind.
 */
interface NotedSocket extends Socket {
  [isHandedOver]?: true;
  [newestRequest]?: IncomingMessage;
}

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

function addressOf(request: IncomingMessage): string {
  return plainAddress(request.socket.remoteAddress ?? "");
}

/** The headers that CORS has put on the reply, for a response that is written past it. */
function corsHeaders(reply: FastifyReply): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (name.startsWith("access-control-") || name === "vary") headers[name] = String(value);
  }
  return headers;
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  // IPv6 and IPv4 together, or IPv4 alone where the machine has no other.
  const candidates = host === "" ? ["::", "0.0.0.0"] : [host];
  for (const candidate of candidates) {
    try {
      await server.listen({ host: candidate, port, backlog: acceptBacklog });
      return;
    } catch (error) {
      const { code = "an unknown error" } = error as NodeJS.ErrnoException;
      const isMissingFamily = code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
      if (isMissingFamily && candidate !== candidates.at(-1)) continue;
      const where = host === "" ? "all addresses" : host;
      throw new CodedError(
        ERR_LISTEN,
        `HTTP can't listen on ${where}, port ${port}: ${code}; see http.host and http.port`,
      );
    }
  }
}

/** The built page: beside the sources, or beside the compiled program. */
function webFolder(): string | undefined {
  const candidates = ["../../../web/dist", "../../web"].map((path) => resolve(import.meta.dirname, path));
  return candidates.find((folder) => existsSync(join(folder, "index.html")));
}

const flvSuffix = ".flv";
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const keepAliveTimeoutMs = 10_000;
const stallTimeoutMs = 10_000; // a client that takes nothing of its answer
const maxBodyBytes = 64 * 1024;

const contentSecurityPolicy = [
  "default-src 'self'",
  "media-src 'self' blob:",
  "connect-src 'self' ws: wss:",
  "worker-src 'self' blob:",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
].join("; ");

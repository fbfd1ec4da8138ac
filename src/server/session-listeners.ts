/**
 * The listeners of one protocol, plain and TLS: its connections, the limit that all shards keep together, the clock of their
 * deadlines, and their end.
 */

import type { Connection, ConnectionHandler, Listener, Transport } from "../runtime/transport.ts";
import { type Certificate, type CertificatePaths, watchCertificate } from "./certificate.ts";
import { DeadlineWheel } from "./deadline-wheel.ts";
import type { Logger } from "./log/logger.ts";
import { OpenSet } from "./open-set.ts";

/** A connection as its listener sees it. */
export interface ListenedConnection extends ConnectionHandler {
  /** Called when {@link nextTimeout} has come, and sometimes before; without that, about four times a second. */
  handleTime(nowMs: number): void;
  /** When it wants {@link handleTime} to be called, as far as it knows now. It is asked at least every two seconds. */
  nextTimeout?(): number | undefined;
  /** Ends it from the server's side: what is on its way is sent first. */
  close(reason: string): void;
  destroy(): void;
}

export interface SessionListenersOptions {
  readonly transport: Transport;
  readonly logger: Logger;
  /** An address to listen on; empty for all of them. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly tls: (CertificatePaths & { readonly port: number }) | undefined;
  readonly maxConnections: number;
  /** Whether other shards listen on the same ports. */
  readonly isShared: boolean;
  /** Connections of all shards together. */
  readonly connectionCount: Int32Array;
  /** How long connections have to finish when the server stops. */
  readonly shutdownTimeoutMs: number;
}

export class SessionListeners<Session extends ListenedConnection> {
  readonly #options: SessionListenersOptions;
  readonly #connections = new OpenSet<Session>();
  readonly #deadlines = new DeadlineWheel<Session>(deadlineIntervalMs, deadlineSlots);
  #listener: Listener | undefined;
  #tlsListener: Listener | undefined;
  #certificate: Certificate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SessionListenersOptions) {
    this.#options = options;
  }

  /** The port listened on; undefined before the start. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  get tlsPort(): number | undefined {
    return this.#tlsListener?.port;
  }

  get size(): number {
    return this.#connections.size;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#connections[Symbol.iterator]();
  }

  /** Listens. `nowMs` is the clock of the connections' deadlines. */
  async start(createSession: (connection: Connection) => Session, nowMs: () => number): Promise<void> {
    const { transport, logger, host, port, tls, maxConnections, isShared, connectionCount } = this.#options;
    const accept = (connection: Connection): Session => {
      const created = createSession(connection);
      this.#connections.add(created);
      this.#deadlines.add(created, 0);
      // All listeners of all shards count as one, so the transport's own limit is not enough.
      if (Atomics.add(connectionCount, 0, 1) >= maxConnections) connection.destroy();
      return created;
    };
    this.#listener = await transport.listen({ host, port, maxConnections, isShared }, accept);
    if (tls !== undefined) {
      this.#certificate = await watchCertificate(tls, logger, (renewed) =>
        this.#tlsListener?.setSecureContext(renewed),
      );
      const options = { host, port: tls.port, maxConnections, isShared, tls: this.#certificate.context };
      this.#tlsListener = await transport.listen(options, accept);
    }
    this.#timer = setInterval(() => {
      const now = nowMs();
      for (const connection of this.#deadlines.advance()) {
        if (!this.#connections.has(connection)) continue;
        connection.handleTime(now);
        const dueMs = connection.nextTimeout === undefined ? now : connection.nextTimeout();
        this.#deadlines.add(connection, (dueMs ?? Number.POSITIVE_INFINITY) - now);
      }
    }, deadlineIntervalMs);
  }

  /** A connection is gone. */
  closed(connection: Session): void {
    this.#connections.delete(connection);
    Atomics.sub(this.#options.connectionCount, 0, 1);
  }

  /** Accepts nobody any more, tells everybody, and waits as long as the configuration allows. */
  async stop(): Promise<void> {
    const closing = [this.#listener?.close(), this.#tlsListener?.close(), this.#certificate?.close()];
    for (const connection of this.#connections) connection.close("the server is shutting down");
    await this.#connections.drained(this.#options.shutdownTimeoutMs);
    for (const connection of this.#connections) connection.destroy();
    clearInterval(this.#timer);
    await Promise.all(closing);
  }
}

/**
 * How often deadlines are looked at: a session may live this much longer than its limit says. One whose deadline has come nearer since
 * it was asked, because its play has ended, up to two seconds longer.
 */
const deadlineIntervalMs = 250;
const deadlineSlots = 9;

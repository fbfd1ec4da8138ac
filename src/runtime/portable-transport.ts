/** The transport on `node:net` and `node:tls`: what every platform has, and what the native one is tested against. */

import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { CursorTable } from "../kernel/cursor-table.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import { FanOut, type SocketPlay } from "./fan-out.ts";
import { everyFrame, type FlushPacing } from "./flush-pacer.ts";
import { acceptBacklog, maxCursors, maxQueuedBytes, sweepIntervalMs } from "./limits.ts";
import { plainAddress } from "./plain-address.ts";
import type {
  Connection,
  ConnectionHandler,
  Listener,
  ListenOptions,
  Play,
  PlayHandler,
  PlayOptions,
  Transport,
  TransportCounters,
} from "./transport.ts";

export class PortableTransport implements Transport {
  readonly doorbellFd = undefined;
  onDoorbell: () => void = () => {};
  readonly #fanOut: FanOut;
  readonly #connections = new Set<SocketConnection>();
  readonly #listeners = new Set<Listener>();
  readonly #sweep: NodeJS.Timeout;
  readonly #onFailure: (error: unknown) => void;
  #acceptedCount = 0;
  #receivedBytes = 0;
  #controlBytes = 0;
  #socketErrorCount = 0;

  /** @param onFailure - told of a handler that threw: a mistake of ours, which costs that one connection */
  constructor(
    onFailure: (error: unknown) => void = (error) => {
      throw error;
    },
    pacing: FlushPacing = everyFrame,
  ) {
    this.#onFailure = onFailure;
    this.#fanOut = new FanOut(new CursorTable(maxCursors), systemClock.monotonicMs, pacing);
    this.#sweep = setInterval(() => this.#fanOut.sweep(), sweepIntervalMs).unref();
  }

  get counters(): TransportCounters {
    const { jumpCount, evictedCount, sentBytes } = this.#fanOut.counters;
    return {
      acceptedCount: this.#acceptedCount,
      openCount: this.#connections.size,
      receivedBytes: this.#receivedBytes,
      sentBytes: sentBytes + this.#controlBytes,
      cursorCount: this.#fanOut.cursorCount,
      jumpCount,
      evictedCount,
      socketErrorCount: this.#socketErrorCount,
    };
  }

  async listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    const onSocket = (socket: Socket): void => {
      this.adopt(socket, accept);
    };
    const server: Server =
      options.tls === undefined
        ? createTcpServer({ noDelay: true }, onSocket)
        : createTlsServer({ ...options.tls, noDelay: true, handshakeTimeout: tlsHandshakeTimeoutMs }, onSocket);
    server.maxConnections = options.maxConnections;
    let droppedCount = 0;
    let connectionCount = 0;
    server.on("drop", () => {
      droppedCount++;
    });
    server.on("connection", (socket: Socket) => {
      connectionCount++;
      socket.once("close", () => {
        connectionCount--;
      });
    });
    // A client that talks no TLS on the TLS port, or stops in the middle of it.
    server.on("tlsClientError", () => {
      this.#socketErrorCount++;
    });
    await listening(server, options);
    // A connection that could not be accepted; the listener goes on.
    server.on("error", () => {
      this.#socketErrorCount++;
    });
    const address = server.address();
    const listener: Listener = {
      port: typeof address === "object" && address !== null ? address.port : options.port,
      get connectionCount() {
        return connectionCount;
      },
      get droppedCount() {
        return droppedCount;
      },
      setSecureContext: (context) => (server as TlsServer).setSecureContext(context),
      close: () => {
        this.#listeners.delete(listener);
        // Its callback would wait for the open connections, which stay.
        server.close();
        return Promise.resolve();
      },
    };
    this.#listeners.add(listener);
    return listener;
  }

  adopt(socket: Socket, createHandler: (connection: Connection) => ConnectionHandler): Connection {
    this.#acceptedCount++;
    const connection = new SocketConnection(socket, this.#fanOut, (bytes) => {
      this.#controlBytes += bytes;
    });
    this.#connections.add(connection);
    const handler = createHandler(connection);
    socket.on("data", (bytes: Uint8Array) => {
      this.#receivedBytes += bytes.length;
      connection.received(bytes.length);
      try {
        handler.handleBytes(bytes);
      } catch (error) {
        this.#onFailure(error);
        socket.destroy();
      }
    });
    socket.on("error", () => {
      this.#socketErrorCount++; // 'close' follows
    });
    const close = (): void => {
      if (!this.#connections.delete(connection)) return;
      connection.closed();
      handler.handleClose();
    };
    socket.on("close", close);
    // It may have been closed before it came here, and then nothing tells of it any more.
    if (socket.destroyed) queueMicrotask(close);
    return connection;
  }

  /** Node has no way to move a socket to another thread. */
  giveAway(): undefined {
    return undefined;
  }

  take(): undefined {
    return undefined;
  }

  ringDoorbell(): void {}

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#fanOut.stop();
    const closing = Array.from(this.#listeners, (listener) => listener.close());
    for (const connection of this.#connections) {
      connection.destroy();
      closing.push(connection.gone);
    }
    await Promise.all(closing);
  }
}

class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isEncrypted: boolean;
  readonly #socket: Socket;
  readonly #fanOut: FanOut;
  readonly #onControlBytes: (byteLength: number) => void;
  readonly #gone = Promise.withResolvers<void>();
  #receivedBytes = 0;
  #play: SocketPlay | undefined;

  constructor(socket: Socket, fanOut: FanOut, onControlBytes: (byteLength: number) => void) {
    this.#socket = socket;
    this.#fanOut = fanOut;
    this.#onControlBytes = onControlBytes;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
    this.isEncrypted = "encrypted" in socket && socket.encrypted === true;
  }

  /** Resolves when the connection is closed. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get sentBytes(): number {
    return this.#socket.bytesWritten;
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#onControlBytes(bytes.length);
    this.#socket.write(bytes);
    // A peer that asks and asks but never reads.
    const queuedBytes = this.#socket.writableLength - (this.#play?.inFlightBytes ?? 0);
    if (queuedBytes > maxQueuedBytes) this.#socket.destroy(new Error("the peer reads none of its answers"));
  }

  play(log: ReadableLog, options: PlayOptions, handler: PlayHandler): Play {
    this.#play?.stop();
    this.#play = this.#fanOut.open(log, this.#socket, options, handler);
    return this.#play;
  }

  end(): void {
    this.#play?.stop();
    const destroy = (): void => this.destroy();
    // A peer that takes nothing, or that does not close its side when it has everything, is not waited for.
    this.#socket.setTimeout(lingerTimeoutMs, destroy);
    this.#socket.end(() => setTimeout(destroy, lingerTimeoutMs).unref());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  received(byteLength: number): void {
    this.#receivedBytes += byteLength;
  }

  closed(): void {
    this.#gone.resolve();
    this.#play?.stop();
  }
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const host = options.host === "" ? {} : { host: options.host };
    const { port, isShared = false } = options;
    server.listen({ port, backlog: acceptBacklog, reusePort: isShared, ...host }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

const tlsHandshakeTimeoutMs = 5_000; // as long as the RTMP handshake may take
const lingerTimeoutMs = 2_000;

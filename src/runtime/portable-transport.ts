/** The transport on `node:net` and `node:tls`: what every platform has, and what the native one is tested against. */

import { closeSync, openSync } from "node:fs";
import {
  createConnection,
  createServer as createTcpServer,
  isIP,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from "node:net";
import { devNull } from "node:os";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { assert } from "../bytes/assert.ts";
import { CursorTable } from "../kernel/cursor-table.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import type { DatagramHandler, DatagramOptions, DatagramRoute, DatagramSocket } from "./datagrams.ts";
import { FanOut, type SocketPlay } from "./fan-out.ts";
import { everyFrame, type FlushPacing } from "./flush-pacer.ts";
import { acceptBacklog, maxCursors, maxDatagramPlays, maxQueuedBytes, sweepIntervalMs } from "./limits.ts";
import { PacketFanOut } from "./packet-fan-out.ts";
import { plainAddress } from "./plain-address.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";
import { openPortableDatagrams, PortableDatagramPeer, type PortableDatagramSocket } from "./portable-datagrams.ts";
import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
  TransportCounters,
} from "./transport.ts";

export class PortableTransport implements Transport {
  readonly doorbellFd = undefined;
  onDoorbell: () => void = () => {};
  readonly #fanOut: FanOut;
  readonly #packets: PacketFanOut;
  readonly #connections = new Set<SocketConnection>();
  readonly #datagramSockets = new Set<PortableDatagramSocket>();
  readonly #listeners = new Set<Listener>();
  /** Close or open each listener's socket. */
  readonly #acceptors = new Set<(isAccepting: boolean) => void>();
  readonly #sweep: NodeJS.Timeout;
  readonly #onFailure: (error: unknown) => void;
  #acceptedCount = 0;
  #receivedBytes = 0;
  #controlBytes = 0;
  #socketErrorCount = 0;
  readonly #closedDatagramBytes = { received: 0, sent: 0 };

  /** @param onFailure - told of a handler that threw: a mistake of ours, which costs that one connection */
  constructor(
    onFailure: (error: unknown) => void = (error) => {
      throw error;
    },
    pacing: FlushPacing = everyFrame,
  ) {
    this.#onFailure = onFailure;
    const table = new CursorTable(maxCursors + maxDatagramPlays);
    const nowMs = systemClock.monotonicMs;
    this.#fanOut = new FanOut(table, nowMs, pacing);
    this.#packets = new PacketFanOut({ table, nowMs, pacing, onFailure });
    this.#sweep = setInterval(() => {
      this.#fanOut.sweep();
      this.#watchDescriptors();
    }, sweepIntervalMs).unref();
  }

  get counters(): TransportCounters {
    const { jumpCount, evictedCount, sentBytes } = this.#fanOut.counters;
    let queuedBytes = 0;
    for (const connection of this.#connections) queuedBytes += connection.queuedBytes;
    let receivedDatagramBytes = this.#closedDatagramBytes.received;
    let sentDatagramBytes = this.#closedDatagramBytes.sent;
    for (const { counters } of this.#datagramSockets) {
      receivedDatagramBytes += counters.receivedBytes;
      sentDatagramBytes += counters.sentBytes;
    }
    return {
      acceptedCount: this.#acceptedCount,
      openCount: this.#connections.size,
      receivedBytes: this.#receivedBytes + receivedDatagramBytes,
      sentBytes: sentBytes + this.#controlBytes + sentDatagramBytes,
      cursorCount: this.#fanOut.cursorCount, // both kinds: they share the table
      jumpCount: jumpCount + this.#packets.counters.jumpCount,
      evictedCount: evictedCount + this.#packets.counters.evictedCount,
      socketErrorCount: this.#socketErrorCount,
      queuedBytes,
      connectionTableBytes: 0,
    };
  }

  async listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    const onSocket = (socket: Socket): void => {
      try {
        this.adopt(socket, accept);
      } catch (error) {
        this.#onFailure(error);
      }
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
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    const setAccepting = (isAccepting: boolean): void => {
      if (isAccepting === server.listening) return;
      if (isAccepting) server.listen(socketOptions({ ...options, port }));
      else server.close();
    };
    this.#acceptors.add(setAccepting);
    // A connection that could not be accepted, or a listener that could not be opened again: the next sweep sees to it.
    server.on("error", () => {
      this.#socketErrorCount++;
    });
    const listener: Listener = {
      port,
      get connectionCount() {
        return connectionCount;
      },
      get droppedCount() {
        return droppedCount;
      },
      setSecureContext: (context) => (server as TlsServer).setSecureContext(context),
      close: () => {
        this.#listeners.delete(listener);
        this.#acceptors.delete(setAccepting);
        // Its callback would wait for the open connections, which stay.
        server.close();
        return Promise.resolve();
      },
    };
    this.#listeners.add(listener);
    return listener;
  }

  /**
   * Without a descriptor for the next connection libuv tries again as fast as it can, and says nothing; its spare descriptor, with
   * which it turns connections away, is lost when another thread is faster. So nobody is listened to until some are free again.
   */
  #watchDescriptors(): void {
    if (this.#acceptors.size === 0) return;
    const isAccepting = hasSpareDescriptors();
    for (const setAccepting of this.#acceptors) setAccepting(isAccepting);
  }

  adopt(socket: Socket, createHandler: (connection: Connection) => ConnectionHandler): Connection {
    this.#acceptedCount++;
    return this.#take(socket, [plainAddress(socket.remoteAddress ?? ""), socket.remotePort ?? 0], createHandler);
  }

  connect(options: ConnectOptions, createHandler: (connection: Connection) => ConnectionHandler): Connection {
    const { host, port, localAddress } = options;
    assert(isIP(host) !== 0, "names are resolved before a connection is begun");
    const from = localAddress === undefined ? {} : { localAddress };
    return this.#take(createConnection({ host, port, noDelay: true, ...from }), [host, port], createHandler);
  }

  #handlerOf(
    connection: SocketConnection,
    socket: Socket,
    createHandler: (connection: Connection) => ConnectionHandler,
  ): ConnectionHandler {
    try {
      return createHandler(connection);
    } catch (error) {
      // Nobody would ever close it.
      this.#connections.delete(connection);
      connection.closed();
      socket.on("error", () => {});
      socket.destroy();
      throw error;
    }
  }

  /** Node has no way to move a socket to another thread. */
  giveAway(): undefined {
    return undefined;
  }

  take(): undefined {
    return undefined;
  }

  holdDoorbell(): undefined {
    return undefined;
  }

  dropDoorbell(): void {}

  ringDoorbell(): void {}

  openDatagrams(options: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket> {
    return openPortableDatagrams(options, handler, {
      onOpened: (socket) => this.#datagramSockets.add(socket),
      onClosed: (socket) => {
        this.#datagramSockets.delete(socket);
        this.#closedDatagramBytes.received += socket.counters.receivedBytes;
        this.#closedDatagramBytes.sent += socket.counters.sentBytes;
      },
      onFailure: this.#onFailure,
    });
  }

  playDatagrams(
    log: ReadableLog,
    routes: readonly DatagramRoute[],
    options: PlayOptions,
    handler: PlayHandler,
  ): Play | undefined {
    const peers = routes.map(({ channel, peer }) => {
      assert(peer instanceof PortableDatagramPeer, "packets go to peers of the transport's own sockets");
      return { channel, target: peer };
    });
    if (peers.some(({ target }) => target.isClosed)) return undefined;
    const play = this.#packets.open(log, peers, options, handler, (ended) => {
      for (const { target } of peers) target.plays.delete(ended);
    });
    if (play !== undefined) for (const { target } of peers) target.plays.add(play);
    return play;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#fanOut.stop();
    this.#packets.stop();
    for (const socket of this.#datagramSockets) socket.close();
    const closing = Array.from(this.#listeners, (listener) => listener.close());
    for (const connection of this.#connections) {
      connection.destroy();
      closing.push(connection.gone);
    }
    await Promise.all(closing);
  }

  #take(
    socket: Socket,
    peer: readonly [string, number],
    createHandler: (connection: Connection) => ConnectionHandler,
  ): Connection {
    const connection = new SocketConnection(socket, peer, this.#fanOut, (bytes) => {
      this.#controlBytes += bytes;
    });
    this.#connections.add(connection);
    const handler = this.#handlerOf(connection, socket, createHandler);
    const fail = (error: unknown): void => {
      this.#onFailure(error);
      socket.destroy();
    };
    if (socket.connecting) {
      socket.once("connect", () => {
        try {
          handler.handleConnect?.();
        } catch (error) {
          fail(error);
        }
      });
    }
    socket.on("data", (bytes: Uint8Array) => {
      this.#receivedBytes += bytes.length;
      connection.received(bytes.length);
      try {
        handler.handleBytes(bytes);
      } catch (error) {
        fail(error);
      }
    });
    let errorName: string | undefined;
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      this.#socketErrorCount++; // 'close' follows
      errorName = code;
    });
    const close = (): void => {
      if (!this.#connections.delete(connection)) return;
      connection.closed();
      handler.handleClose(errorName);
    };
    socket.on("close", close);
    // It may have been closed before it came here, and then nothing tells of it any more.
    if (socket.destroyed) queueMicrotask(close);
    return connection;
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

  constructor(
    socket: Socket,
    peer: readonly [string, number],
    fanOut: FanOut,
    onControlBytes: (byteLength: number) => void,
  ) {
    this.#socket = socket;
    this.#fanOut = fanOut;
    this.#onControlBytes = onControlBytes;
    [this.remoteAddress, this.remotePort] = peer;
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

  /** Control bytes that wait: what is in flight of the log is views of it. */
  get queuedBytes(): number {
    return this.#socket.writableLength - (this.#play?.inFlightBytes ?? 0);
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#onControlBytes(bytes.length);
    this.#socket.write(bytes);
    // A peer that asks and asks but never reads.
    if (this.queuedBytes <= maxQueuedBytes) return;
    this.#socket.destroy(Object.assign(new Error("the peer reads none of its answers"), { code: "ENOBUFS" }));
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
    server.listen(socketOptions(options), () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Also for files and the API, which go on. */
function hasSpareDescriptors(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < spareDescriptors) opened.push(openSync(devNull, "r"));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EMFILE" || code === "ENFILE") return false;
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function socketOptions({ host, port, isShared = false }: ListenOptions): NetListenOptions {
  return { port, backlog: acceptBacklog, reusePort: isShared, ...(host === "" ? {} : { host }) };
}

const tlsHandshakeTimeoutMs = 5_000; // as long as the RTMP handshake may take
const lingerTimeoutMs = 2_000;
/** As few as tell "all in use" from "the listener's own is free again". */
const spareDescriptors = 8;

/**
 * The transport on the addon: sockets, control bytes and the loop over cursors are native; TypeScript sees whole batches.
 *
 * TLS connections go through the portable transport inside.
 */

import type { Socket } from "node:net";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { assert } from "../bytes/assert.ts";
import { CodedError } from "../bytes/coded-error.ts";
import { CursorTable, defaultLagLimits, type LagLimits } from "../kernel/cursor-table.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import { ERR_LISTEN } from "./errors.ts";
import { FlushPacer, type FlushPacing } from "./flush-pacer.ts";
import { acceptBacklog, maxCursors, maxQueuedBytes, sweepIntervalMs } from "./limits.ts";
import { type NativeAddon, type NativeShard, nativeCounters, nativeEvents } from "./native-addon.ts";
import { NativeLog } from "./native-log.ts";
import { PortableTransport } from "./portable-transport.ts";
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

export class NativeTransport implements Transport {
  onDoorbell: () => void = () => {};
  readonly #addon: NativeAddon;
  readonly #shard: NativeShard;
  readonly #portable: PortableTransport;
  readonly #onFailure: (error: unknown) => void;
  readonly #received = new Uint8Array(receiveBufferBytes);
  readonly #events = new Float64Array(4 * eventBatch);
  readonly #table = new CursorTable(maxCursors);
  readonly #connections: (NativeConnection | undefined)[] = [];
  readonly #accepts: ((connection: Connection) => ConnectionHandler)[] = [];
  readonly #listenerCounts: { connectionCount: number }[] = [];
  readonly #logs = new Map<ReadableLog, NativeLog>();
  readonly #dirty = new Set<NativeLog>();
  readonly #counters = new Float64Array(Object.keys(nativeCounters).length);
  readonly #pacer: FlushPacer;
  readonly #sweep: NodeJS.Timeout;
  #limits: Float64Array = limitsOf(defaultLagLimits);
  #again: NodeJS.Immediate | undefined;
  #isDraining = false;
  #isClosed = false;

  /** @param onFailure - told of a handler that threw: a mistake of ours, which costs that one connection */
  constructor(addon: NativeAddon, pacing: FlushPacing, onFailure: (error: unknown) => void) {
    this.#addon = addon;
    this.#onFailure = onFailure;
    this.#portable = new PortableTransport(onFailure, pacing);
    this.#pacer = new FlushPacer(pacing, systemClock.monotonicMs, () => this.#flushDirty());
    this.#shard = new addon.Shard(this.#received);
    this.#shard.setCursors(new Uint8Array(this.#table.shared), this.#table.capacity);
    this.#shard.start(() => this.#poll());
    this.#sweep = setInterval(() => {
      this.#shard.sweep(this.#limits, systemClock.monotonicMs());
      this.#drain();
    }, sweepIntervalMs).unref();
  }

  get counters(): TransportCounters {
    const portable = this.#portable.counters;
    if (!this.#isClosed) this.#shard.counters(this.#counters);
    const count = (name: keyof typeof nativeCounters): number => this.#counters[nativeCounters[name]] as number;
    return {
      acceptedCount: portable.acceptedCount + count("accepted"),
      openCount: portable.openCount + count("open"),
      receivedBytes: portable.receivedBytes + count("receivedBytes"),
      sentBytes: portable.sentBytes + count("sentBytes"),
      cursorCount: portable.cursorCount + this.#table.count,
      jumpCount: portable.jumpCount + count("jumps"),
      evictedCount: portable.evictedCount + count("evicted"),
      socketErrorCount: portable.socketErrorCount + count("socketErrors"),
    };
  }

  async listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    if (options.tls !== undefined) return this.#portable.listen(options, accept);
    const { host, port, maxConnections, isShared = false } = options;
    const address = host === "localhost" ? "127.0.0.1" : host;
    let [id, boundPort] = this.#shard.listen(address, port, acceptBacklog, isShared, maxConnections);
    // No IPv6 on this machine: all addresses are those of IPv4.
    if (address === "" && (id === -constants.errno.EAFNOSUPPORT || id === -constants.errno.EADDRNOTAVAIL))
      [id, boundPort] = this.#shard.listen("0.0.0.0", port, acceptBacklog, isShared, maxConnections);
    if (id < 0) {
      const name = getSystemErrorName(id);
      throw new CodedError(
        ERR_LISTEN,
        `can't listen on ${host === "" ? "all addresses" : host}, port ${port}: ${name}`,
      );
    }
    this.#accepts[id] = accept;
    const counts = { connectionCount: 0 };
    this.#listenerCounts[id] = counts;
    const shard = this.#shard;
    return {
      port: boundPort,
      get connectionCount() {
        return counts.connectionCount;
      },
      get droppedCount() {
        return shard.droppedCount(id);
      },
      setSecureContext: () => {},
      close: () => {
        if (!this.#isClosed) this.#shard.closeListener(id);
        return Promise.resolve();
      },
    };
  }

  adopt(socket: Socket, createHandler: (connection: Connection) => ConnectionHandler): Connection {
    const fd = descriptorOf(socket);
    const id = fd < 0 ? -1 : this.#shard.adopt(fd);
    if (id < 0) return this.#portable.adopt(socket, createHandler);
    // The descriptor was duplicated: this closes Node's half, not the connection.
    socket.destroy();
    return this.#open(id, -1, createHandler);
  }

  giveAway(socket: Socket): number | undefined {
    const fd = descriptorOf(socket);
    const copy = fd < 0 ? -1 : this.#addon.duplicate(fd);
    if (copy < 0) return undefined;
    socket.destroy();
    return copy;
  }

  take(fd: number, createHandler: (connection: Connection) => ConnectionHandler): Connection | undefined {
    if (this.#isClosed) {
      this.#addon.closeDescriptor(fd);
      return undefined;
    }
    const id = this.#shard.take(fd);
    return id < 0 ? undefined : this.#open(id, -1, createHandler);
  }

  get doorbellFd(): number | undefined {
    const fd = this.#isClosed ? -1 : this.#shard.doorbellFd();
    return fd < 0 ? undefined : fd;
  }

  ringDoorbell(fd: number): void {
    this.#addon.ringDoorbell(fd);
  }

  async close(): Promise<void> {
    // A handler asked for it: the events at hand are handled first.
    if (this.#isDraining) await Promise.resolve();
    if (this.#isClosed) return;
    clearInterval(this.#sweep);
    for (const connection of this.#connections) connection?.destroy();
    this.#drain();
    this.#shard.counters(this.#counters); // the last word
    this.#isClosed = true;
    this.#pacer.stop();
    clearImmediate(this.#again);
    this.#shard.stop();
    await this.#portable.close();
  }

  #open(id: number, listener: number, createHandler: (connection: Connection) => ConnectionHandler): NativeConnection {
    const connection = new NativeConnection(this, this.#shard, id, listener);
    this.#connections[id] = connection;
    connection.handler = createHandler(connection);
    return connection;
  }

  #poll(): void {
    if (this.#isClosed) return;
    const hasMore = this.#shard.poll(systemClock.monotonicMs());
    this.#drain();
    if (hasMore) this.#pollAgain();
  }

  /** After the event loop has seen to everybody else. */
  #pollAgain(): void {
    if (this.#isClosed) return;
    this.#again ??= setImmediate(() => {
      this.#again = undefined;
      this.#poll();
    });
  }

  /** Handles what the addon has to say, and what that leads to. */
  #drain(): void {
    if (this.#isDraining || this.#isClosed) return;
    this.#isDraining = true;
    try {
      for (;;) {
        const count = this.#shard.takeEvents(this.#events);
        if (count === 0) return;
        for (let i = 0; i < count; i++) this.#handleEvent(i * 4);
      }
    } finally {
      this.#isDraining = false;
    }
  }

  #handleEvent(at: number): void {
    const type = this.#events[at] as number;
    const id = this.#events[at + 1] as number;
    const a = this.#events[at + 2] as number;
    const b = this.#events[at + 3] as number;
    try {
      switch (type) {
        case nativeEvents.accept: {
          const counts = this.#listenerCounts[a];
          if (counts !== undefined) counts.connectionCount++;
          this.#open(id, a, this.#accepts[a] as (connection: Connection) => ConnectionHandler);
          return;
        }
        case nativeEvents.data:
          this.#connections[id]?.handler?.handleBytes(this.#received.subarray(a, a + b));
          return;
        case nativeEvents.closed:
          this.#closed(id);
          return;
        case nativeEvents.lag:
          this.#connections[id]?.playOf(a)?.handler.handleLag(b);
          return;
        case nativeEvents.evicted:
          this.#connections[id]?.playOf(a)?.handler.handleEvicted();
          return;
        case nativeEvents.finished:
          this.#connections[id]?.playOf(a)?.finished();
          return;
        case nativeEvents.cursorFree:
          this.#table.close(a);
          return;
        case nativeEvents.peerEnded:
          this.#connections[id]?.end();
          return;
        case nativeEvents.more:
          this.#pollAgain();
          return;
        case nativeEvents.doorbell:
          this.onDoorbell();
          return;
        default:
          assert(false, `the addon said ${type}, which nobody knows`);
      }
    } catch (error) {
      this.#onFailure(error);
      this.#connections[id]?.destroy();
    }
  }

  #closed(id: number): void {
    const connection = this.#connections[id];
    if (connection === undefined) return;
    this.#connections[id] = undefined;
    const counts = this.#listenerCounts[connection.listener];
    if (counts !== undefined) counts.connectionCount--;
    connection.closed();
  }

  // For the connections.

  /** A place in the cursor table: its index, and the addon's side of `log`. */
  openCursor(id: number, log: ReadableLog, options: PlayOptions): [cursor: number, known: NativeLog] {
    this.#limits = limitsOf(options.lagLimits);
    let known = this.#logs.get(log);
    if (known === undefined) {
      known = new NativeLog(log, this.#shard);
      const created = known;
      known.removeDoorbell = log.addDoorbell(() => this.ring(created));
      this.#logs.set(log, known);
    }
    known.attach();
    known.reader.refresh();
    const nowMs = systemClock.monotonicMs();
    const cursor = this.#table.open(known.reader, options.isLive, nowMs);
    assert(cursor >= 0, "the cursor table is smaller than the number of connections");
    known.cursorCount++;
    this.#shard.play(id, known.id, cursor, nowMs);
    this.#shard.startPlaying(id, nowMs);
    this.ring(known);
    return [cursor, known];
  }

  closeCursor(known: NativeLog): void {
    known.cursorCount--;
    if (known.cursorCount > 0 || this.#isClosed) return;
    known.removeDoorbell();
    this.#shard.closeLog(known.id);
    this.#logs.delete(known.log);
    this.#dirty.delete(known);
  }

  ring(known: NativeLog): void {
    // A publisher that catches up writes many GOPs in one turn: cursors that keep pace must not be lapped by it.
    if (known.isFilling) {
      this.#flushLog(known);
      this.drainSoon();
      return;
    }
    this.#dirty.add(known);
    this.#pacer.request();
  }

  /** Handles events soon, but not inside of the call that caused them. */
  drainSoon(): void {
    if (this.#isDraining || this.#isClosed) return;
    queueMicrotask(() => this.#drain());
  }

  #flushDirty(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const each of dirty) this.#flushLog(each);
    this.#drain();
  }

  #flushLog(known: NativeLog): void {
    if (this.#isClosed || !this.#logs.has(known.log)) return;
    known.attach();
    known.flushedTail = known.log.tail;
    this.#shard.flush(known.id, this.#limits, systemClock.monotonicMs());
  }
}

class NativeConnection implements Connection {
  readonly isEncrypted = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly listener: number;
  readonly #transport: NativeTransport;
  readonly #shard: NativeShard;
  readonly #id: number;
  handler: ConnectionHandler | undefined;
  currentPlay: NativePlay | undefined;
  #isClosed = false;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(transport: NativeTransport, shard: NativeShard, id: number, listener: number) {
    this.#transport = transport;
    this.#shard = shard;
    this.#id = id;
    this.listener = listener;
    [this.remoteAddress, this.remotePort] = shard.peerAddress(id);
  }

  get receivedBytes(): number {
    this.#count();
    return this.#receivedBytes;
  }

  get sentBytes(): number {
    this.#count();
    return this.#sentBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#shard.send(this.#id, bytes, maxQueuedBytes);
    this.#transport.drainSoon();
  }

  play(log: ReadableLog, options: PlayOptions, handler: PlayHandler): Play {
    this.currentPlay?.stop();
    const [cursor, known] = this.#isClosed ? [] : this.#transport.openCursor(this.#id, log, options);
    this.currentPlay = new NativePlay(this.#transport, this.#shard, this.#id, handler, cursor, known);
    return this.currentPlay;
  }

  end(): void {
    if (this.#isClosed) return;
    this.currentPlay?.stop();
    this.#shard.end(this.#id, systemClock.monotonicMs());
    this.#transport.drainSoon();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#shard.destroy(this.#id);
    this.currentPlay?.ended();
    this.#transport.drainSoon();
  }

  /** The play that still has this cursor: what the addon says of one that was stopped in the meantime concerns nobody. */
  playOf(cursor: number): NativePlay | undefined {
    return this.currentPlay?.cursor === cursor ? this.currentPlay : undefined;
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#count();
    this.#isClosed = true;
    this.currentPlay?.ended();
    this.handler?.handleClose();
  }

  #count(): void {
    if (!this.#isClosed) [this.#receivedBytes, this.#sentBytes] = this.#shard.connectionBytes(this.#id);
  }
}

class NativePlay implements Play {
  readonly handler: PlayHandler;
  readonly #transport: NativeTransport;
  readonly #shard: NativeShard;
  readonly #id: number;
  /** Undefined when it is no longer in use. */
  cursor: number | undefined;
  #log: NativeLog | undefined;
  #isPaused = false;

  constructor(
    transport: NativeTransport,
    shard: NativeShard,
    id: number,
    handler: PlayHandler,
    cursor: number | undefined,
    log: NativeLog | undefined,
  ) {
    this.#transport = transport;
    this.#shard = shard;
    this.#id = id;
    this.handler = handler;
    this.cursor = cursor;
    this.#log = log;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(isPaused: boolean): void {
    if (this.#log === undefined || this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.#log.attach();
    this.#shard.pause(this.#id, isPaused, systemClock.monotonicMs());
    this.#transport.drainSoon();
  }

  finish(): void {
    if (this.#log === undefined) return;
    this.#isPaused = false;
    this.#log.attach();
    this.#shard.finish(this.#id, systemClock.monotonicMs());
    this.#transport.drainSoon();
  }

  stop(): void {
    if (this.#log === undefined) return;
    this.#shard.stopPlaying(this.#id);
    this.ended();
    this.#transport.drainSoon();
  }

  finished(): void {
    this.ended();
    this.handler.handlePlayed();
  }

  /** The addon has let go of the cursor by itself. */
  ended(): void {
    const log = this.#log;
    this.#log = undefined;
    this.cursor = undefined;
    if (log !== undefined) this.#transport.closeCursor(log);
  }
}

/** The descriptor under a plain TCP socket, or -1. Node has no public name for it; without it the portable way serves. */
function descriptorOf(socket: Socket): number {
  // What Node has read already, or not written yet, would be lost with its half.
  const isClean = socket.writableLength === 0 && socket.readableLength === 0 && !socket.destroyed;
  if (!isClean || "encrypted" in socket) return -1;
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } };
  return typeof handle?.fd === "number" ? handle.fd : -1;
}

function limitsOf(limits: LagLimits): Float64Array {
  return Float64Array.of(limits.maxJumps, limits.maxSkippedBytes, limits.stallTimeoutMs, limits.forgiveAfterMs);
}

const receiveBufferBytes = 1024 * 1024; // what several publishers send between two turns
const eventBatch = 1_024;

/**
 * The transport on the addon: sockets, control bytes and the loop over cursors are native; TypeScript sees whole batches.
 *
 * TLS connections go through the portable transport inside.
 */

import { isIP, type Socket } from "node:net";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { assert } from "../bytes/assert.ts";
import { CodedError } from "../bytes/coded-error.ts";
import { CursorTable, defaultLagLimits, type LagLimits } from "../kernel/cursor-table.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import type { DatagramHandler, DatagramOptions, DatagramRoute, DatagramSocket } from "./datagrams.ts";
import { ERR_LISTEN } from "./errors.ts";
import { FlushPacer, type FlushPacing } from "./flush-pacer.ts";
import {
  acceptBacklog,
  cursorsPerFlush,
  datagramSlotBytes,
  datagramSlots,
  maxCursors,
  maxDatagramPlays,
  maxFlushTurnMs,
  sweepIntervalMs,
} from "./limits.ts";
import { type NativeAddon, type NativeShard, nativeCounters, nativeEvents } from "./native-addon.ts";
import { NativeConnection, type NativeSockets } from "./native-connection.ts";
import { NativeDatagrams } from "./native-datagrams.ts";
import { NativeLog } from "./native-log.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";
import { PortableTransport } from "./portable-transport.ts";
import { ReadPacer } from "./read-pacer.ts";
import { descriptorOf } from "./socket-descriptor.ts";
import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
  TransportCounters,
} from "./transport.ts";

export class NativeTransport implements Transport, NativeSockets {
  onDoorbell: () => void = () => {};
  readonly #addon: NativeAddon;
  readonly #shard: NativeShard;
  readonly #portable: PortableTransport;
  readonly #onFailure: (error: unknown) => void;
  readonly #received = new Uint8Array(receiveBufferBytes + datagramSlots * datagramSlotBytes);
  readonly #events = new Float64Array(4 * eventBatch);
  readonly #table = new CursorTable(maxCursors + maxDatagramPlays);
  readonly #datagrams: NativeDatagrams;
  readonly #connections: (NativeConnection | undefined)[] = [];
  readonly #accepts: ((connection: Connection) => ConnectionHandler)[] = [];
  readonly #listenerCounts: { connectionCount: number }[] = [];
  readonly #logs = new Map<ReadableLog, NativeLog>();
  readonly #dirty = new Set<NativeLog>();
  /** What is being flushed, the last one first, and whether that one has begun. */
  #round: NativeLog[] = [];
  #isBegun = false;
  readonly #counters = new Float64Array(Object.keys(nativeCounters).length);
  readonly #pacer: FlushPacer;
  readonly #readPacer: ReadPacer;
  readonly #sweep: NodeJS.Timeout;
  #limits: Float64Array = limitsOf(defaultLagLimits);
  #again: NodeJS.Immediate | undefined;
  /** Whether the reading under way, which may take several turns, is of paced connections, too. */
  #readsPaced = false;
  #isDraining = false;
  #isClosed = false;

  /** @param onFailure - told of a handler that threw: a mistake of ours, which costs that one connection */
  constructor(addon: NativeAddon, pacing: FlushPacing, onFailure: (error: unknown) => void) {
    this.#addon = addon;
    this.#onFailure = onFailure;
    this.#portable = new PortableTransport(onFailure, pacing);
    this.#shard = new addon.Shard(this.#received, receiveBufferBytes);
    this.#datagrams = new NativeDatagrams({
      shard: this.#shard,
      received: this.#received,
      openCursor: (log, options) => this.#openCursor(log, options),
      closeCursor: (known) => this.closeCursor(known),
      drain: () => this.#drain(),
      drainSoon: () => this.drainSoon(),
      onFailure,
    });
    this.#readPacer = new ReadPacer(pacing, systemClock.monotonicMs, {
      pause: (isPaused) => !this.#isClosed && this.#shard.pausePaced(isPaused),
      read: () => {
        this.#readsPaced = true;
        this.#poll();
      },
    });
    this.#pacer = new FlushPacer(
      pacing,
      systemClock.monotonicMs,
      () => this.#flushDirty(),
      (dueMs) => this.#readPacer.handleFlush(dueMs),
    );
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
      queuedBytes: portable.queuedBytes + count("queuedBytes"),
      connectionTableBytes: count("connectionTableBytes"),
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

  holdDoorbell(fd: number): number | undefined {
    const copy = this.#addon.duplicate(fd);
    return copy < 0 ? undefined : copy;
  }

  dropDoorbell(fd: number): void {
    this.#addon.closeDescriptor(fd);
  }

  ringDoorbell(fd: number): void {
    this.#addon.ringDoorbell(fd);
  }

  connect(options: ConnectOptions, createHandler: (connection: Connection) => ConnectionHandler): Connection {
    const { host, port, localAddress = "" } = options;
    assert(isIP(host) !== 0, "names are resolved before a connection is begun");
    assert(!this.#isClosed, "a transport that is closed begins no connection");
    const id = this.#shard.connect(host, port, localAddress);
    const connection = this.#open(id, -1, createHandler, [host, port]);
    this.drainSoon();
    return connection;
  }

  async openDatagrams(options: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket> {
    assert(!this.#isClosed, "a transport that is closed opens no socket");
    return this.#datagrams.open(options, handler);
  }

  playDatagrams(
    log: ReadableLog,
    routes: readonly DatagramRoute[],
    options: PlayOptions,
    handler: PlayHandler,
  ): Play | undefined {
    return this.#datagrams.play(log, routes, options, handler);
  }

  async close(): Promise<void> {
    // A handler asked for it: the events at hand are handled first.
    if (this.#isDraining) await Promise.resolve();
    if (this.#isClosed) return;
    clearInterval(this.#sweep);
    for (const connection of this.#connections) connection?.destroy();
    this.#datagrams.close();
    this.#drain();
    this.#shard.counters(this.#counters); // the last word
    this.#isClosed = true;
    this.#pacer.stop();
    this.#readPacer.stop();
    clearImmediate(this.#again);
    this.#shard.stop();
    await this.#portable.close();
  }

  #open(
    id: number,
    listener: number,
    createHandler: (connection: Connection) => ConnectionHandler,
    peer: readonly [string, number] = this.#shard.peerAddress(id),
  ): NativeConnection {
    const connection = new NativeConnection(this, id, listener, peer);
    this.#connections[id] = connection;
    try {
      connection.handler = createHandler(connection);
    } catch (error) {
      connection.destroy(); // nobody would ever close it
      throw error;
    }
    return connection;
  }

  #poll(): void {
    if (this.#isClosed) return;
    const nowMs = systemClock.monotonicMs();
    const hasMore = this.#shard.poll(nowMs, this.#readsPaced);
    this.#drain();
    if (hasMore) this.#pollAgain();
    else this.#readsPaced = false;
    this.#readPacer.handleTurn(nowMs, !hasMore);
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
    if (this.#datagrams.handleEvent(type, id, a, b)) return;
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
          this.#closed(id, a);
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
        case nativeEvents.connected:
          this.#connections[id]?.handler?.handleConnect?.();
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

  #closed(id: number, errno: number): void {
    const connection = this.#connections[id];
    if (connection === undefined) return;
    this.#connections[id] = undefined;
    const counts = this.#listenerCounts[connection.listener];
    if (counts !== undefined) counts.connectionCount--;
    connection.closed(errno === 0 ? undefined : getSystemErrorName(-errno));
  }

  // For the connections and their plays.

  get shard(): NativeShard {
    return this.#shard;
  }

  /** A place in the cursor table: its index, and the addon's side of `log`. */
  openCursor(id: number, log: ReadableLog, options: PlayOptions): [cursor: number, known: NativeLog] {
    const [cursor, known] = this.#openCursor(log, options);
    const nowMs = systemClock.monotonicMs();
    this.#shard.play(id, known.id, cursor, nowMs);
    this.#shard.startPlaying(id, nowMs);
    this.drainSoon();
    return [cursor, known];
  }

  #openCursor(log: ReadableLog, options: PlayOptions): [cursor: number, known: NativeLog] {
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
    const cursor = this.#table.open(known.reader, options.isLive, systemClock.monotonicMs());
    assert(cursor >= 0, "the cursor table is smaller than the number of connections and of players of packets");
    known.cursorCount++;
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
      this.#flushLog(known, true, maxCursors);
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

  /** As much as one turn has time for: whoever joins meanwhile has three turns to wait for. True: nothing is left. */
  #flushDirty(): boolean {
    if (this.#round.length === 0) {
      this.#round = [...this.#dirty];
      this.#dirty.clear();
    }
    const untilMs = systemClock.monotonicMs() + maxFlushTurnMs;
    for (let known = this.#round.at(-1); known !== undefined; known = this.#round.at(-1)) {
      this.#isBegun = this.#flushLog(known, !this.#isBegun, cursorsPerFlush) > 0;
      if (!this.#isBegun) this.#round.pop();
      if (systemClock.monotonicMs() >= untilMs) break;
    }
    this.#drain();
    return this.#round.length === 0;
  }

  /** How many of its cursors are left. */
  #flushLog(known: NativeLog, isNewRound: boolean, mostCursors: number): number {
    if (this.#isClosed || this.#logs.get(known.log) !== known) return 0;
    known.attach();
    if (isNewRound) known.flushedTail = known.log.tail;
    return this.#shard.flush(known.id, this.#limits, systemClock.monotonicMs(), isNewRound, mostCursors);
  }
}

function limitsOf(limits: LagLimits): Float64Array {
  return Float64Array.of(limits.maxJumps, limits.maxSkippedBytes, limits.stallTimeoutMs, limits.forgiveAfterMs);
}

const receiveBufferBytes = 1024 * 1024; // what several publishers send between two turns
const eventBatch = 1_024;

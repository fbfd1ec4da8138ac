/** A connection of the native transport, and what it plays. */

import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import { maxQueuedBytes } from "./limits.ts";
import type { NativeShard } from "./native-addon.ts";
import type { NativeLog } from "./native-log.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";
import type { Connection, ConnectionHandler } from "./transport.ts";

/** What connections need of their transport. */
export interface NativeSockets {
  readonly shard: NativeShard;
  /** A place in the cursor table: its index, and the addon's side of `log`. */
  openCursor(id: number, log: ReadableLog, options: PlayOptions): [cursor: number, known: NativeLog];
  closeCursor(known: NativeLog): void;
  /** Handles events soon, but not inside of the call that caused them. */
  drainSoon(): void;
}

/** One of thousands: it and its play hold what can't be asked for. */
export class NativeConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly id: number;
  readonly listener: number;
  readonly transport: NativeSockets;
  handler: ConnectionHandler | undefined;
  currentPlay: NativePlay | undefined;
  #isClosed = false;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(transport: NativeSockets, id: number, listener: number, peer: readonly [string, number]) {
    this.transport = transport;
    this.id = id;
    this.listener = listener;
    [this.remoteAddress, this.remotePort] = peer;
  }

  get isEncrypted(): boolean {
    return false;
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
    this.transport.shard.send(this.id, bytes, maxQueuedBytes);
    this.transport.drainSoon();
  }

  play(log: ReadableLog, options: PlayOptions, handler: PlayHandler): Play {
    this.currentPlay?.stop();
    const [cursor, known] = this.#isClosed ? [] : this.transport.openCursor(this.id, log, options);
    this.currentPlay = new NativePlay(this, handler, cursor, known);
    return this.currentPlay;
  }

  end(): void {
    if (this.#isClosed) return;
    this.currentPlay?.stop();
    this.transport.shard.end(this.id, systemClock.monotonicMs());
    this.transport.drainSoon();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.transport.shard.destroy(this.id);
    this.currentPlay?.ended();
    this.transport.drainSoon();
  }

  /** The play that still has this cursor: what the addon says of one that was stopped in the meantime concerns nobody. */
  playOf(cursor: number): NativePlay | undefined {
    return this.currentPlay?.cursor === cursor ? this.currentPlay : undefined;
  }

  closed(errorName: string | undefined): void {
    if (this.#isClosed) return;
    this.#count();
    this.#isClosed = true;
    this.currentPlay?.ended();
    this.handler?.handleClose(errorName);
  }

  #count(): void {
    if (!this.#isClosed) [this.#receivedBytes, this.#sentBytes] = this.transport.shard.connectionBytes(this.id);
  }
}

export class NativePlay implements Play {
  readonly handler: PlayHandler;
  readonly #connection: NativeConnection;
  /** Undefined when it is no longer in use. */
  cursor: number | undefined;
  #log: NativeLog | undefined;
  #isPaused = false;

  constructor(
    connection: NativeConnection,
    handler: PlayHandler,
    cursor: number | undefined,
    log: NativeLog | undefined,
  ) {
    this.#connection = connection;
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
    const { transport, id } = this.#connection;
    transport.shard.pause(id, isPaused, systemClock.monotonicMs());
    transport.drainSoon();
  }

  finish(): void {
    if (this.#log === undefined) return;
    this.#isPaused = false;
    this.#log.attach();
    const { transport, id } = this.#connection;
    transport.shard.finish(id, systemClock.monotonicMs());
    transport.drainSoon();
  }

  stop(): void {
    if (this.#log === undefined) return;
    const { transport, id } = this.#connection;
    transport.shard.stopPlaying(id);
    this.ended();
    transport.drainSoon();
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
    if (log !== undefined) this.#connection.transport.closeCursor(log);
  }
}

/**
 * The portable fan-out of packets: for each egress log a loop over the cursors that send it as datagrams.
 *
 * Datagrams don't wait, so a cursor never has bytes of the ring in flight: it copies entries out, once for all cursors that
 * stand at the same one, and sends the copies. What is more than a turn's worth goes in later turns, some milliseconds apart.
 */

import { type CursorTable, cursorSteps } from "../kernel/cursor-table.ts";
import { LogReader } from "../kernel/log-reader.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { FlushPacer, type FlushPacing } from "./flush-pacer.ts";
import { maxDatagramPlays, maxUnflushedFraction, packetTurnBytes, packetTurnMs } from "./limits.ts";
import { type PacketBatch, readPackets } from "./packet-batch.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";

/** Where packets go: a peer. */
export interface PacketTarget {
  send(bytes: Uint8Array): void;
}

export interface PacketRoute {
  readonly channel: number;
  readonly target: PacketTarget;
}

export interface PacketFanOutOptions {
  readonly table: CursorTable;
  readonly nowMs: () => number;
  readonly pacing: FlushPacing;
  /** Told of a handler that threw: a mistake of ours, which costs that play. */
  readonly onFailure: (error: unknown) => void;
}

export class PacketFanOut {
  readonly counters: { jumpCount: number; evictedCount: number } = { jumpCount: 0, evictedCount: 0 };
  readonly options: PacketFanOutOptions;
  readonly #logs = new Map<ReadableLog, LogPackets>();
  readonly #dirty = new Set<LogPackets>();
  readonly #pacer: FlushPacer;
  /** Those with more than a turn's worth, until the next turn. */
  #spreading = new Set<PacketPlay>();
  #spreadTimer: NodeJS.Timeout | undefined;
  #cursorCount = 0;

  constructor(options: PacketFanOutOptions) {
    this.options = options;
    this.#pacer = new FlushPacer(options.pacing, options.nowMs, () => {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const each of dirty) each.flush();
      return true;
    });
  }

  get cursorCount(): number {
    return this.#cursorCount;
  }

  stop(): void {
    this.#pacer.stop();
    clearTimeout(this.#spreadTimer);
  }

  /** @param onEnded - called once, when the play is over, before its handler is told; undefined: there are too many */
  open(
    log: ReadableLog,
    routes: readonly PacketRoute[],
    options: PlayOptions,
    handler: PlayHandler,
    onEnded: (play: PacketPlay) => void,
  ): PacketPlay | undefined {
    if (this.#cursorCount >= maxDatagramPlays) return undefined;
    const known = this.#logs.get(log) ?? this.#openLog(log);
    this.#cursorCount++;
    const play = known.open(this, routes, options, handler, (ended) => {
      this.#cursorCount--;
      this.#spreading.delete(ended);
      if (known.size === 0) {
        known.removeDoorbell();
        this.#logs.delete(log);
        this.#dirty.delete(known);
      }
      onEnded(ended);
    });
    this.#ring(known);
    return play;
  }

  /** Gives `play` its next turn in some milliseconds. */
  spread(play: PacketPlay): void {
    this.#spreading.add(play);
    this.#spreadTimer ??= setTimeout(() => {
      this.#spreadTimer = undefined;
      const plays = this.#spreading;
      this.#spreading = new Set();
      for (const each of plays) each.continue();
    }, packetTurnMs);
  }

  isSpreading(play: PacketPlay): boolean {
    return this.#spreading.has(play);
  }

  #openLog(log: ReadableLog): LogPackets {
    const opened = new LogPackets(log);
    this.#logs.set(log, opened);
    opened.removeDoorbell = log.addDoorbell(() => {
      // A publisher that catches up writes many GOPs in one turn: cursors that keep pace must not be lapped by it.
      if (opened.isFilling) opened.flush();
      else this.#ring(opened);
    });
    return opened;
  }

  #ring(known: LogPackets): void {
    this.#dirty.add(known);
    this.#pacer.request();
  }
}

/** One log and its cursors. */
class LogPackets {
  removeDoorbell: () => void = () => {};
  readonly log: ReadableLog;
  readonly reader: LogReader;
  readonly #plays = new Set<PacketPlay>();
  #generation: number;
  /** Up to here everything was given to the cursors. */
  #flushedTail: number;
  /** What was read last, for the cursors that stand at the same entry. */
  #batch: PacketBatch | undefined;
  #batchEntry = -1;
  #isBatchStarting = false;

  constructor(log: ReadableLog) {
    this.log = log;
    this.reader = new LogReader(log.memory);
    this.#generation = log.generation;
    this.#flushedTail = log.tail;
  }

  get size(): number {
    return this.#plays.size;
  }

  /** Whether so much has come since the last flush that waiting for the next one could cost a cursor its place. */
  get isFilling(): boolean {
    return this.log.tail - this.#flushedTail > this.log.memory.capacity * maxUnflushedFraction;
  }

  open(
    fanOut: PacketFanOut,
    routes: readonly PacketRoute[],
    options: PlayOptions,
    handler: PlayHandler,
    onEnded: (play: PacketPlay) => void,
  ): PacketPlay {
    this.refresh();
    const play = new PacketPlay(fanOut, this, routes, options, handler, (ended) => {
      this.#plays.delete(ended);
      onEnded(ended);
    });
    this.#plays.add(play);
    return play;
  }

  refresh(): void {
    this.reader.memory = this.log.memory;
    this.reader.refresh();
    if (this.#generation === this.log.generation) return;
    this.#generation = this.log.generation;
    this.#flushedTail = this.log.tail;
    this.#batch = undefined;
    for (const play of this.#plays) play.startOver();
  }

  flush(): void {
    this.refresh();
    this.#flushedTail = this.log.tail;
    for (const play of this.#plays) play.flush();
    // Kept from turn to turn it would hold a frame for a log that nobody sends any more.
    this.#batch = undefined;
  }

  /** Undefined: the writer was faster. */
  read(entry: number, position: number, isStarting: boolean): PacketBatch | undefined {
    if (this.#batch === undefined || this.#batchEntry !== entry || this.#isBatchStarting !== isStarting) {
      this.#batch = readPackets(this.reader, entry, position, isStarting, packetTurnBytes);
      this.#batchEntry = entry;
      this.#isBatchStarting = isStarting;
    }
    return this.#batch;
  }
}

/** A cursor, and where its packets go. */
export class PacketPlay implements Play {
  readonly #fanOut: PacketFanOut;
  readonly #log: LogPackets;
  readonly #targets: (PacketTarget | undefined)[] = [];
  readonly #options: PlayOptions;
  readonly #handler: PlayHandler;
  readonly #onEnded: (play: PacketPlay) => void;
  /** In the table; -1 when the play is over. */
  #cursor: number;
  /** What was begun, and the packet of it to go on with. */
  #batch: PacketBatch | undefined;
  #nextPacket = 0;
  #isFinishing = false;
  #isPaused = false;

  constructor(
    fanOut: PacketFanOut,
    log: LogPackets,
    routes: readonly PacketRoute[],
    options: PlayOptions,
    handler: PlayHandler,
    onEnded: (play: PacketPlay) => void,
  ) {
    this.#fanOut = fanOut;
    this.#log = log;
    for (const { channel, target } of routes) this.#targets[channel] = target;
    this.#options = options;
    this.#handler = handler;
    this.#onEnded = onEnded;
    this.#cursor = this.#table.open(log.reader, options.isLive, fanOut.options.nowMs());
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused || this.#cursor < 0) return;
    this.#isPaused = isPaused;
    this.#batch = undefined;
    if (isPaused) return;
    this.#log.refresh();
    this.startOver();
    this.flush();
  }

  finish(): void {
    this.#isFinishing = true;
    this.#isPaused = false;
    this.#log.refresh();
    this.flush();
  }

  stop(): void {
    if (this.#cursor < 0) return;
    this.#table.close(this.#cursor);
    this.#cursor = -1;
    this.#batch = undefined;
    this.#onEnded(this);
  }

  /** At the newest random access point, after what was begun: another log has taken the place of the one before. */
  startOver(): void {
    if (this.#cursor < 0) return;
    this.#table.close(this.#cursor);
    this.#cursor = this.#table.open(this.#log.reader, false, this.#fanOut.options.nowMs());
  }

  /** The next turn of one that had more than a turn's worth. */
  continue(): void {
    if (this.#cursor < 0) return;
    this.#log.refresh();
    this.flush();
  }

  /** A turn: sends what is there. */
  flush(): void {
    if (this.#isPaused || this.#fanOut.isSpreading(this)) return;
    try {
      this.#sendTurn();
    } catch (error) {
      this.stop();
      this.#fanOut.options.onFailure(error);
    }
  }

  #sendTurn(): void {
    const nowMs = this.#fanOut.options.nowMs();
    let sentBytes = 0;
    while (this.#cursor >= 0) {
      for (let batch = this.#batch; batch !== undefined; batch = this.#batch) {
        if (sentBytes >= packetTurnBytes) {
          this.#fanOut.spread(this);
          return;
        }
        const packet = batch.packets[this.#nextPacket++];
        if (packet === undefined) {
          this.#batch = undefined;
          continue;
        }
        const target = this.#targets[packet.channel];
        if (target === undefined) continue;
        target.send(packet.bytes);
        sentBytes += packet.bytes.length;
      }
      if (!this.#step(nowMs)) return;
    }
  }

  /** False: there is nothing to send now. */
  #step(nowMs: number): boolean {
    const skippedBefore = this.#table.skippedBytes[this.#cursor] as number;
    const step = this.#table.step(this.#cursor, this.#log.reader, this.#options.lagLimits, nowMs);
    if (step === cursorSteps.evicted) {
      this.#fanOut.counters.evictedCount++;
      this.stop();
      this.#handler.handleEvicted();
      return false;
    }
    if (step === cursorSteps.jumped) {
      this.#fanOut.counters.jumpCount++;
      this.#handler.handleLag((this.#table.skippedBytes[this.#cursor] as number) - skippedBefore);
      return true;
    }
    if (step === cursorSteps.idle) {
      if (!this.#isFinishing) return false;
      this.stop();
      this.#handler.handlePlayed();
      return false;
    }
    this.#begin(nowMs);
    return true;
  }

  #begin(nowMs: number): void {
    const entry = this.#table.entries[this.#cursor] as number;
    const position = this.#table.positions[this.#cursor] as number;
    const batch = this.#log.read(entry, position, this.#table.isStarting(this.#cursor));
    if (batch === undefined) {
      this.#log.refresh(); // the next step finds it lapped
      return;
    }
    this.#table.advance(this.#cursor, batch.endEntry, batch.endPosition, batch.byteLength, nowMs);
    this.#batch = batch;
    this.#nextPacket = 0;
  }

  get #table(): CursorTable {
    return this.#fanOut.options.table;
  }
}

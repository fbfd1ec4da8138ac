/** Several shards and their controller in one thread, with the channels between them that threads would have. */

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { CursorTable, defaultLagLimits } from "../../src/kernel/cursor-table.ts";
import type { FormatFamily } from "../../src/kernel/egress.ts";
import { Engine } from "../../src/kernel/engine.ts";
import { LogReader } from "../../src/kernel/log-reader.ts";
import { MemoryBudget } from "../../src/kernel/memory-budget.ts";
import type { Publication } from "../../src/kernel/publication.ts";
import {
  type AccessRequest,
  type EngineEvent,
  LocalEventBus,
  permitAll,
  silentAuditSink,
} from "../../src/kernel/services.ts";
import type { ControllerCalls, PeerCalls, ShardCalls } from "../../src/runtime/shards/calls.ts";
import { Controller } from "../../src/runtime/shards/controller.ts";
import { doorbellBytes } from "../../src/runtime/shards/doorbell.ts";
import type { Player } from "../../src/runtime/shards/feed.ts";
import { linkQueueBytes, PortLink } from "../../src/runtime/shards/link.ts";
import { Shard } from "../../src/runtime/shards/shard.ts";
import type { PlayerSubscription } from "../../src/runtime/shards/subscription.ts";
import { ManualClock, plainFormat, textOf, WordPublisher } from "./kernel.ts";

export interface ShardWorldOptions {
  readonly limits?: {
    readonly maxPublishers?: number;
    readonly maxStreams?: number;
    readonly maxApplications?: number;
  };
  readonly memoryBytes?: number;
  readonly authorize?: (access: AccessRequest) => Promise<boolean>;
}

/** A way between two of them that can be held up in one direction, as when the thread at its end is busy. */
class Way {
  readonly ends: readonly [MessagePort, MessagePort];
  readonly queue = new SharedArrayBuffer(linkQueueBytes);
  readonly #held: [unknown[] | undefined, unknown[] | undefined] = [undefined, undefined];
  readonly #inner: readonly [MessagePort, MessagePort];

  constructor() {
    const [left, right] = [new MessageChannel(), new MessageChannel()];
    this.ends = [left.port1, right.port1];
    this.#inner = [left.port2, right.port2];
    for (const side of [0, 1] as const) {
      const to = this.#inner[1 - side] as MessagePort;
      this.#inner[side].on("message", (message: unknown) => {
        const held = this.#held[side];
        if (held === undefined) to.postMessage(message);
        else held.push(message);
      });
      this.#inner[side].on("close", () => to.close());
    }
  }

  /** What the end `side` sends waits. */
  hold(side: 0 | 1): void {
    this.#held[side] ??= [];
  }

  release(): void {
    for (const side of [0, 1] as const) {
      const held = this.#held[side] ?? [];
      this.#held[side] = undefined;
      for (const message of held) this.#inner[1 - side]?.postMessage(message);
    }
  }

  get heldCount(): number {
    return (this.#held[0]?.length ?? 0) + (this.#held[1]?.length ?? 0);
  }

  get isIdle(): boolean {
    const [sentA, takenA, sentB, takenB] = new Int32Array(this.queue);
    return sentA === takenA && sentB === takenB;
  }

  close(): void {
    for (const port of [...this.ends, ...this.#inner]) port.close();
  }
}

export class ShardWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly controller: Controller;
  readonly shards: readonly Shard[];
  readonly events: EngineEvent[] = [];
  readonly failures: unknown[] = [];
  readonly #memory: SharedArrayBuffer;
  readonly #ways = new Map<string, Way>();

  /** Shards 1 to `count`. */
  constructor(count: number, options: ShardWorldOptions = {}) {
    const { limits = {}, memoryBytes = 2 ** 30, authorize } = options;
    this.#memory = new SharedArrayBuffer(8 * (count + 1));
    const eventBus = new LocalEventBus();
    eventBus.listen((event) => this.events.push(event));
    this.controller = new Controller({
      clock: this.clock,
      authenticator:
        authorize === undefined
          ? permitAll
          : { authorize: async (access) => ({ isAllowed: await authorize(access), reason: "not this one" }) },
      auditSink: silentAuditSink,
      eventBus,
      limits: { maxPublishers: 100, maxStreams: 100, maxApplications: 100, ...limits },
    });
    this.shards = Array.from({ length: count }, (_, at) => this.#openShard(at + 1, memoryBytes));
    for (const one of this.shards) {
      for (const other of this.shards) if (one.index < other.index) this.#connect(one, other);
    }
  }

  shard(index: number): Shard {
    return this.shards[index - 1] as Shard;
  }

  /** Between two shards, or between the controller (0) and one. */
  #way(from: number, to: number): { readonly way: Way; readonly side: 0 | 1 } {
    const way = this.#ways.get(`${Math.min(from, to)}-${Math.max(from, to)}`) as Way;
    return { way, side: from < to ? 0 : 1 };
  }

  /** What `from` sends to `to` waits until {@link release}. */
  hold(from: number, to: number): void {
    const { way, side } = this.#way(from, to);
    way.hold(side);
  }

  release(from: number, to: number): void {
    this.#way(from, to).way.release();
  }

  heldCount(from: number, to: number): number {
    return this.#way(from, to).way.heldCount;
  }

  async publish(index: number, name: string): Promise<WordPublisher> {
    return new WordPublisher(await this.openPublication(index, name));
  }

  openPublication(index: number, name: string): Promise<Publication> {
    return this.shard(index).publish({ name, protocol: "test", address: `shard ${index}` }, () => {});
  }

  async play(index: number, name: string, key = "plain"): Promise<ReadingPlayer> {
    const player = new ReadingPlayer();
    const format = { family: "test", key, parameters: undefined };
    player.start(await this.shard(index).subscribe({ name, protocol: "test" }, format, player));
    return player;
  }

  /** Until every message has been taken, and nobody has anything to say to it. Only while nothing is held. */
  async settle(): Promise<void> {
    for (let calm = 0; calm < 5; ) {
      await turn();
      calm = [...this.#ways.values()].every(({ isIdle }) => isIdle) ? calm + 1 : 0;
    }
  }

  tick(): void {
    for (const { engine } of this.shards) engine.tick();
  }

  /** Of all shards. */
  get usedBytes(): number {
    return new Float64Array(this.#memory).reduce((sum, bytes) => sum + bytes, 0);
  }

  close(): void {
    for (const shard of this.shards) shard.close();
    for (const way of this.#ways.values()) way.close();
  }

  readonly #onFailure = (error: unknown): void => {
    this.failures.push(error);
  };

  #openShard(index: number, memoryBytes: number): Shard {
    const way = new Way();
    this.#ways.set(`0-${index}`, way);
    const calls: { -readonly [Name in keyof ShardCalls]?: ShardCalls[Name] } = {};
    const { queue, ends } = way;
    const near = { queue, port: ends[0], side: 0 } as const;
    const far = { queue, port: ends[1], side: 1 } as const;
    const now = this.clock.monotonicMs;
    const toShard = new PortLink<ShardCalls, ControllerCalls>(near, this.controller.calls, now, this.#onFailure);
    const toController = new PortLink<ControllerCalls, ShardCalls>(far, calls as ShardCalls, now, this.#onFailure);
    this.controller.addShard(index, toShard);
    const eventBus = new LocalEventBus();
    const onEvent = (event: EngineEvent): void => toController.tell("changed", { shard: index, event });
    eventBus.listen(onEvent);
    const engine = new Engine({
      clock: this.clock,
      eventBus,
      memory: new MemoryBudget(memoryBytes, new Float64Array(this.#memory), index),
    });
    const families = new Map([["test", testFamily]]);
    const shard = new Shard({ index, engine, families, onEvent, onFailure: this.#onFailure }, toController);
    Object.assign(calls, shard.calls);
    return shard;
  }

  #connect(one: Shard, other: Shard): void {
    const way = new Way();
    this.#ways.set(`${one.index}-${other.index}`, way);
    const { queue, ends } = way;
    const [there, back] = [new SharedArrayBuffer(doorbellBytes), new SharedArrayBuffer(doorbellBytes)];
    const now = this.clock.monotonicMs;
    const open = (from: Shard, to: Shard, side: 0 | 1): PortLink<PeerCalls, PeerCalls> =>
      new PortLink({ queue, port: ends[side], side }, from.peerCalls(to.index), now, this.#onFailure);
    const [near, far] = [open(one, other, 0), open(other, one, 1)];
    one.connect(other.index, near, there, back, () => near.tell("ring", undefined));
    other.connect(one.index, far, back, there, () => far.tell("ring", undefined));
  }
}

/** A player by the book: one cursor, read whenever the doorbell rings. */
export class ReadingPlayer implements Player {
  text = "";
  endReason: string | undefined;
  readonly #table = new CursorTable(1);
  #subscription: PlayerSubscription | undefined;
  #reader: LogReader | undefined;
  #generation = -1;
  #cursor = -1;
  #removeDoorbell: () => void = () => {};

  get subscription(): PlayerSubscription {
    if (this.#subscription === undefined) throw new Error("it plays nothing");
    return this.#subscription;
  }

  start(subscription: PlayerSubscription): void {
    this.#subscription = subscription;
    this.#removeDoorbell = subscription.log.addDoorbell(() => this.#read());
    this.#read();
  }

  handleStreamEnd(reason: string): void {
    this.endReason = reason;
    if (this.#subscription !== undefined) this.#read();
  }

  close(): void {
    this.#removeDoorbell();
    this.subscription.close("the player left");
  }

  #read(): void {
    const { log } = this.subscription;
    this.#reader ??= new LogReader(log.memory);
    this.#reader.memory = log.memory;
    this.#reader.refresh();
    if (this.#generation !== log.generation) {
      if (this.#cursor >= 0) this.#table.close(this.#cursor);
      this.#generation = log.generation;
      this.#cursor = this.#table.open(this.#reader, false, 0);
    }
    while (this.#table.step(this.#cursor, this.#reader, defaultLagLimits, 0) === 1) {
      const entry = this.#table.entries[this.#cursor] as number;
      const isStarting = this.#table.isStarting(this.#cursor);
      const { views, endEntry, endPosition, byteLength } = this.#reader.gather(entry, isStarting, 65_536);
      this.text += views.map(textOf).join("");
      this.#table.advance(this.#cursor, endEntry, endPosition, byteLength, 0);
    }
  }
}

/** Lets the event loop go round once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Frames as they are. A key that begins with `picky` refuses streams that have tracks. */
const testFamily: FormatFamily = {
  choose: (tracks, { key }) => {
    if (key.startsWith("picky") && tracks.length > 0)
      throw new CodedError("ERR_CODEC_NOT_RECEIVABLE", "nothing for it");
    return { format: plainFormat(key), leftOut: key === "modest" ? ["the sound"] : [] };
  },
};

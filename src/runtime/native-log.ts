/** The addon's side of one egress log. */

import type { LogMemory } from "../kernel/log-memory.ts";
import { LogReader } from "../kernel/log-reader.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import { maxUnflushedFraction } from "./limits.ts";
import type { NativeShard } from "./native-addon.ts";

export class NativeLog {
  readonly log: ReadableLog;
  readonly reader: LogReader;
  readonly id: number;
  readonly #shard: NativeShard;
  #memory: LogMemory;
  #generation: number;
  removeDoorbell: () => void = () => {};
  cursorCount = 0;
  flushedTail = 0;

  constructor(log: ReadableLog, shard: NativeShard) {
    this.log = log;
    this.#shard = shard;
    this.#memory = log.memory;
    this.#generation = log.generation;
    this.reader = new LogReader(log.memory);
    this.flushedTail = log.tail;
    const { shared, capacity, entryCapacity } = log.memory;
    this.id = shard.openLog(new Uint8Array(shared), capacity, entryCapacity);
  }

  /** Whether so much has come since the last flush that waiting for the next one could cost a cursor its place. */
  get isFilling(): boolean {
    return this.log.tail - this.flushedTail > this.log.memory.capacity * maxUnflushedFraction;
  }

  /** Goes over to the larger ring when the log has grown, and to another log that has taken its place. */
  attach(): void {
    const { memory, generation } = this.log;
    if (this.#memory === memory) return;
    const isSameLog = this.#generation === generation;
    this.#memory = memory;
    this.#generation = generation;
    this.reader.memory = memory;
    const { shared, capacity, entryCapacity } = memory;
    const bytes = new Uint8Array(shared);
    if (isSameLog) this.#shard.attachLog(this.id, bytes, capacity, entryCapacity);
    else this.#shard.replaceLog(this.id, bytes, capacity, entryCapacity, systemClock.monotonicMs());
  }
}

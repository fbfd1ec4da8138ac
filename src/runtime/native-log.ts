/** The addon's side of one egress log. */

import type { EgressLog, LogMemory } from "../kernel/egress-log.ts";
import { LogReader } from "../kernel/log-reader.ts";
import { maxUnflushedFraction } from "./limits.ts";
import type { NativeShard } from "./native-addon.ts";

export class NativeLog {
  readonly log: EgressLog;
  readonly reader: LogReader;
  readonly id: number;
  readonly #shard: NativeShard;
  #memory: LogMemory;
  removeDoorbell: () => void = () => {};
  cursorCount = 0;
  flushedTail = 0;

  constructor(log: EgressLog, shard: NativeShard) {
    this.log = log;
    this.#shard = shard;
    this.#memory = log.memory;
    this.reader = new LogReader(log.memory);
    this.flushedTail = log.tail;
    const { shared, capacity, entryCapacity } = log.memory;
    this.id = shard.openLog(new Uint8Array(shared), capacity, entryCapacity);
  }

  /** Whether so much has come since the last flush that waiting for the next one could cost a cursor its place. */
  get isFilling(): boolean {
    return this.log.tail - this.flushedTail > this.log.memory.capacity * maxUnflushedFraction;
  }

  /** Goes over to the larger ring when the log has grown. */
  attach(): void {
    if (this.#memory === this.log.memory) return;
    this.#memory = this.log.memory;
    this.reader.memory = this.#memory;
    const { shared, capacity, entryCapacity } = this.#memory;
    this.#shard.attachLog(this.id, new Uint8Array(shared), capacity, entryCapacity);
  }
}

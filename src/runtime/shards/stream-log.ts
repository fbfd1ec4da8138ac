/**
 * The log that players of one stream and wire format hold, wherever it is written: on this thread, on another, or after its
 * publisher came back through another thread, now here and now there. They need not know.
 */

import { assert } from "../../bytes/assert.ts";
import type { EgressLog } from "../../kernel/egress-log.ts";
import type { LogMemory } from "../../kernel/log-memory.ts";
import { LogReader } from "../../kernel/log-reader.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";

export class StreamLog implements ReadableLog {
  readonly #doorbells = new Set<() => void>();
  #own: EgressLog | undefined;
  #removeOwnDoorbell: () => void = () => {};
  #memory: LogMemory | undefined;
  #reader: LogReader | undefined;
  #generation = 0;
  #isClosed = false;

  get memory(): LogMemory {
    const memory = this.#own?.memory ?? this.#memory;
    assert(memory !== undefined, "a log was used before it was there");
    return memory;
  }

  get tail(): number {
    if (this.#own !== undefined) return this.#own.tail;
    const reader = this.#reader;
    if (reader === undefined) return 0;
    reader.refresh();
    return reader.tail;
  }

  get isForeign(): boolean {
    return this.#own === undefined;
  }

  get generation(): number {
    return this.#generation;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  addDoorbell(ring: () => void): () => void {
    this.#doorbells.add(ring);
    return () => {
      this.#doorbells.delete(ring);
    };
  }

  /** There are new entries, or something else that its readers must look at. */
  ring(): void {
    for (const ring of this.#doorbells) ring();
  }

  /** From now on it is this one, written on this thread. */
  attachOwn(log: EgressLog): void {
    this.#removeOwnDoorbell();
    this.#own = log;
    this.#memory = undefined;
    this.#reader = undefined;
    this.#removeOwnDoorbell = log.addDoorbell(() => this.ring());
    this.#generation++;
    this.ring();
  }

  /** From now on it is this one, written on another thread. */
  attachForeign(memory: LogMemory): void {
    this.#removeOwnDoorbell();
    this.#own = undefined;
    this.#memory = memory;
    this.#reader = new LogReader(memory);
    this.#generation++;
    this.ring();
  }

  /** The other thread's log has grown into this memory; positions stay. */
  grow(memory: LogMemory): void {
    this.#memory = memory;
    if (this.#reader !== undefined) this.#reader.memory = memory;
    this.ring();
  }

  /** Its writer is gone, and another one may come: what is there already stays readable. */
  detach(): void {
    if (this.#own === undefined) return;
    this.#memory = this.#own.memory;
    this.#reader = new LogReader(this.#memory);
    this.#removeOwnDoorbell();
    this.#removeOwnDoorbell = () => {};
    this.#own = undefined;
  }

  close(): void {
    this.#removeOwnDoorbell();
    this.#isClosed = true;
  }
}

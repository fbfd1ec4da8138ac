/**
 * Reads an egress log's shared memory from any thread, without ever making the writer wait.
 *
 * Use: {@link LogReader.refresh} once a batch; then for each cursor {@link LogReader.isReachable}, gather, use the bytes,
 * and {@link LogReader.isIntact} afterwards. What was not intact afterwards must not have been used (or, on a socket, ends
 * that connection: its bytes were overwritten while they were being sent).
 *
 * Orderings: words are loaded and stored sequentially consistent (ECMA-262 Atomics). The plain reads between two loads
 * keep their order on x86-64, where loads are not reordered with loads; on weaker machines the guard distance is what
 * keeps a reader that started in time away from the writer.
 */

import { guardFraction } from "./limits.ts";
import { entryFlags, logWords } from "./log-layout.ts";
import type { LogMemory } from "./log-memory.ts";

/** Whole entries, gathered: views into the ring, in order. */
export interface GatheredEntries {
  readonly views: Uint8Array[];
  readonly byteLength: number;
  /** The entry to go on with, and its position. */
  readonly endEntry: number;
  readonly endPosition: number;
  /** Decoding time of the last gathered entry. */
  readonly timeMs: number;
}

export class LogReader {
  memory: LogMemory;
  /** Snapshot of the last refresh. */
  tail = 0;
  entryTail = 0;
  newestRandomAccessEntry = -1;
  #oldestPosition = 0;
  #oldestEntry = 0;

  constructor(memory: LogMemory) {
    this.memory = memory;
  }

  /** Loads the words anew. */
  refresh(): void {
    const { capacity, entryCapacity } = this.memory;
    // The random access point before the entry tail, so that it is never ahead of it.
    this.newestRandomAccessEntry = this.load(logWords.newestRandomAccessEntry);
    this.#loadTails();
    const floor = this.load(logWords.floor);
    const floorEntry = this.load(logWords.floorEntry);
    const intent = this.load(logWords.tailIntent);
    this.#oldestPosition = Math.max(floor, intent - capacity + Math.floor(capacity * guardFraction));
    this.#oldestEntry = Math.max(
      floorEntry,
      this.entryTail - entryCapacity + Math.max(1, Math.floor(entryCapacity * guardFraction)),
    );
    // A log that has not wrapped yet has lost nothing, however close the guard is.
    if (intent <= capacity) this.#oldestPosition = floor;
    if (this.entryTail < entryCapacity) this.#oldestEntry = floorEntry;
  }

  /** Whether a reader may start with this entry: it is there, and a guard distance away from being overwritten. */
  isReachable(entry: number): boolean {
    if (entry < this.#oldestEntry || entry > this.entryTail) return false;
    if (entry === this.entryTail) return true;
    return this.positionOf(entry) >= this.#oldestPosition;
  }

  /** The newest random access point, or -1 when there is none that can be reached. */
  randomAccessEntry(): number {
    const entry = this.newestRandomAccessEntry;
    return entry >= 0 && this.isReachable(entry) ? entry : -1;
  }

  positionOf(entry: number): number {
    if (entry === this.entryTail) return this.tail;
    return this.memory.entryNumbers[(entry % this.memory.entryCapacity) * 3] as number;
  }

  timeOf(entry: number): number {
    return this.memory.entryNumbers[(entry % this.memory.entryCapacity) * 3 + 1] as number;
  }

  lengthOf(entry: number): number {
    return this.memory.entryWords[(entry % this.memory.entryCapacity) * 6 + 4] as number;
  }

  flagsOf(entry: number): number {
    return this.memory.entryWords[(entry % this.memory.entryCapacity) * 6 + 5] as number;
  }

  /**
   * Gathers whole entries from `entry` up to the tail or until `maxBytes` are exceeded (at least one entry).
   *
   * @param isStarting - whether this cursor starts here (joined, or jumped): then the preamble belongs to it
   */
  gather(entry: number, isStarting: boolean, maxBytes: number): GatheredEntries {
    const views: Uint8Array[] = [];
    let byteLength = 0;
    let runStart = -1;
    let runEnd = -1;
    let timeMs = 0;
    let at = entry;
    for (; at < this.entryTail && byteLength < maxBytes; at++) {
      const isSkipped = (this.flagsOf(at) & entryFlags.preamble) !== 0 && !(isStarting && at === entry);
      if (isSkipped) continue;
      const position = this.positionOf(at);
      const length = this.lengthOf(at);
      timeMs = this.timeOf(at);
      byteLength += length;
      if (position === runEnd) {
        runEnd += length;
        continue;
      }
      this.#addRun(views, runStart, runEnd);
      runStart = position;
      runEnd = position + length;
    }
    this.#addRun(views, runStart, runEnd);
    return { views, byteLength, endEntry: at, endPosition: this.positionOf(at), timeMs };
  }

  /** Whether nothing from `entry` (at `position`) on has been overwritten up to now. Asked after use. */
  isIntact(entry: number, position: number): boolean {
    return (
      position >= this.load(logWords.tailIntent) - this.memory.capacity &&
      entry > this.load(logWords.entryTail) - this.memory.entryCapacity
    );
  }

  /** Whether a bigger ring has taken over. */
  isSuperseded(): boolean {
    return this.load(logWords.superseded) === 1;
  }

  /**
   * The entry tail, and where the last entry before it ends. The word `tail` would not do: it is stored after `entryTail`, so
   * between two loads the writer can put it an entry behind or ahead, and the cursor would have a position that is not its
   * entry's. Again only when the writer went round the whole table in the meantime.
   */
  #loadTails(): void {
    const { entryCapacity } = this.memory;
    let entryTail = this.load(logWords.entryTail);
    for (;;) {
      this.entryTail = entryTail;
      this.tail = entryTail === 0 ? 0 : this.#endOf(entryTail - 1);
      entryTail = this.load(logWords.entryTail);
      if (entryTail < this.entryTail + entryCapacity - 1) return;
    }
  }

  #endOf(entry: number): number {
    const record = entry % this.memory.entryCapacity;
    return (this.memory.entryNumbers[record * 3] as number) + (this.memory.entryWords[record * 6 + 4] as number);
  }

  /** One shared word. Apart, so that the model test can let the writer take steps between any two loads. */
  protected load(word: number): number {
    return Number(Atomics.load(this.memory.words, word));
  }

  #addRun(views: Uint8Array[], start: number, end: number): void {
    if (end <= start) return;
    const { ring, capacity } = this.memory;
    const at = start % capacity;
    const length = end - start;
    if (at + length <= capacity) {
      views.push(ring.subarray(at, at + length));
    } else {
      views.push(ring.subarray(at, capacity), ring.subarray(0, at + length - capacity));
    }
  }
}

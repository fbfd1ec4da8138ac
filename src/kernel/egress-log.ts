/**
 * The append-only log of one stream in one wire format: exact wire bytes, packetised once, in a ring of shared memory.
 *
 * One writer that never waits; any number of readers that may be lapped and find out (log-reader.ts). After Agrona's
 * broadcast buffer: the writer stores *tail intent*, then the bytes, then *entry tail*; a reader checks before and after use.
 *
 * A ring starts small and grows by copying its window into one twice the size. Positions do not change, so cursors do not
 * notice; readers of the old memory find it whole (nobody writes to it any more) and change over when they look again.
 */

import { assert } from "../bytes/assert.ts";
import { CodedError } from "../bytes/coded-error.ts";
import { ERR_LOG_ENTRY_TOO_LARGE, ERR_MEMORY_LIMIT } from "./errors.ts";
import { guardFraction, initialRingBytes, initialRingEntries, ringGops } from "./limits.ts";
import { entryFlags, logMemoryBytes, logWords } from "./log-layout.ts";
import { type LogMemory, openLogMemory } from "./log-memory.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { ReadableLog } from "./readable-log.ts";

export interface EgressLogOptions {
  readonly initialBytes?: number;
  readonly initialEntries?: number;
  /** The ring grows up to this, so that it holds the current GOP. */
  readonly maxBytes: number;
  readonly budget?: MemoryBudget;
}

export class EgressLog implements ReadableLog {
  readonly isForeign = false;
  readonly generation = 0;
  #memory: LogMemory;
  readonly #maxBytes: number;
  readonly #budget: MemoryBudget;
  readonly #doorbells = new Set<() => void>();
  #tail = 0;
  #entryTail = 0;
  #floor = 0;
  #floorEntry = 0;
  #newestRandomAccessEntry = -1;
  /** Where the next byte of the claimed entry goes, and where it ends. */
  #writePosition = 0;
  #claimEnd = 0;
  #isClaimed = false;
  #growthCount = 0;
  #isClosed = false;

  constructor(options: EgressLogOptions) {
    const capacity = options.initialBytes ?? initialRingBytes;
    const entryCapacity = options.initialEntries ?? initialRingEntries;
    assert(Number.isInteger(Math.log2(capacity)), "a ring's capacity is a power of two");
    this.#maxBytes = Math.max(capacity, 2 ** Math.floor(Math.log2(options.maxBytes)));
    this.#budget = options.budget ?? new MemoryBudget(Number.POSITIVE_INFINITY);
    const bytes = logMemoryBytes(capacity, entryCapacity);
    if (!this.#budget.tryReserve(bytes)) {
      throw new CodedError(
        ERR_MEMORY_LIMIT,
        `a new egress log needs ${bytes} bytes, but ${this.#budget.usedBytes} of ${this.#budget.limitBytes} are in use`,
      );
    }
    this.#memory = openLogMemory(new SharedArrayBuffer(bytes), capacity, entryCapacity);
    Atomics.store(this.#memory.words, logWords.newestRandomAccessEntry, -1n);
  }

  /** The memory of now; another one after each growth. */
  get memory(): LogMemory {
    return this.#memory;
  }

  get tail(): number {
    return this.#tail;
  }

  /** Entries ever appended: the number the next one gets. */
  get entryTail(): number {
    return this.#entryTail;
  }

  get growthCount(): number {
    return this.#growthCount;
  }

  get byteLength(): number {
    return this.#memory.shared.byteLength;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls `ring` once after each frame (not after each entry), until the returned function is called. */
  addDoorbell(ring: () => void): () => void {
    this.#doorbells.add(ring);
    return () => {
      this.#doorbells.delete(ring);
    };
  }

  /** Tells the shards that there is something to send. The packetizer's caller does this, after a whole frame. */
  ringDoorbells(): void {
    for (const ring of this.#doorbells) ring();
  }

  /**
   * Claims the next entry: exactly `length` bytes must be {@link write}n before {@link commit}.
   *
   * @param flags - of {@link entryFlags}; `key` or `preamble` marks a random access point, and a `key` right behind its
   *   own preamble is that same point
   * @param timeMs - the entry's decoding time on the stream's timeline
   * @throws `ERR_LOG_ENTRY_TOO_LARGE` when the largest ring can't hold it; the log is unchanged
   */
  claim(length: number, flags: number, timeMs: number): void {
    assert(!this.#isClaimed, "claim() before the entry before was committed");
    assert(!this.#isClosed, "claim() on a closed log");
    this.#makeRoom(length);
    const { words, entryNumbers, entryWords, entryCapacity } = this.#memory;
    this.#claimEnd = this.#tail + length;
    Atomics.store(words, logWords.tailIntent, BigInt(this.#claimEnd));
    const record = this.#entryTail % entryCapacity;
    entryNumbers[record * 3] = this.#tail;
    entryNumbers[record * 3 + 1] = timeMs;
    entryWords[record * 6 + 4] = length;
    entryWords[record * 6 + 5] = flags;
    this.#writePosition = this.#tail;
    this.#isClaimed = true;
  }

  /** Appends `bytes[start, end)` to the claimed entry. */
  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const { ring, capacity } = this.#memory;
    const length = end - start;
    assert(this.#writePosition + length <= this.#claimEnd, "an entry was written past its claim");
    let at = this.#writePosition % capacity;
    this.#writePosition += length;
    if (length <= smallWriteBytes) {
      // Headers: a loop is cheaper than the view that set() needs.
      for (let i = start; i < end; i++) {
        ring[at] = bytes[i] as number;
        at = at + 1 === capacity ? 0 : at + 1;
      }
      return;
    }
    const first = Math.min(length, capacity - at);
    ring.set(start === 0 && first === bytes.length ? bytes : bytes.subarray(start, start + first), at);
    if (first < length) ring.set(bytes.subarray(start + first, end), 0);
  }

  /** Makes the claimed entry visible to readers. */
  commit(): void {
    assert(this.#isClaimed, "commit() without a claim");
    assert(this.#writePosition === this.#claimEnd, "an entry was committed before it was whole");
    this.#isClaimed = false;
    const { words, entryWords, entryCapacity } = this.#memory;
    const flags = entryWords[(this.#entryTail % entryCapacity) * 6 + 5] as number;
    const isRandomAccess = this.#startsRandomAccess(flags);
    if (isRandomAccess) this.#newestRandomAccessEntry = this.#entryTail;
    this.#entryTail++;
    this.#tail = this.#claimEnd;
    Atomics.store(words, logWords.entryTail, BigInt(this.#entryTail));
    // Only when it moves: each of these stores allocates a BigInt.
    if (isRandomAccess) {
      Atomics.store(words, logWords.newestRandomAccessEntry, BigInt(this.#newestRandomAccessEntry));
    }
  }

  /** Gives the memory back to the budget. Readers may go on reading what they hold. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#doorbells.clear();
    this.#budget.release(this.#memory.shared.byteLength);
  }

  #startsRandomAccess(flags: number): boolean {
    if ((flags & entryFlags.preamble) !== 0) return true;
    if ((flags & entryFlags.key) === 0) return false;
    return this.#newestRandomAccessEntry !== this.#entryTail - 1 || !this.#previousIsPreamble();
  }

  #previousIsPreamble(): boolean {
    if (this.#entryTail === 0) return false;
    const record = (this.#entryTail - 1) % this.#memory.entryCapacity;
    return ((this.#memory.entryWords[record * 6 + 5] as number) & entryFlags.preamble) !== 0;
  }

  /** Grows the ring until the current GOP, the new entry and the guard fit, or the limits say no; then old bytes go. */
  #makeRoom(length: number): void {
    if (length > this.#maxBytes * (1 - guardFraction)) {
      throw new CodedError(
        ERR_LOG_ENTRY_TOO_LARGE,
        `an entry of ${length} bytes does not fit into a ring of at most ${this.#maxBytes} bytes: raise streaming.max_ring`,
      );
    }
    let { capacity, entryCapacity } = this.#memory;
    const keepFrom = this.#keepFromEntry();
    const gopBytes = keepFrom < this.#entryTail ? this.#tail - this.#positionOf(keepFrom) : 0;
    const wanted = length + gopBytes * ringGops;
    while (wanted > capacity * (1 - guardFraction) && capacity * 2 <= this.#maxBytes) capacity *= 2;
    while (length > capacity * (1 - guardFraction)) capacity *= 2;
    const keepEntries = this.#entryTail - keepFrom;
    // The table grows with the ring's limit in mind: an entry of less than 64 bytes is a rarity.
    while (keepEntries + 1 > entryCapacity * (1 - guardFraction) && entryCapacity * 2 <= this.#maxBytes / 64) {
      entryCapacity *= 2;
    }
    if (capacity !== this.#memory.capacity || entryCapacity !== this.#memory.entryCapacity) {
      this.#grow(capacity, entryCapacity, length);
    }
  }

  /** The first entry of the current GOP, or the next entry when the GOP's beginning is lost (then nothing is worth keeping). */
  #keepFromEntry(): number {
    const entry = this.#newestRandomAccessEntry;
    const { capacity, entryCapacity } = this.#memory;
    if (entry < 0 || this.#entryTail - entry > entryCapacity) return this.#entryTail;
    return this.#tail - this.#positionOf(entry) > capacity ? this.#entryTail : entry;
  }

  #positionOf(entry: number): number {
    return this.#memory.entryNumbers[(entry % this.#memory.entryCapacity) * 3] as number;
  }

  #grow(capacity: number, entryCapacity: number, length: number): void {
    const old = this.#memory;
    const bytes = logMemoryBytes(capacity, entryCapacity);
    if (!this.#budget.tryReserve(bytes - old.shared.byteLength)) {
      if (length <= old.capacity * (1 - guardFraction)) return; // goes on in the old ring: lag tolerance shrinks, nothing else
      throw new CodedError(ERR_MEMORY_LIMIT, `growing an egress log to ${bytes} bytes exceeds the memory limit`);
    }
    const next = openLogMemory(new SharedArrayBuffer(bytes), capacity, entryCapacity);
    // Not below the old floor: what an earlier growth left behind is not in the old ring either.
    const from = Math.max(this.#floor, this.#tail - old.capacity);
    for (let position = from; position < this.#tail; ) {
      const at = position % old.capacity;
      const to = position % capacity;
      const run = Math.min(this.#tail - position, old.capacity - at, capacity - to);
      next.ring.set(old.ring.subarray(at, at + run), to);
      position += run;
    }
    const firstEntry = Math.max(this.#floorEntry, this.#entryTail - old.entryCapacity);
    for (let entry = firstEntry; entry < this.#entryTail; entry++) {
      const at = entry % old.entryCapacity;
      const to = entry % entryCapacity;
      next.entryNumbers[to * 3] = old.entryNumbers[at * 3] as number;
      next.entryNumbers[to * 3 + 1] = old.entryNumbers[at * 3 + 1] as number;
      next.entryWords[to * 6 + 4] = old.entryWords[at * 6 + 4] as number;
      next.entryWords[to * 6 + 5] = old.entryWords[at * 6 + 5] as number;
    }
    Atomics.store(next.words, logWords.floor, BigInt(from));
    Atomics.store(next.words, logWords.floorEntry, BigInt(firstEntry));
    Atomics.store(next.words, logWords.tailIntent, BigInt(this.#tail));
    Atomics.store(next.words, logWords.entryTail, BigInt(this.#entryTail));
    Atomics.store(next.words, logWords.newestRandomAccessEntry, BigInt(this.#newestRandomAccessEntry));
    this.#memory = next;
    this.#floor = from;
    this.#floorEntry = firstEntry;
    this.#growthCount++;
    Atomics.store(old.words, logWords.superseded, 1n);
  }
}

/** Up to here a byte loop beats TypedArray.set with a subarray (V8 14: 20 ns against 45 ns at 16 bytes). */
const smallWriteBytes = 24;

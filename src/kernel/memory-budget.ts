/** Counts the bytes of all rings and windows of an engine against one limit, so that the limit refuses and the OOM killer never has to. */
export class MemoryBudget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #refusedCount = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** How often a reservation was refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  hasRoom(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.limitBytes;
  }

  /** Counts `bytes` that are there already, over the limit if need be; the caller has made what room it can. */
  reserve(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /** Takes `bytes` if the limit allows it. */
  tryReserve(bytes: number): boolean {
    if (!this.hasRoom(bytes)) {
      this.#refusedCount++;
      return false;
    }
    this.#usedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

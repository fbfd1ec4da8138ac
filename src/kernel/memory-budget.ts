/** Counts the bytes of all rings and windows against one limit, so that the limit refuses and the OOM killer never has to. */
export class MemoryBudget {
  readonly limitBytes: number;
  /** What each engine of the process uses, this one's at `index`. Each writes its own only, so that nobody waits. */
  readonly #used: Float64Array;
  readonly #index: number;
  #refusedCount = 0;

  /** @param used - shared by engines on several threads: one limit for all of them, which a race may pass by one ring */
  constructor(limitBytes: number, used: Float64Array = new Float64Array(1), index = 0) {
    this.limitBytes = limitBytes;
    this.#used = used;
    this.#index = index;
  }

  /** By all engines together. */
  get usedBytes(): number {
    const used = this.#used;
    let bytes = 0;
    for (let i = 0; i < used.length; i++) bytes += used[i] as number;
    return bytes;
  }

  /** How often a reservation was refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.limitBytes;
  }

  /** Counts `bytes` that are there already, over the limit if need be; the caller has made what room it can. */
  reserve(bytes: number): void {
    this.#add(bytes);
  }

  /** Takes `bytes` if the limit allows it. */
  tryReserve(bytes: number): boolean {
    if (!this.hasRoom(bytes)) {
      this.#refusedCount++;
      return false;
    }
    this.#add(bytes);
    return true;
  }

  release(bytes: number): void {
    this.#add(-bytes);
  }

  #add(bytes: number): void {
    this.#used[this.#index] = (this.#used[this.#index] as number) + bytes;
  }
}

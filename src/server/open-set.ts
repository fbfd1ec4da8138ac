/** What a service still has open, and the wait for its end: stopping means telling everybody and giving them a bounded time. */
export class OpenSet<Item> {
  readonly #items = new Set<Item>();
  #onEmpty: (() => void) | undefined;

  get size(): number {
    return this.#items.size;
  }

  has(item: Item): boolean {
    return this.#items.has(item);
  }

  add(item: Item): void {
    this.#items.add(item);
  }

  delete(item: Item): void {
    this.#items.delete(item);
    if (this.#items.size === 0) this.#onEmpty?.();
  }

  [Symbol.iterator](): IterableIterator<Item> {
    return this.#items.values();
  }

  /** Resolves when nothing is open any more, or when `timeoutMs` have passed. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#items.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
  }
}

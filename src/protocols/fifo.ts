/** A first-in first-out queue that moves nothing on removal: what state machines keep their events and output in. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, or undefined when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined; // a taken item must not be kept alive by the queue
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}

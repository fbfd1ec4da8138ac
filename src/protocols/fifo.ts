/**
 * A first-in first-out queue that moves nothing on removal: what state machines keep their events in. Most connections have
 * nothing to say for hours: an empty queue holds no memory but itself.
 */
export class Fifo<T> {
  #items: (T | undefined)[] | undefined;
  #head = 0;

  get length(): number {
    return (this.#items?.length ?? 0) - this.#head;
  }

  push(item: T): void {
    if (this.#items === undefined) this.#items = [item];
    else this.#items.push(item);
  }

  /** The oldest item, or undefined when there is none. */
  shift(): T | undefined {
    const items = this.#items;
    if (items === undefined) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined; // a taken item must not be kept alive by the queue
    if (this.#head === items.length) this.clear();
    return item;
  }

  clear(): void {
    this.#items = undefined;
    this.#head = 0;
  }
}

/**
 * Who wants to be asked next. Thousands of sessions have a deadline each that moves with every byte; asking all of them all the time
 * is most of what a server does between two flushes. Here each stands in the slot of its deadline, and is asked again when that
 * has come: what has moved meanwhile moves then.
 */
export class DeadlineWheel<Item> {
  readonly #slots: Item[][];
  readonly #slotMs: number;
  #now = 0;

  /** Deadlines farther away than `slotCount` are asked about sooner. */
  constructor(slotMs: number, slotCount: number) {
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slotCount }, () => []);
  }

  /** {@link advance} gives it back when `delayMs` have passed, at the next slot at the earliest. */
  add(item: Item, delayMs: number): void {
    const most = this.#slots.length - 1;
    const slots = Math.min(most, Math.max(1, Math.ceil(delayMs / this.#slotMs)));
    this.#slots[(this.#now + slots) % this.#slots.length]?.push(item);
  }

  /** Another slot of time has passed: those whose time has come. */
  advance(): Item[] {
    this.#now = (this.#now + 1) % this.#slots.length;
    const due = this.#slots[this.#now] as Item[];
    this.#slots[this.#now] = [];
    return due;
  }
}

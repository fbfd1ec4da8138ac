/**
 * The newest frames of a stream: the current GOP and a little slack behind it. A log of references: frames keep their bytes,
 * subscribers hold sequence numbers.
 *
 * It serves what egress logs can't: in-process subscribers, `replay()`, and the first subscriber of a wire format, whose log
 * is made from it.
 */

import type { Frame } from "./frame.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export interface FrameWindowLimits {
  readonly maxBytes: number;
  readonly maxFrames: number;
  readonly slackBytes: number;
  readonly slackFrames: number;
}

export class FrameWindow {
  readonly #limits: FrameWindowLimits;
  readonly #budget: MemoryBudget;
  /** Ring of references; grows by doubling. */
  #frames: (Frame | undefined)[] = new Array(initialFrames);
  #first = 0;
  #next = 0;
  #byteLength = 0;
  /** Bytes of the frames before the newest random access point; all of them when there is none. */
  #slackByteLength = 0;
  /** Sequence numbers of the random access points in the window, oldest first. */
  readonly #randomAccess: number[] = [];

  constructor(limits: FrameWindowLimits, budget: MemoryBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** The oldest frame's sequence number. */
  get firstSequence(): number {
    return this.#first;
  }

  /** The number the next frame gets. */
  get nextSequence(): number {
    return this.#next;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get frameCount(): number {
    return this.#next - this.#first;
  }

  /** Sequence number of the newest frame at which a subscriber may start, or -1. */
  get newestRandomAccess(): number {
    return this.#randomAccess.at(-1) ?? -1;
  }

  /** Likewise the oldest one still here, or -1. */
  get oldestRandomAccess(): number {
    return this.#randomAccess[0] ?? -1;
  }

  /** The first one at or behind `sequence`, or -1. */
  randomAccessFrom(sequence: number): number {
    return this.#randomAccess.find((candidate) => candidate >= sequence) ?? -1;
  }

  /** The frame, or undefined when it is gone or not there yet. */
  get(sequence: number): Frame | undefined {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    return this.#frames[sequence % this.#frames.length];
  }

  /** Appends, and lets go of what is beyond the current GOP, the slack and the limits. */
  push(frame: Frame, isRandomAccess: boolean): void {
    // When the memory is used up, the window keeps what it can: the newest frame always.
    while (!this.#budget.hasRoom(frame.data.length) && this.frameCount > 0) this.#dropFirst();
    if (this.frameCount === this.#frames.length) this.#grow();
    this.#frames[this.#next % this.#frames.length] = frame;
    if (isRandomAccess) {
      this.#randomAccess.push(this.#next);
      this.#slackByteLength = this.#byteLength;
    }
    this.#next++;
    this.#byteLength += frame.data.length;
    if (this.#randomAccess.length === 0) this.#slackByteLength = this.#byteLength;
    this.#budget.reserve(frame.data.length);
    this.#trim();
  }

  clear(): void {
    while (this.frameCount > 0) this.#dropFirst();
  }

  #trim(): void {
    const { maxBytes, maxFrames, slackBytes, slackFrames } = this.#limits;
    while (this.frameCount > 1) {
      const isTooMuch = this.#byteLength > maxBytes || this.frameCount > maxFrames;
      const gopStart = this.#randomAccess.at(-1) ?? this.#next;
      const isBeyondSlack = gopStart - this.#first > slackFrames || this.#slackByteLength > slackBytes;
      if (!isTooMuch && !isBeyondSlack) return;
      this.#dropFirst();
    }
  }

  #dropFirst(): void {
    const at = this.#first % this.#frames.length;
    const length = (this.#frames[at] as Frame).data.length;
    this.#frames[at] = undefined;
    const isNewestRandomAccess = this.newestRandomAccess === this.#first;
    if (this.#randomAccess[0] === this.#first) this.#randomAccess.shift();
    this.#first++;
    this.#byteLength -= length;
    this.#slackByteLength = isNewestRandomAccess ? this.#byteLength : this.#slackByteLength - length;
    this.#budget.release(length);
  }

  #grow(): void {
    const bigger: (Frame | undefined)[] = new Array(this.#frames.length * 2);
    for (let sequence = this.#first; sequence < this.#next; sequence++) {
      bigger[sequence % bigger.length] = this.#frames[sequence % this.#frames.length];
    }
    this.#frames = bigger;
  }
}

const initialFrames = 64;

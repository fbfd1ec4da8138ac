/**
 * A subscriber inside the process: an async iterator of frames that survives lag.
 *
 * It holds a sequence number, nothing else; frames are shared references. When the window has moved past it, it reports
 * how many frames it missed and goes on at a random access point. Publishing never waits for it.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { ERR_SUBSCRIBER_EVICTED } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { FrameWindow } from "./frame-window.ts";

export interface SubscribeOptions {
  /** Where to begin: at the newest random access point (instant start, the default), the oldest one kept, or the next one to come. */
  readonly start?: "newest" | "oldest" | "next";
  /** Where to go on after a lag. */
  readonly resume?: "newest" | "oldest";
  /** Frames it may miss in all before it is evicted with `ERR_SUBSCRIBER_EVICTED`. Default: as many as it likes. */
  readonly maxLag?: number;
}

/** The subscriber was too slow: `skippedFrameCount` frames are missing here. */
export interface LagReport {
  readonly type: "lag";
  readonly skippedFrameCount: number;
}

export type SubscriptionItem = Frame | LagReport;

/** What a subscription needs of its stream. */
export interface SubscriptionSource {
  readonly window: FrameWindow;
  readonly isEnded: boolean;
  /** Resolves after the next frame, or at the end. One promise for all that wait. */
  nextFrame(): Promise<void>;
  closed(subscription: Subscription, reason: string): void;
  lagged(skippedFrameCount: number): void;
  evicted(): void;
}

export class Subscription implements AsyncIterableIterator<SubscriptionItem> {
  readonly #source: SubscriptionSource;
  readonly #options: SubscribeOptions;
  #sequence: number;
  #waitsForRandomAccess: boolean;
  #skippedFrameCount = 0;
  #isClosed = false;

  constructor(source: SubscriptionSource, options: SubscribeOptions) {
    this.#source = source;
    this.#options = options;
    const { window } = source;
    const start = options.start ?? "newest";
    const from = start === "next" ? -1 : start === "oldest" ? window.oldestRandomAccess : window.newestRandomAccess;
    this.#sequence = from < 0 ? window.nextSequence : from;
    this.#waitsForRandomAccess = from < 0;
  }

  /** Frames missed so far. */
  get skippedFrameCount(): number {
    return this.#skippedFrameCount;
  }

  /** Frames between here and the newest. */
  get lagFrameCount(): number {
    return this.#source.window.nextSequence - this.#sequence;
  }

  /**
   * The next item if there is one now: the form without promises, for those who batch. `undefined`: none yet, or the end
   * (see {@link isDone}).
   * @throws `ERR_SUBSCRIBER_EVICTED`
   */
  poll(): SubscriptionItem | undefined {
    if (this.#isClosed) return undefined;
    const { window } = this.#source;
    if (this.#waitsForRandomAccess) {
      const found = window.randomAccessFrom(this.#sequence);
      if (found < 0) return undefined;
      this.#sequence = found;
      this.#waitsForRandomAccess = false;
    }
    if (this.#sequence < window.firstSequence) return this.#lag();
    const frame = window.get(this.#sequence);
    if (frame !== undefined) this.#sequence++;
    return frame;
  }

  get isDone(): boolean {
    if (this.#isClosed) return true;
    const { window, isEnded } = this.#source;
    // Who waits for a random access point has nothing coming from the frames that are there.
    const end = this.#waitsForRandomAccess ? window.newestRandomAccess + 1 : window.nextSequence;
    return isEnded && this.#sequence >= end;
  }

  next(): Promise<IteratorResult<SubscriptionItem>> {
    try {
      const item = this.poll();
      if (item !== undefined) return Promise.resolve({ done: false, value: item });
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#nextLater();
  }

  /** Ends the subscription; what `break` in a `for await` calls. */
  return(): Promise<IteratorResult<SubscriptionItem>> {
    this.close("the subscriber left");
    return Promise.resolve({ done: true, value: undefined });
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#source.closed(this, reason);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextLater(): Promise<IteratorResult<SubscriptionItem>> {
    for (;;) {
      if (this.isDone) {
        this.close("the stream ended");
        return { done: true, value: undefined };
      }
      await this.#source.nextFrame();
      const item = this.poll();
      if (item !== undefined) return { done: false, value: item };
    }
  }

  #lag(): LagReport {
    const { window } = this.#source;
    const found = this.#options.resume === "oldest" ? window.oldestRandomAccess : window.newestRandomAccess;
    const resumeAt = found < 0 ? window.nextSequence : found;
    const skippedFrameCount = resumeAt - this.#sequence;
    this.#sequence = resumeAt;
    this.#waitsForRandomAccess = found < 0;
    this.#skippedFrameCount += skippedFrameCount;
    this.#source.lagged(skippedFrameCount);
    const { maxLag } = this.#options;
    if (maxLag !== undefined && this.#skippedFrameCount > maxLag) {
      this.#source.evicted();
      this.close("it lagged too far behind");
      throw new CodedError(
        ERR_SUBSCRIBER_EVICTED,
        `the subscriber missed ${this.#skippedFrameCount} frames, ${maxLag} are allowed`,
      );
    }
    return { type: "lag", skippedFrameCount };
  }
}

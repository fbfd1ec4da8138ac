/** What thousands of peers are told alike is written once: a player's answers are a dozen of AMF objects. */

import { maxKnownReplies } from "./limits.ts";

/** Shared by the sessions of a listener. */
export class ReplyMemo {
  readonly #known = new Map<string, Uint8Array>();

  /** Bytes that must not be changed. */
  get(key: string): Uint8Array | undefined {
    return this.#known.get(key);
  }

  set(key: string, bytes: Uint8Array): void {
    if (this.#known.size >= maxKnownReplies) this.#known.clear();
    this.#known.set(key, bytes);
  }
}

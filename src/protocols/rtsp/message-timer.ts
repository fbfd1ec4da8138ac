/** How long a peer has been at one message: single bytes do not buy it time. */

import type { RtspMessageReader } from "./message-reader.ts";

export class MessageTimer {
  readonly #timeoutMs: number;
  #itemCount = 0;
  #startedAt: number | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** When the message has to be complete; undefined between messages. */
  get deadline(): number | undefined {
    return this.#startedAt === undefined ? undefined : this.#startedAt + this.#timeoutMs;
  }

  /** After each input. */
  handleInput({ isInside, itemCount }: Pick<RtspMessageReader, "isInside" | "itemCount">, now: number): void {
    const isSame = this.#startedAt !== undefined && this.#itemCount === itemCount;
    if (!isInside || !isSame) this.#startedAt = isInside ? now : undefined;
    this.#itemCount = itemCount;
  }
}

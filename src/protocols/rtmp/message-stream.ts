/** One NetStream of a server session: what it is used for, and what came before the decision about it. */

import { maxPendingMediaBytes, pendingMessageOverheadBytes } from "./limits.ts";
import type { RtmpMediaMessage } from "./server-events.ts";

/** "abandoned": the peer gave up what is still being decided; a new request has to wait, or the decision would be taken for its. */
export type MessageStreamState = "idle" | "publish-pending" | "publishing" | "play-pending" | "playing" | "abandoned";

export class MessageStream {
  readonly id: number;
  state: MessageStreamState = "idle";
  /** Of what is published or played, without the query. */
  name = "";
  wantsReset = false;
  /** Deleted by the peer while abandoned. */
  isDeleted = false;
  #pending: RtmpMediaMessage[] | undefined;
  #pendingBytes = 0;

  constructor(id: number) {
    this.id = id;
  }

  get isInUse(): boolean {
    return this.state !== "idle" && this.state !== "abandoned";
  }

  get isPublish(): boolean {
    return this.state === "publishing" || this.state === "publish-pending";
  }

  begin(state: "publish-pending" | "play-pending", name: string, wantsReset = false): void {
    this.state = state;
    this.name = name;
    this.wantsReset = wantsReset;
  }

  /** Ends what the peer ends; what is undecided stays so. */
  giveUp(): void {
    const isPending = this.state === "publish-pending" || this.state === "play-pending";
    this.reset();
    if (isPending) this.state = "abandoned";
  }

  reset(): void {
    this.state = "idle";
    this.name = "";
    this.takePending();
  }

  /** Keeps a copy of a message until the decision; false when there is no room. */
  keep(message: RtmpMediaMessage): boolean {
    const bytes = this.#pendingBytes + message.payload.length + pendingMessageOverheadBytes;
    if (bytes > maxPendingMediaBytes) return false;
    this.#pendingBytes = bytes;
    this.#pending ??= [];
    this.#pending.push({ ...message, payload: message.payload.slice() });
    return true;
  }

  takePending(): RtmpMediaMessage[] {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#pendingBytes = 0;
    return pending ?? [];
  }
}

/** The controller's side of the connections that the server begins: says to the shards what to begin and to end, and passes on what they say. */

import type { Link } from "../../runtime/shards/link.ts";
import type { OutboundEvent, OutboundOrder, OutboundShardCalls } from "./calls.ts";

export type OutboundListener = (event: OutboundEvent) => void;

export class OutboundDirector {
  readonly #links: readonly Link<OutboundShardCalls>[];
  readonly #tries = new Map<number, { readonly link: Link<OutboundShardCalls>; readonly listener: OutboundListener }>();
  #nextShard = 0;

  /** @param links - to the shards that carry such connections: at least one */
  constructor(links: readonly Link<OutboundShardCalls>[]) {
    this.#links = links;
  }

  /** A place for all tries of one source or forward, so that its stream stays on one shard. */
  assignShard(): number {
    const shard = this.#nextShard;
    this.#nextShard = (shard + 1) % this.#links.length;
    return shard;
  }

  open(shard: number, order: OutboundOrder, listener: OutboundListener): void {
    const link = this.#links[shard] as Link<OutboundShardCalls>;
    this.#tries.set(order.tryId, { link, listener });
    link.tell("openOutbound", order);
  }

  /** Its listener hears nothing more. */
  close(tryId: number, reason: string): void {
    this.#tries.get(tryId)?.link.tell("closeOutbound", { tryId, reason });
    this.#tries.delete(tryId);
  }

  handle(event: OutboundEvent): void {
    const known = this.#tries.get(event.tryId);
    if (event.type !== "running") this.#tries.delete(event.tryId);
    known?.listener(event);
  }
}

/**
 * Which connection a tunnel's POST belongs to. Connections are spread over all threads, so its GET may be on another one: then what
 * the POST says goes there as messages.
 */

import type { Link } from "../../runtime/shards/link.ts";

/** What shards ask of each other for tunnels. */
export type TunnelCalls = {
  /** Whether the GET of this key is here. */
  readonly joinTunnel: (key: string) => boolean;
  /** What the POST says; nothing asks only. False: the GET has gone. */
  readonly tunnelled: (said: { readonly key: string; readonly data: Uint8Array }) => boolean;
};

/** Where the bytes of a POST go. */
export interface TunnelEnd {
  readonly isClosed: boolean;
  /** Takes what the client says; it must not change any more. */
  handleTunnelled(data: Uint8Array): void;
}

export class Tunnels {
  readonly #here = new Map<string, TunnelEnd>();
  readonly #peers: Link<TunnelCalls>[] = [];

  /** For the other shards. */
  get calls(): TunnelCalls {
    return {
      joinTunnel: (key) => this.#here.has(key),
      tunnelled: ({ key, data }) => {
        const end = this.#here.get(key);
        if (data.length > 0) end?.handleTunnelled(data);
        return end !== undefined && !end.isClosed;
      },
    };
  }

  /** Another shard, whose tunnels can be joined from here. */
  addPeer(link: Link<TunnelCalls>): void {
    this.#peers.push(link);
  }

  /** The GET of a tunnel. False: this shard has one of this key. */
  open(key: string, end: TunnelEnd): boolean {
    if (this.#here.has(key)) return false;
    this.#here.set(key, end);
    return true;
  }

  close(key: string): void {
    this.#here.delete(key);
  }

  /** The GET of this key on this shard. */
  find(key: string): TunnelEnd | undefined {
    return this.#here.get(key);
  }

  /** The GET of this key on another shard; undefined when there is none, or it does not answer. */
  async findElsewhere(key: string): Promise<TunnelEnd | undefined> {
    const answers = await Promise.allSettled(
      this.#peers.map(async (link) => ((await link.call("joinTunnel", key)) ? link : undefined)),
    );
    for (const answer of answers) {
      if (answer.status === "fulfilled" && answer.value !== undefined) return new RemoteEnd(answer.value, key);
    }
    return undefined;
  }
}

class RemoteEnd implements TunnelEnd {
  readonly #link: Link<TunnelCalls>;
  readonly #key: string;
  isClosed = false;

  constructor(link: Link<TunnelCalls>, key: string) {
    this.#link = link;
    this.#key = key;
  }

  /** A shard that is too far behind refuses: then this tunnel ends, and not the shard's memory. */
  handleTunnelled(data: Uint8Array): void {
    this.#link.call("tunnelled", { key: this.#key, data }).then(
      (isThere) => {
        this.isClosed ||= !isThere;
      },
      () => {
        this.isClosed = true;
      },
    );
  }
}

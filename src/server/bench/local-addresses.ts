/**
 * Where connections come from. One address has some 28,000 ports to one peer, and a port rests for a minute after its connection
 * was closed: on loopback, where every 127.x.y.z is ours, they are taken in turn.
 */

import { connectionsPerAddress, localAddressCount } from "./limits.ts";

export class LocalAddresses {
  readonly #isLoopback: boolean;
  #count = 0;

  /** @param host - the peer, an IP address */
  constructor(host: string) {
    this.#isLoopback = host.startsWith("127.");
  }

  /** The next connection's; undefined where the system knows better. */
  next(): string | undefined {
    if (!this.#isLoopback) return undefined;
    const turn = Math.floor(this.#count++ / connectionsPerAddress) % localAddressCount;
    return `127.0.0.${1 + turn}`;
  }
}

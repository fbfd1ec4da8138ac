/**
 * Where connections come from. One address has some 28,000 ports to one peer, a port rests for a minute after its connection was
 * closed, and from the 14,117th on each connect() looks through all that are taken, for milliseconds of CPU (Linux gives out every
 * other port first): on loopback, where every 127.x.y.z is ours, addresses are taken in turn.
 */

import { localAddressCount } from "./limits.ts";

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
    return `127.0.0.${1 + (this.#count++ % localAddressCount)}`;
  }
}

/** A peer's address as people write it: IPv4 that came in through an IPv6 socket is IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}

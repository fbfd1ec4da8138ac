import { isIP, SocketAddress } from "node:net";

/** A peer's address as people write it: IPv4 that came in through an IPv6 socket is IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}

/** An IP address as the system writes it when a packet comes from there. One with an interface in it is left as it is. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes("%")) return address;
  return plainAddress(new SocketAddress({ address, family: "ipv6" }).address);
}

/**
 * Which networks an address belongs to. Where the server calls, its configuration says; but a server that is called may point
 * elsewhere, and must not make this one ask in its name what it can't reach itself.
 */

import { BlockList, isIPv6 } from "node:net";

export type AddressRange = "public" | "private" | "loopback" | "forbidden";

export function rangeOf(address: string): AddressRange {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (forbidden.check(address, family)) return "forbidden";
  if (loopback.check(address, family)) return "loopback";
  return privateUse.check(address, family) ? "private" : "public";
}

/** Whether who is called at `from` may send us to `to`: to what is as far outside as it is itself, or further. */
export function mayPointTo(from: string, to: string): boolean {
  const there = rangeOf(to);
  // A camera without a router has a link-local address: it is in the house.
  const here = rangeOf(from) === "forbidden" ? "private" : rangeOf(from);
  return there !== "forbidden" && order.indexOf(there) <= order.indexOf(here);
}

/** From the outside in. */
const order: readonly AddressRange[] = ["public", "private", "loopback"];

function blockList(subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, isIPv6(network) ? "ipv6" : "ipv4");
  return list;
}

const loopback = blockList([
  ["127.0.0.0", 8],
  ["::1", 128],
  ["::ffff:127.0.0.0", 104],
]);

const privateUse = blockList([
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["fc00::", 7],
  ["::ffff:10.0.0.0", 104],
  ["::ffff:172.16.0.0", 108],
  ["::ffff:192.168.0.0", 112],
  ["::ffff:100.64.0.0", 106],
]);

/** Link-local addresses, where clouds answer with keys; "this host"; groups; and ways to write IPv4 inside of IPv6. */
const forbidden = blockList([
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
  ["::", 128],
  ["fe80::", 10],
  ["ff00::", 8],
  ["::ffff:0.0.0.0", 104],
  ["::ffff:169.254.0.0", 112],
  ["64:ff9b::", 96],
  ["2002::", 16],
]);

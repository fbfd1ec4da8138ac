import { expect, test } from "vitest";
import { type AddressRange, mayPointTo, rangeOf } from "./address-range.ts";

test.each<readonly [string, AddressRange]>([
  ["93.184.216.34", "public"],
  ["2606:2800:220:1::1", "public"],
  ["10.0.0.1", "private"],
  ["172.16.0.1", "private"],
  ["172.32.0.1", "public"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["fd00::1", "private"],
  ["127.0.0.1", "loopback"],
  ["127.9.9.9", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:10.0.0.1", "private"],
  ["::ffff:93.184.216.34", "public"],
  ["0.0.0.0", "forbidden"],
  ["169.254.169.254", "forbidden"],
  ["::ffff:169.254.169.254", "forbidden"],
  ["224.0.0.1", "forbidden"],
  ["255.255.255.255", "forbidden"],
  ["::", "forbidden"],
  ["fe80::1", "forbidden"],
  ["ff02::1", "forbidden"],
  ["64:ff9b::7f00:1", "forbidden"],
  ["2002:7f00:1::", "forbidden"],
])("%s is %s", (address, range) => {
  expect(rangeOf(address)).toBe(range);
});

test.each<readonly [from: string, to: string, may: boolean]>([
  ["93.184.216.34", "8.8.8.8", true],
  ["93.184.216.34", "192.168.1.1", false],
  ["93.184.216.34", "127.0.0.1", false],
  ["192.168.1.9", "192.168.1.10", true],
  ["192.168.1.9", "8.8.8.8", true],
  ["192.168.1.9", "127.0.0.1", false],
  ["127.0.0.1", "127.0.0.1", true],
  ["127.0.0.1", "169.254.169.254", false],
  ["169.254.7.7", "127.0.0.1", false],
  ["169.254.7.7", "192.168.1.9", true],
])("%s may send us to %s: %s", (from, to, may) => {
  expect(mayPointTo(from, to)).toBe(may);
});

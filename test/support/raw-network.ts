/** A second network on this machine, for what is to look like another machine. Needs root. */

import { execFileSync } from "node:child_process";

export interface TestNetwork extends Disposable {
  /** For `ip netns exec`. */
  readonly name: string;
  /** This machine's address, as seen from it. */
  readonly address: string;
}

/** Makes a network namespace with a cable to this one; undefined where this process may not. */
export function openNetwork(): TestNetwork | undefined {
  const name = `millrace-${process.pid}`;
  const [here, there] = [`mr${process.pid}a`, `mr${process.pid}b`]; // 15 characters at most
  const run = (...args: readonly string[]): void => {
    execFileSync("ip", args, { stdio: "ignore" });
  };
  const remove = (): void => {
    try {
      run("netns", "delete", name); // the cable goes with it
    } catch {
      // It was not made.
    }
  };
  try {
    run("netns", "add", name);
    run("link", "add", here, "type", "veth", "peer", "name", there, "netns", name);
    run("address", "add", `${subnet}.1/30`, "dev", here);
    run("link", "set", here, "up");
    run("-n", name, "address", "add", `${subnet}.2/30`, "dev", there);
    run("-n", name, "link", "set", there, "up");
    return { name, address: `${subnet}.1`, [Symbol.dispose]: remove };
  } catch {
    remove();
    return undefined;
  }
}

/** Reserved for tests of network devices, RFC 2544; another one for each process. */
const subnet = `198.18.${process.pid % 256}`;

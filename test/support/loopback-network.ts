/** A network namespace with nothing but a loopback that multicast goes through. Needs root. */

import { execFileSync } from "node:child_process";

/** Its name; undefined, and said so, where this process may not make one. In CI that is a failure. */
export function openLoopbackNetwork(): (Disposable & { readonly name: string }) | undefined {
  const name = `mrm${process.pid}`;
  const run = (...args: readonly string[]): void => {
    execFileSync("ip", args, { stdio: "ignore" });
  };
  try {
    run("netns", "add", name);
    run("-n", name, "link", "set", "lo", "up", "multicast", "on");
    run("-n", name, "route", "add", "224.0.0.0/4", "dev", "lo");
    return { name, [Symbol.dispose]: () => run("netns", "delete", name) };
  } catch (error) {
    if (process.env["CI"] !== undefined) throw error;
    process.stderr.write(`tests of multicast are left out: ${String(error)}\n`);
    return undefined;
  }
}

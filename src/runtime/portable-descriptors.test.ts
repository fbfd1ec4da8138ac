/** The portable transport when the process has no descriptor left. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

test("listens to nobody while there is no descriptor, and goes on by itself", async () => {
  const [launcher = "", ...rest] = [
    "prlimit",
    "--nofile=64:64",
    process.execPath,
    "--input-type=module-typescript",
    "--eval",
    program,
  ];
  child = spawn(launcher, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  expect(await outcomeOf(port)).toBe("connected");
  child.stdin!.write("take\n");
  expect((await lines.next()).value).toBe("taken");
  // Those in the queue would be tried again and again.
  await reach(port, "ECONNREFUSED");
  child.stdin!.write("give\n");
  await reach(port, "connected");
});

/** Bounded: three sweeps. */
async function reach(port: number, wanted: string): Promise<void> {
  const endMs = performance.now() + 5_000;
  for (let outcome = await outcomeOf(port); outcome !== wanted; outcome = await outcomeOf(port)) {
    if (performance.now() > endMs) expect(outcome).toBe(wanted);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function outcomeOf(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  } finally {
    socket.destroy();
  }
}

const program = `
  import { closeSync, openSync } from "node:fs";
  import { createInterface } from "node:readline";
  import { PortableTransport } from ${JSON.stringify(import.meta.resolve("./portable-transport.ts"))};
  const transport = new PortableTransport();
  const handler = { handleBytes: () => {}, handleClose: () => {} };
  const { port } = await transport.listen({ host: "127.0.0.1", port: 0, maxConnections: 100 }, () => handler);
  console.log(port);
  const taken = [];
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line === "give") for (const fd of taken.splice(0)) closeSync(fd);
    else {
      try {
        for (;;) taken.push(openSync("/dev/null", "r"));
      } catch {
        console.log("taken");
      }
    }
  });
`;

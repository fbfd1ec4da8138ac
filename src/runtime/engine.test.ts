/** The engine as people embed it: in a process of its own, with real signals. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { Engine } from "./engine.ts";

test("works without any options, and ends with shutdown", async () => {
  const engine = new Engine();
  const publication = await engine.publish({ name: "live/cam", protocol: "embedded" });
  expect(publication.stream.metadata.startedAtMs).toBeGreaterThan(1_600_000_000_000);
  await engine.shutdown();
  expect([engine.isClosed, publication.isEnded]).toEqual([true, true]);
});

test("does not keep a process alive that has nothing else to do", async () => {
  const { child, output } = run(`new Engine(); console.log("made");`);
  expect(await exitOf(child)).toEqual([0, null]);
  expect(await output).toBe("made\n");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "serves until %s, then stops in order and the process ends",
  async (signal) => {
    const { child, output } = run(`
    const engine = new Engine();
    engine.register({
      name: "p",
      start: () => console.log("started"),
      stop: async () => { await new Promise(setImmediate); console.log("stopped"); },
    });
    const publication = engine.publish({ name: "live/cam", protocol: "x" }, (reason) => console.log(reason));
    console.log("ended by " + (await serveUntilSignal(engine)));
  `);
    await once(child.stdout!, "data");
    child.kill(signal);
    expect(await exitOf(child)).toEqual([0, null]);
    expect(await output).toBe(`started\nthe server received ${signal}\nstopped\nended by ${signal}\n`);
  },
);

test("a protocol that does not start rejects, and leaves signals as they were", async () => {
  const { child, output } = run(`
    const engine = new Engine();
    engine.register({ name: "p", start: () => { throw new Error("port taken"); }, stop: () => {} });
    await serveUntilSignal(engine).catch((error) => console.log(error.message));
    console.log(process.listenerCount("SIGTERM") + process.listenerCount("SIGINT"));
  `);
  expect(await exitOf(child)).toEqual([0, null]);
  expect(await output).toBe("port taken\n0\n");
});

function run(source: string): { child: ChildProcess; output: Promise<string> } {
  const module = new URL("./engine.ts", import.meta.url).href;
  const code = `import { Engine, serveUntilSignal } from ${JSON.stringify(module)};\n${source}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  return { child, output: once(child, "close").then(() => text) };
}

function exitOf(child: ChildProcess): Promise<unknown[]> {
  return once(child, "exit");
}

import { createServer } from "node:net";
import { expect, test } from "vitest";
import { descriptorLimit, processesListeningOn, sampleProcess, threadTimes } from "./process-meter.ts";

const isLinux = process.platform === "linux";

test("tells what this process takes", () => {
  const before = sampleProcess(process.pid);
  expect(before === undefined).toBe(!isLinux);
  if (before === undefined) return;
  // Ten times what is asked for below: other tests have the cores as well, and thread times come in hundredths of a second.
  const until = performance.now() + 200;
  while (performance.now() < until);
  const after = sampleProcess(process.pid)!;
  expect(after.cpuSeconds - before.cpuSeconds).toBeGreaterThan(0.02);
  expect(threadTimes(before, after).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)).toBeGreaterThan(0.02);
  expect(after.residentBytes / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  expect(after.descriptorCount).toBeGreaterThan(3);
  expect(descriptorLimit()).toBeGreaterThan(100);
});

test("knows nothing of a process that is not there", () => {
  expect(sampleProcess(2 ** 22 + 1)).toBeUndefined();
});

test("finds who listens on a port, and never itself", async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  expect(processesListeningOn(port)).toEqual([]);
  server.close();
});

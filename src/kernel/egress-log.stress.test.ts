/** One writer, two reader threads, seconds long: what the readers are told is intact has the right checksums, always. */

import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import {
  checksum,
  type StressMessage,
  type StressReport,
  seededNumbers,
  stressHeaderBytes,
} from "../../test/support/log-stress.ts";
import { EgressLog } from "./egress-log.ts";
import { entryFlags } from "./log-layout.ts";
import type { LogMemory } from "./log-memory.ts";

const stressMs = 3_000;
const logMs = 150;

test("two readers on other threads see no torn entry, whatever laps them and however the ring grows", async () => {
  const readers = [startReader(), startReader()];
  const tell = (message: StressMessage): void => {
    for (const { port } of readers) port.postMessage(message);
  };
  await Promise.all(readers.map(({ started }) => started));
  const next = seededNumbers(20_240_607);
  const payload = new Uint8Array(4_096);
  for (let i = 0; i < payload.length; i++) payload[i] = next();
  const header = new Uint8Array(stressHeaderBytes);
  const headerView = new DataView(header.buffer);
  let appendedCount = 0;

  const endAt = performance.now() + stressMs;
  while (performance.now() < endAt) {
    // A small ring: it grows while the GOPs do, and then the writer laps whoever is not quick.
    const log = new EgressLog({ initialBytes: 4_096, initialEntries: 16, maxBytes: 65_536 });
    let { memory } = log;
    tell({ type: "log", ...handOver(memory) });
    const logEndAt = performance.now() + logMs;
    let untilKey = 0;
    let gopEntries = 4;
    while (performance.now() < logEndAt) {
      for (let i = 0; i < 64; i++) {
        const start = next() % 1_024;
        const length = 1 + (next() % 700);
        headerView.setUint32(0, stressHeaderBytes + length);
        headerView.setUint32(4, log.entryTail);
        headerView.setUint32(8, checksum(payload, start, start + length));
        log.claim(stressHeaderBytes + length, untilKey === 0 ? entryFlags.key : 0, 0);
        log.write(header);
        log.write(payload, start, start + length);
        log.commit();
        appendedCount++;
        if (untilKey-- === 0) untilKey = gopEntries;
      }
      gopEntries = Math.min(gopEntries + 1, 60);
      if (log.memory !== memory) {
        memory = log.memory;
        tell({ type: "growth", ...handOver(memory) });
      }
      // A pause of uneven length, so that readers catch up at times.
      for (let idle = next() % 40_000; idle > 0; idle--);
    }
    expect(log.growthCount).toBeGreaterThan(2);
  }
  tell({ type: "end" });

  for (const report of await Promise.all(readers.map(({ report }) => report))) {
    expect(report).toMatchObject({ corruptCount: 0, misorderedCount: 0 });
    expect(report.entryCount).toBeGreaterThan(10_000);
    expect(report.lapCount).toBeGreaterThan(0);
    expect(report.growthCount).toBeGreaterThan(10);
    expect(report.logCount).toBeGreaterThan(10);
  }
  expect(appendedCount).toBeGreaterThan(100_000);
});

interface ReaderThread {
  readonly port: MessagePort;
  readonly started: Promise<void>;
  readonly report: Promise<StressReport>;
}

function startReader(): ReaderThread {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL("../../test/support/log-reader-worker.ts", import.meta.url), {
    workerData: { port: port2 },
    transferList: [port2],
    execArgv: [],
  });
  const started = new Promise<void>((resolve, reject) => worker.once("online", resolve).once("error", reject));
  const report = new Promise<StressReport>((resolve, reject) => {
    port1.once("message", (message: StressReport) => {
      resolve(message);
      port1.close();
    });
    worker.once("error", reject);
  });
  return { port: port1, started, report };
}

function handOver({
  shared,
  capacity,
  entryCapacity,
}: LogMemory): Omit<StressMessage & { type: "log" | "growth" }, "type"> {
  return { shared, capacity, entryCapacity };
}

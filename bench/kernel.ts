/**
 * What the kernel costs: one publish to an egress log however many cursors stand on it, and deliveries a second to
 * subscribers in the process. `node bench/kernel.ts [--json]`, or through `npm run bench -- kernel`.
 */

import { CursorTable } from "../src/kernel/cursor-table.ts";
import type { Packetizer, WireFormat } from "../src/kernel/egress.ts";
import { EgressLog } from "../src/kernel/egress-log.ts";
import { Engine } from "../src/kernel/engine.ts";
import type { TrackFormat } from "../src/kernel/frame.ts";
import { entryFlags } from "../src/kernel/log-layout.ts";
import { LogReader } from "../src/kernel/log-reader.ts";
import type { Publication } from "../src/kernel/publication.ts";
import { measureCost } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";

/** A frame of 1 Mb/s at 25 fps. */
const frameBytes = 5_000;
const gopFrames = 50;
const cursorCounts = [0, 1_000, 10_000];
const subscriberCounts = [1, 10, 100];
const deliveryMs = 1_000;
/** Frames a publisher hands over in one turn, as one read of a socket holds them. */
const framesPerTurn = 16;

export async function run(): Promise<BenchResult[]> {
  const results = cursorCounts.flatMap(measurePublish);
  results.push(await measureStreamPublish());
  for (const count of subscriberCounts) results.push(await measureIterators(count));
  for (const count of subscriberCounts) results.push(await measurePolling(count));
  return results;
}

/** One entry to one log. The reference copies the same bytes into memory of the same size, and that is all it does. */
function measurePublish(cursorCount: number): BenchResult[] {
  const frame = new Uint8Array(frameBytes).fill(7);
  const log = newWarmLog(frame);
  const reader = new LogReader(log.memory);
  reader.refresh();
  const table = new CursorTable(Math.max(1, cursorCount));
  for (let i = 0; i < cursorCount; i++) table.open(reader, false, 0);
  let rungCount = 0;
  log.addDoorbell(() => rungCount++);
  let frameCount = 0;
  const publish = measureCost((count) => {
    for (let i = 0; i < count; i++) {
      log.claim(frameBytes, frameCount++ % gopFrames === 0 ? entryFlags.key : 0, frameCount * 40);
      log.write(frame);
      log.commit();
      log.ringDoorbells();
    }
  });

  const ring = new Uint8Array(new SharedArrayBuffer(log.memory.capacity));
  const last = ring.length - frameBytes;
  let at = 0;
  const copy = measureCost((count) => {
    for (let i = 0; i < count; i++) {
      ring.set(frame, at);
      at = at + frameBytes > last ? 0 : at + frameBytes;
    }
  });
  return [
    {
      name: `publish ${frameBytes} bytes to a log with ${cursorCount} cursors`,
      value: publish.nanoseconds,
      unit: "ns",
      reference: { name: "the same bytes with one Uint8Array.set", value: copy.nanoseconds },
    },
    { name: "  heap allocated", value: publish.heapBytes, unit: "bytes" },
  ];
}

/** A log that has come round, so that no growth and no first touch of memory is measured. */
function newWarmLog(frame: Uint8Array): EgressLog {
  const log = new EgressLog({ maxBytes: 2 ** 20 });
  for (let i = 0; i < 1_000; i++) {
    log.claim(frame.length, i % gopFrames === 0 ? entryFlags.key : 0, i * 40);
    log.write(frame);
    log.commit();
  }
  return log;
}

/** The whole way of a frame through the kernel: window, measurement, packetizer, one log. */
async function measureStreamPublish(): Promise<BenchResult> {
  const { engine, publisher } = await newPublisher();
  await engine.subscribeLog(
    { name: streamName, protocol: "bench" },
    () => plainFormat,
    () => {},
  );
  const { nanoseconds } = measureCost((count) => {
    for (let i = 0; i < count; i++) publisher.publish();
  });
  await engine.shutdown();
  return { name: `publish a frame of ${frameBytes} bytes to a stream with one log`, value: nanoseconds, unit: "ns" };
}

/** `for await` over a subscription, frames coming a few in a turn. */
async function measureIterators(subscriberCount: number): Promise<BenchResult> {
  const { engine, publisher } = await newPublisher();
  let deliveryCount = 0;
  const read = async (): Promise<void> => {
    for await (const item of await engine.subscribe({ name: streamName, protocol: "bench" }, { start: "next" })) {
      if (item.type === "frame") deliveryCount++;
    }
  };
  const readers = Array.from({ length: subscriberCount }, read);
  await turn();
  const elapsedMs = await publishFor(deliveryMs, publisher);
  await engine.shutdown();
  await Promise.all(readers);
  return deliveries(`to async iterators: ${subscriberCount}`, deliveryCount, elapsedMs);
}

/** The same with `poll()`, for those who take all there is at once. */
async function measurePolling(subscriberCount: number): Promise<BenchResult> {
  const { engine, publisher } = await newPublisher();
  const subscriptions = await Promise.all(
    Array.from({ length: subscriberCount }, () =>
      engine.subscribe({ name: streamName, protocol: "bench" }, { start: "next" }),
    ),
  );
  let deliveryCount = 0;
  const elapsedMs = await publishFor(deliveryMs, publisher, () => {
    for (const subscription of subscriptions) while (subscription.poll() !== undefined) deliveryCount++;
  });
  await engine.shutdown();
  return deliveries(`to polling subscribers: ${subscriberCount}`, deliveryCount, elapsedMs);
}

function deliveries(to: string, count: number, elapsedMs: number): BenchResult {
  return { name: `deliveries ${to}`, value: Math.round((count / elapsedMs) * 1_000), unit: "frames/s" };
}

interface Publisher {
  publish(): void;
}

const streamName = "bench/stream";

async function newPublisher(): Promise<{ engine: Engine; publisher: Publisher }> {
  const engine = new Engine({ clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() } });
  const publication: Publication = await engine.publish({ name: streamName, protocol: "bench" });
  const track = publication.setTrack("video", 0, videoFormat);
  const data = new Uint8Array(frameBytes);
  let frameCount = 0;
  const publish = (): void => {
    publication.publish(track, frameCount * 40, frameCount * 40, frameCount % gopFrames === 0, data);
    frameCount++;
  };
  return { engine, publisher: { publish } };
}

/** Publishes a few frames a turn until the time is over; returns how long it was. */
async function publishFor(durationMs: number, publisher: Publisher, afterTurn = (): void => {}): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    for (let i = 0; i < framesPerTurn; i++) publisher.publish();
    await turn();
    afterTurn();
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs > durationMs) return elapsedMs;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const videoFormat: TrackFormat = { codec: "h264", timescale: 1_000, config: new Uint8Array(), codecString: "" };

/** Frames as they are: what is left is the kernel's own cost. */
const plainFormat: WireFormat = {
  key: "plain",
  createPacketizer: (log): Packetizer => ({
    handleFrame(frame, isRandomAccess) {
      log.claim(frame.data.length, isRandomAccess ? entryFlags.key : 0, frame.dtsTicks);
      log.write(frame.data);
      log.commit();
    },
    handleMetadata: () => {},
  }),
};

if (import.meta.main) printResults(await run());

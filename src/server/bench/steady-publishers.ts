/** Publishers that come at a rate, publish in real time, and end together: `live/cam` is `live/cam-1` to `live/cam-1000`. */

import { setTimeout as sleep } from "node:timers/promises";
import { GeneratorMeter, generatorNotes } from "./generator-meter.ts";
import { check } from "./media-verdict.ts";
import { Publishers } from "./publishers.ts";
import { publishingTo } from "./publishing-to.ts";
import { type BenchReport, timesOf } from "./report.ts";
import { type BenchRun, joinAtRate, waitSeconds } from "./run.ts";

export async function runPublishers(run: BenchRun, count: number): Promise<BenchReport> {
  const { options, address, host, transport, localAddresses, meter, notes } = run;
  const { port, protocol } = publishingTo(address.url, options.bitRate);
  const publishers = new Publishers({ transport, host, port, localAddresses, protocol, publisherCount: count });
  await meter.sampleIdle();
  try {
    const load = {
      get joiningCount(): number {
        return publishers.joiningCount;
      },
      open: (number: number): void => publishers.open(numbered(address.url, number + 1)),
      sweep: (): void => publishers.sweep(),
    };
    const joinSeconds = await joinAtRate(
      run,
      count,
      load,
      () => `joining: ${publishers.publishingCount} of ${count} publish, ${publishers.failures.total} failed`,
    );
    const joined = publishers.joinTimes.count;
    await waitSeconds(run, joined === 0 ? 0 : settleSeconds, () => "settling");
    publishers.clearLateness();
    const sentBefore = transport.counters.sentBytes;
    const generatorMeter = new GeneratorMeter();
    meter.startWindow();
    const startMs = performance.now();
    await waitSeconds(run, joined === 0 ? 0 : options.seconds, () => {
      const done = (performance.now() - startMs) / 1000;
      const rate = ((transport.counters.sentBytes - sentBefore) * 8) / 1e9 / done;
      return `measuring: ${done.toFixed(0)} of ${options.seconds} s, ${publishers.publishingCount} publishers, ${rate.toFixed(2)} Gb/s`;
    });
    meter.endWindow();
    const generator = generatorMeter.figures();
    const bytes = transport.counters.sentBytes - sentBefore;
    const stayed = publishers.publishingCount;
    notes.push(...generatorNotes(generator));
    if (publishers.latestMs > lateMs)
      notes.push(`frames were sent up to ${publishers.latestMs.toFixed(0)} ms late, by this generator`);
    const stats = await meter.statsSinceIdle();
    const verdicts = [
      check("joined", joined === count, `${joined} of ${count}`),
      check("stayed", stayed === joined, `${stayed} of ${joined}`),
    ];
    return {
      isPassed: verdicts.every(({ isPassed }) => isPassed),
      checks: verdicts,
      notes,
      address: options.address,
      mode: "publishers",
      asked: count,
      joined,
      joinsPerSecond: joined / joinSeconds,
      seconds: generator.seconds,
      bytes,
      gigabitsPerSecond: (bytes * 8) / 1e9 / generator.seconds,
      connect: undefined,
      join: timesOf(publishers.joinTimes),
      first: undefined,
      key: undefined,
      latency: undefined,
      media: undefined,
      server: meter.figures(bytes, joined),
      stats,
      sample: undefined,
      failures: publishers.failures.reasons,
      generator,
    };
  } finally {
    publishers.stop();
    await sleep(goodbyeMs);
  }
}

/** The stream's name with a number behind it, its query as it was. */
function numbered(url: string, number: number): string {
  const [path = "", query] = url.split("?", 2);
  return `${path}-${number}${query === undefined ? "" : `?${query}`}`;
}

/** One GOP, so that all have begun. */
const settleSeconds = 2;
const lateMs = 100;
const goodbyeMs = 100;

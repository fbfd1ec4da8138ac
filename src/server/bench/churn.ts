/** Players that come, play a little, and go again, at a rate: what stays behind in the server is what this looks for. */

import { setTimeout as sleep } from "node:timers/promises";
import { GeneratorMeter, generatorNotes } from "./generator-meter.ts";
import { maxConnecting } from "./limits.ts";
import { check, checkMedia, checkPackets, mediaFigures } from "./media-verdict.ts";
import { openPlayers } from "./open-players.ts";
import { publishStream } from "./published-stream.ts";
import { type BenchReport, type Check, timesOf } from "./report.ts";
import { type BenchRun, Ticker } from "./run.ts";
import { makeLoad } from "./steady-players.ts";

export async function runChurn(run: BenchRun): Promise<BenchReport> {
  const { options, transport, meter, notes } = run;
  const { players, rate, seconds, maxGapMs } = options;
  const published = options.publishUrl === undefined ? undefined : await publishStream(run, options.publishUrl);
  await meter.sampleIdle();
  const opened = openPlayers(run);
  const free = Array.from({ length: players }, (_, player) => players - 1 - player);
  /** Who has joined, in the order of leaving. */
  const playing: { readonly player: number; readonly untilMs: number }[] = [];
  const load = makeLoad(run, opened, {
    onJoined: (player) => playing.push({ player, untilMs: performance.now() + playMs }),
    onOver: (player) => free.push(player),
  });
  try {
    const generatorMeter = new GeneratorMeter();
    meter.startWindow();
    const startMs = performance.now();
    const bytesBefore = transport.counters.receivedBytes;
    const ticker = new Ticker(run, () => {
      load.sweep();
      return `churning: ${load.joinTimes.count} have joined, ${load.failures.total} failed, ${load.playingCount} play`;
    });
    let [openedCount, left] = [0, 0];
    for (let nowMs = startMs; nowMs - startMs < seconds * 1000 || load.joiningCount > 0; nowMs = performance.now()) {
      for (let next = playing[left]; next !== undefined && next.untilMs <= nowMs; next = playing[++left]) {
        if (load.isPlaying(next.player)) load.leave(next.player);
      }
      if (left > compactAfter) {
        playing.splice(0, left);
        left = 0;
      }
      const due = Math.min(seconds * rate, Math.floor(((nowMs - startMs) / 1000) * rate) + 1);
      const mayOpen = nowMs - startMs < seconds * 1000;
      while (mayOpen && openedCount < due && load.joiningCount < maxConnecting) {
        const player = free.pop();
        if (player === undefined) break;
        load.open(player);
        openedCount++;
      }
      ticker.tick(nowMs);
      await sleep(1);
    }
    meter.endWindow();
    const generator = generatorMeter.figures();
    notes.push(...generatorNotes(generator), ...(opened.protocols.notes?.() ?? []));
    const bytes = transport.counters.receivedBytes - bytesBefore;
    const joined = load.joinTimes.count;
    const failed = load.failures.total;
    await load.close();
    const leftover = await leftBehind(run);
    const stats = await meter.statsSinceIdle();
    const verdicts: Check[] = [
      ...(published === undefined ? [] : [published.verdict()]),
      check("joined", joined > 0 && failed === 0, `${joined} joins, ${failed} failures`),
      ...checkMedia(opened, load.failures, maxGapMs),
      ...checkPackets(opened.packets, performance.now()),
      ...leftover,
    ];
    return {
      isPassed: verdicts.every(({ isPassed }) => isPassed),
      checks: verdicts,
      notes,
      address: options.address,
      mode: "churn",
      asked: players,
      joined,
      joinsPerSecond: joined / generator.seconds,
      seconds: generator.seconds,
      bytes,
      gigabitsPerSecond: (bytes * 8) / 1e9 / generator.seconds,
      connect: timesOf(load.connectTimes),
      join: timesOf(load.joinTimes),
      first: timesOf(load.firstTimes),
      key: timesOf(load.keyTimes),
      latency: undefined, // what a joining player gets first is old
      media: mediaFigures(opened, 0),
      server: meter.figures(bytes, undefined),
      stats,
      sample: undefined,
      failures: load.failures.reasons,
      generator,
    };
  } finally {
    await load.close();
    published?.stop();
    await sleep(goodbyeMs);
  }
}

/** Whether connections, cursors and descriptors are what they were before: at once, or within the time that closing may take. */
async function leftBehind({ meter }: BenchRun): Promise<Check[]> {
  for (const deadlineMs = performance.now() + closingMs; ; ) {
    const counts = Object.entries(await meter.leftovers());
    const isOver = counts.every(([, count]) => count <= 0) || performance.now() > deadlineMs;
    if (isOver)
      return counts.map(([name, count]) => check(`${name} are back`, count <= 0, `${count} more than before`));
    await sleep(200);
  }
}

/** How long a player plays. */
const playMs = 100;
/** A server waits some seconds for peers that do not close their side. */
const closingMs = 5_000;
const compactAfter = 10_000;
const goodbyeMs = 50;

/** Players that join at a rate, stay, and leave together. */

import { setTimeout as sleep } from "node:timers/promises";
import { type DecodedSample, decodeSample } from "./decode-sample.ts";
import { GeneratorMeter, generatorNotes } from "./generator-meter.ts";
import { Load } from "./load.ts";
import { check, checkMedia, checkPackets, mediaFigures } from "./media-verdict.ts";
import { type CheckedPlayers, openPlayers } from "./open-players.ts";
import { publishStream } from "./published-stream.ts";
import { type BenchReport, type Check, type StatsFigures, timesOf } from "./report.ts";
import { type BenchRun, joinAtRate, waitSeconds } from "./run.ts";

export async function runPlayers(run: BenchRun): Promise<BenchReport> {
  const { options, meter, notes } = run;
  const { players, stalled, seconds, maxGapMs } = options;
  const published = options.publishUrl === undefined ? undefined : await publishStream(run, options.publishUrl);
  if (published === undefined) notes.push("latency is not measured: for that the stream must be ours (--publish)");
  await meter.sampleIdle();
  const opened = openPlayers(run);
  const { checks, packets } = opened;
  const load = makeLoad(run, opened);
  try {
    const joinSeconds = await joinAtRate(
      run,
      players,
      load,
      () => `joining: ${load.joinTimes.count} of ${players} play, ${load.failures.total} failed`,
    );
    const joined = load.joinTimes.count;
    await waitSeconds(run, joined === 0 ? 0 : settleSeconds, () => "settling");

    const receivedBefore = checks.receivedBytes.slice();
    checks.latency.clear();
    const generatorMeter = new GeneratorMeter();
    meter.startWindow();
    const startMs = performance.now();
    await waitSeconds(run, joined === 0 ? 0 : seconds, () => {
      const done = (performance.now() - startMs) / 1000;
      const rate = (difference(checks.receivedBytes, receivedBefore) * 8) / 1e9 / done;
      return `measuring: ${done.toFixed(0)} of ${seconds} s, ${load.playingCount} players, ${rate.toFixed(2)} Gb/s`;
    });
    meter.endWindow();
    const generator = generatorMeter.figures();
    const received = checks.receivedBytes.map((bytes, player) => bytes - (receivedBefore[player] as number));
    const stayed = load.playingCount;
    const latency = timesOf(checks.latency);
    const shares = sharesOf(load, received);
    notes.push(...generatorNotes(generator), ...(opened.protocols.notes?.() ?? []));

    const sample = joined === 0 ? undefined : await decodeBeside(run);
    const stats = await meter.statsSinceIdle();
    const bytes = received.reduce((sum, each) => sum + each, 0);
    const verdicts: Check[] = [
      ...(published === undefined ? [] : [published.verdict()]),
      check("joined", joined === players, `${joined} of ${players}`),
      check("stayed", stayed >= joined - stalled, `${stayed} of ${joined}`),
      ...checkMedia(opened, load.failures, maxGapMs),
      ...checkPackets(packets, performance.now()),
      check("everybody gets media", shares.starved === 0, `${shares.starved} players got nothing in the window`),
      ...checkEvictions(stats, stalled),
      ...checkSample(sample),
    ];
    return {
      isPassed: verdicts.every(({ isPassed }) => isPassed),
      checks: verdicts,
      notes,
      address: options.address,
      mode: "players",
      asked: players,
      joined,
      joinsPerSecond: joined / joinSeconds,
      seconds: generator.seconds,
      bytes,
      gigabitsPerSecond: (bytes * 8) / 1e9 / generator.seconds,
      connect: timesOf(load.connectTimes),
      join: timesOf(load.joinTimes),
      first: timesOf(load.firstTimes),
      key: timesOf(load.keyTimes),
      latency,
      media: mediaFigures(opened, shares.leastShare),
      server: meter.figures(bytes, joined),
      stats,
      sample,
      failures: load.failures.reasons,
      generator,
    };
  } finally {
    await load.close();
    published?.stop();
    await sleep(goodbyeMs);
  }
}

export function makeLoad(
  run: BenchRun,
  { protocols, checks }: CheckedPlayers,
  events: { onJoined: (player: number) => void; onOver: (player: number) => void } = nothing,
): Load {
  const { options, address, host, transport, localAddresses } = run;
  const { players: playerCount, stalled: stalledCount } = options;
  const peer = { transport, host, port: address.port, localAddresses };
  return new Load({ ...peer, playerCount, stalledCount, protocols, checks, ...events });
}

/** Who got the least of the players that read, as a share of the mean; and who got nothing. */
function sharesOf(load: Load, received: Float64Array): { leastShare: number; starved: number } {
  let [least, sum, count, starved] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  for (const [player, bytes] of received.entries()) {
    if (!load.isPlaying(player) || load.isStalled(player)) continue;
    count++;
    sum += bytes;
    least = Math.min(least, bytes);
    if (bytes === 0) starved++;
  }
  return { leastShare: sum === 0 ? 0 : least / (sum / count), starved };
}

async function decodeBeside(run: BenchRun): Promise<DecodedSample | undefined> {
  const { options, address, notes, onProgress } = run;
  if (options.sample === 0) return undefined;
  onProgress(`decoding: ${options.sample} of ffmpeg's players`);
  const sample = await decodeSample(address, options.rtspTransport, options.sample);
  if (sample === undefined) notes.push("nothing was decoded: there is no ffmpeg on the PATH");
  return sample;
}

function checkSample(sample: DecodedSample | undefined): Check[] {
  if (sample === undefined) return [];
  const { asked, decoded, pictureCount, complaints } = sample;
  const said = complaints.length === 0 ? "" : `; ffmpeg said: ${complaints.join("; ")}`;
  return [check("decoded", decoded === asked, `${decoded} of ${asked}, ${pictureCount} pictures${said}`)];
}

function checkEvictions(stats: StatsFigures | undefined, stalled: number): Check[] {
  if (stats === undefined) return [];
  const allowed = stalled === 0 ? "" : `, ${stalled} were to stall`;
  return [check("evictions", stats.evictedCount <= stalled, `${stats.evictedCount} players${allowed}`)];
}

function difference(after: Float64Array, before: Float64Array): number {
  let sum = 0;
  for (const [i, value] of after.entries()) sum += value - (before[i] as number);
  return sum;
}

const nothing = { onJoined: () => {}, onOver: () => {} };
/** What a joining player gets at once, a GOP, has been sent. */
const settleSeconds = 1;
/** The publisher's last words leave before its connection is closed. */
const goodbyeMs = 50;

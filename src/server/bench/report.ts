/** What a run found. Times in milliseconds, rates in gigabits (10^9 bits) a second. */

import type { DecodedSample } from "./decode-sample.ts";
import type { FailureReason } from "./failure-counts.ts";
import type { Histogram } from "./histogram.ts";
import type { ThreadTime } from "./process-meter.ts";

export interface BenchReport {
  /** Every check that was made; the run has passed when all of them have. */
  readonly isPassed: boolean;
  readonly checks: readonly Check[];
  /** What a reader of the figures must know. */
  readonly notes: readonly string[];
  readonly address: string;
  readonly mode: "players" | "publishers" | "churn";
  /** Players or publishers that were asked for; in churn, at one time. */
  readonly asked: number;
  readonly joined: number;
  readonly joinsPerSecond: number;
  /** The measured window. */
  readonly seconds: number;
  /** To players, or taken from publishers. */
  readonly bytes: number;
  readonly gigabitsPerSecond: number;
  /** Until the connection stood. */
  readonly connect: Times | undefined;
  /** From the beginning of the connection to the first media byte, or the accepted publish. */
  readonly join: Times | undefined;
  /** From the request that media answers (PLAY) to the first packet; undefined where there is no such request. */
  readonly first: Times | undefined;
  /** To the first whole key frame. */
  readonly key: Times | undefined;
  readonly latency: Times | undefined;
  readonly media: MediaFigures | undefined;
  readonly server: ServerFigures | undefined;
  /** What `/stats` counted more of at the end than before the first join. */
  readonly stats: StatsFigures | undefined;
  readonly sample: DecodedSample | undefined;
  readonly failures: readonly FailureReason[];
  readonly generator: GeneratorFigures;
}

export interface Check {
  readonly name: string;
  readonly isPassed: boolean;
  readonly detail: string;
}

export interface Times {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface MediaFigures {
  /** Tags of audio and video; where there are none, frames. */
  readonly tagCount: number;
  readonly backwardsCount: number;
  readonly gapCount: number;
  readonly longestGapMs: number;
  /** The bytes of the player that got the fewest, as a share of the mean. */
  readonly leastShare: number;
  readonly packets: PacketFigures | undefined;
}

/** Of RTP, all players together. */
export interface PacketFigures {
  readonly packetCount: number;
  readonly missingCount: number;
  readonly lateCount: number;
  readonly ssrcChangeCount: number;
  readonly markerErrorCount: number;
  readonly reportCount: number;
  readonly wrongReportCount: number;
}

export interface ServerFigures {
  readonly processes: readonly ProcessFigures[];
  readonly cpuSeconds: number;
  readonly gigabitsPerCore: number;
  /** Undefined where they come and go. */
  readonly residentBytesPerConnection: number | undefined;
}

export interface ProcessFigures {
  readonly pid: number;
  readonly name: string;
  readonly cpuSeconds: number;
  readonly threads: readonly ThreadTime[];
  readonly residentBytesBefore: number;
  readonly residentBytes: number;
  readonly descriptorsBefore: number;
  readonly descriptors: number;
}

export interface StatsFigures {
  readonly evictedCount: number;
  readonly jumpCount: number;
  readonly socketErrorCount: number;
  readonly errors: Readonly<Record<string, number>>;
}

export interface GeneratorFigures {
  readonly cpuSeconds: number;
  /** The share of the window in which its event loop was busy. */
  readonly busyShare: number;
  readonly isBottleneck: boolean;
}

export function timesOf(histogram: Histogram): Times | undefined {
  if (histogram.count === 0) return undefined;
  const { count, maxMs } = histogram;
  return { count, p50Ms: histogram.percentileMs(0.5), p99Ms: histogram.percentileMs(0.99), maxMs };
}

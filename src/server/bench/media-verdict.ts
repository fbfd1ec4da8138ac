/** Checks that every run with players makes of what they got. */

import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_FLV_HEADER } from "../../formats/flv/errors.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import type { FailureCounts } from "./failure-counts.ts";
import type { MediaChecks } from "./media-checks.ts";
import type { Check, MediaFigures } from "./report.ts";

export function checkMedia(checks: MediaChecks, failures: FailureCounts, maxGapMs: number): Check[] {
  const tornCount = framingCodes.reduce((sum, code) => sum + failures.count(code), 0);
  return [
    check("framing", tornCount === 0, `${checks.tagCount} tags whole, ${tornCount} players with a torn stream`),
    check("timestamps", checks.backwardsCount === 0, `${checks.backwardsCount} went back`),
    check("gaps", checks.gapCount === 0, `${checks.gapCount} longer than ${maxGapMs} ms`),
  ];
}

export function mediaFigures(checks: MediaChecks, leastShare: number): MediaFigures {
  const { tagCount, backwardsCount, gapCount, longestGapMs } = checks;
  return { tagCount, backwardsCount, gapCount, longestGapMs, leastShare };
}

export function check(name: string, isPassed: boolean, detail: string): Check {
  return { name, isPassed, detail };
}

const framingCodes: readonly string[] = [ERR_BENCH_FRAMING, ERR_FLV_HEADER, ERR_TRUNCATED];

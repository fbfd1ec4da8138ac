/** Checks that every run with players makes of what they got. */

import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_FLV_HEADER } from "../../formats/flv/errors.ts";
import { ERR_RTCP_PACKET } from "../../protocols/rtcp/errors.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import type { FailureCounts } from "./failure-counts.ts";
import type { CheckedPlayers } from "./open-players.ts";
import type { Check, MediaFigures, PacketFigures } from "./report.ts";
import type { RtpChecks } from "./rtp-checks.ts";

export function checkMedia(
  { checks, packets }: Pick<CheckedPlayers, "checks" | "packets">,
  failures: FailureCounts,
  maxGapMs: number,
): Check[] {
  const tornCount = framingCodes.reduce((sum, code) => sum + failures.count(code), 0);
  const whole = packets === undefined ? `${checks.tagCount} tags` : `${packets.packetCount} packets`;
  return [
    check("framing", tornCount === 0, `${whole} whole, ${tornCount} players with a torn stream`),
    check("timestamps", checks.backwardsCount === 0, `${checks.backwardsCount} went back`),
    check("gaps", checks.gapCount === 0, `${checks.gapCount} longer than ${maxGapMs} ms`),
  ];
}

/** What only RTP has. */
export function checkPackets(packets: RtpChecks | undefined, nowMs: number): Check[] {
  if (packets === undefined) return [];
  const { missingCount, lateCount, ssrcChangeCount, markerErrorCount, reportCount, wrongReportCount } = packets;
  const unreportedCount = packets.unreportedCount(nowMs, reportDeadlineMs);
  return [
    check(
      "sequence numbers",
      packets.mayReorder ? missingCount <= lateCount : missingCount === 0 && lateCount === 0,
      `${missingCount} were left out, ${lateCount} came again or late`,
    ),
    check("sources", ssrcChangeCount === 0, `${ssrcChangeCount} changes of SSRC`),
    check("markers", markerErrorCount === 0, `${markerErrorCount} not where a frame ends`),
    check(
      "sender reports",
      wrongReportCount === 0 && unreportedCount === 0,
      `${reportCount}, ${wrongReportCount} of them with another time than the media; ${unreportedCount} tracks without`,
    ),
  ];
}

export function mediaFigures(
  { checks, packets }: Pick<CheckedPlayers, "checks" | "packets">,
  leastShare: number,
): MediaFigures {
  const { tagCount, backwardsCount, gapCount, longestGapMs } = checks;
  return { tagCount, backwardsCount, gapCount, longestGapMs, leastShare, packets: packets && packetFigures(packets) };
}

export function packetFigures(packets: RtpChecks): PacketFigures {
  const { packetCount, missingCount, lateCount, ssrcChangeCount, markerErrorCount } = packets;
  const { reportCount, wrongReportCount } = packets;
  return { packetCount, missingCount, lateCount, ssrcChangeCount, markerErrorCount, reportCount, wrongReportCount };
}

export function check(name: string, isPassed: boolean, detail: string): Check {
  return { name, isPassed, detail };
}

const framingCodes: readonly string[] = [ERR_BENCH_FRAMING, ERR_FLV_HEADER, ERR_RTCP_PACKET, ERR_TRUNCATED];
/** Twice the interval of RFC 3550 §6.2. */
const reportDeadlineMs = 10_000;

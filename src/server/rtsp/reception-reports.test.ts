import { describe, expect, it } from "vitest";
import { type RtcpMessage, writeRtcp } from "../../protocols/rtcp/compound.ts";
import { compactNtp, ntpOfUnixMs } from "../../protocols/rtcp/ntp.ts";
import { ReceptionReports } from "./reception-reports.ts";

const beganMs = 1_700_000_000_000;
const tracks = [
  { ssrc: 1, clockRate: 90_000 },
  { ssrc: 2, clockRate: 48_000 },
];

describe("what a player reports", () => {
  it("is kept for each track that it has, and for no other", () => {
    const reports = new ReceptionReports(tracks, beganMs);
    reports.handle(report({ ssrc: 1, totalLost: 3, jitter: 900 }, { ssrc: 2, totalLost: 4, jitter: 960 }), beganMs);
    expect(reports).toMatchObject({ lostPacketCount: 7, jitterMs: 20, roundTripMs: undefined });
    reports.handle(report({ ssrc: 1, totalLost: -2 }, { ssrc: 9, totalLost: 100 }), beganMs);
    expect(reports.lostPacketCount).toBe(4); // more duplicates than losses
  });

  it("tells the round trip, once it is about a report that was sent live", () => {
    const reports = new ReceptionReports(tracks, beganMs);
    const heardOf = (sentMs: number): number => compactNtp(ntpOfUnixMs(sentMs));
    reports.handle(report({ ssrc: 1, lastSenderReport: heardOf(beganMs - 2_000) }), beganMs + 50);
    expect(reports.roundTripMs).toBeUndefined();
    reports.handle(report({ ssrc: 1, lastSenderReport: heardOf(beganMs + 1_000), delay: 0x8000 }), beganMs + 1_540);
    expect(reports.roundTripMs).toBeCloseTo(40, 0);
  });

  it("that is no RTCP is an error, and changes nothing", () => {
    const reports = new ReceptionReports(tracks, beganMs);
    expect(() => reports.handle(Uint8Array.of(1, 2, 3), beganMs)).toThrow(
      expect.objectContaining({ code: "ERR_RTCP_PACKET" }),
    );
    expect(reports.lostPacketCount).toBe(0);
  });
});

function report(
  ...blocks: readonly Partial<Extract<RtcpMessage, { kind: "receiverReport" }>["reports"][number]>[]
): Uint8Array {
  const empty = {
    ssrc: 0,
    fractionLost: 0,
    totalLost: 0,
    highestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delay: 0,
  };
  return writeRtcp([{ kind: "receiverReport", ssrc: 5, reports: blocks.map((block) => ({ ...empty, ...block })) }]);
}

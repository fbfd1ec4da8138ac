import { describe, expect, it } from "vitest";
import { compactNtp, ntpOfUnixMs, roundTripMs, unixMsOfNtp } from "./ntp.ts";
import { reportIntervalMs } from "./report-interval.ts";

describe("NTP time", () => {
  it.each([
    ["the beginning of 1970", 0, { seconds: 2_208_988_800, fraction: 0 }],
    ["half a second later", 500, { seconds: 2_208_988_800, fraction: 0x8000_0000 }],
    ["half a second earlier", -500, { seconds: 2_208_988_799, fraction: 0x8000_0000 }],
    ["the last second of the first era", Date.UTC(2036, 1, 7, 6, 28, 15), { seconds: 0xffff_ffff, fraction: 0 }],
    ["the first of the second", Date.UTC(2036, 1, 7, 6, 28, 16), { seconds: 0, fraction: 0 }],
  ])("knows %s", (_, unixMs, ntp) => {
    expect(ntpOfUnixMs(unixMs)).toEqual(ntp);
    expect(unixMsOfNtp(ntp, unixMs + 86_400_000)).toBe(unixMs);
    expect(unixMsOfNtp(ntp, unixMs - 86_400_000)).toBe(unixMs);
  });

  it("never has a fraction of a whole second", () => {
    const ntp = ntpOfUnixMs(999.999_999_999_9);
    expect(ntp).toEqual({ seconds: 2_208_988_801, fraction: 0 });
  });

  it("has its middle bits in reports", () => {
    expect(compactNtp({ seconds: 0xe8d4_a510, fraction: 0x8765_4321 })).toBe(0xa510_8765);
  });
});

describe("a round trip", () => {
  const ntp = (seconds: number, fraction = 0) => ({ seconds, fraction });

  it("is as in RFC 3550 §6.4.1, figure 2", () => {
    // A = 0xb710:8000 at n; LSR 0xb705:2000, DLSR 0x0005:4000: 6.125 s
    expect(roundTripMs(ntp(0xb44d_b710, 0x8000_0000), 0xb705_2000, 0x0005_4000)).toBe(6_125);
  });

  it("goes over the wrap of compact times", () => {
    expect(roundTripMs(ntp(0x1_0000, 0x8000_0000), 0xffff_8000, 0x8000)).toBe(500);
  });

  it("is not known before the peer has a report, nor from what can't be", () => {
    expect(roundTripMs(ntp(100), 0, 0)).toBeUndefined();
    expect(roundTripMs(ntp(100), 100 * 65_536, 65_536)).toBeUndefined(); // more delay than time went by
    expect(roundTripMs(ntp(200), 100 * 65_536, 0)).toBeUndefined();
  });

  it("is 0 when clocks were rounded apart", () => {
    expect(roundTripMs(ntp(100), 100 * 65_536, 3)).toBe(0);
  });
});

describe("the interval of reports", () => {
  it("is 5 s on the average in a session of two, half of it at first", () => {
    const average = (isFirst: boolean) =>
      (reportIntervalMs(2, 100, 1e6, isFirst, 0) + reportIntervalMs(2, 100, 1e6, isFirst, 1)) / 2;
    expect(average(false)).toBeCloseTo(5_000 / 1.218_28, 0);
    expect(average(true)).toBeCloseTo(2_500 / 1.218_28, 0);
  });

  it("grows with the members and stays below what keeps a session alive", () => {
    expect(reportIntervalMs(100, 100, 64_000, false, 0.5)).toBeCloseTo(15_000 / 1.218_28, 0);
    expect(reportIntervalMs(40, 100, 80_000, false, 0.5)).toBeCloseTo(8_000 / 1.218_28, 0);
  });
});

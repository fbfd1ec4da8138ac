import { describe, expect, it } from "vitest";
import { ntpOfUnixMs } from "../rtcp/ntp.ts";
import { RtpTimeline } from "./timeline.ts";

describe("the timeline of a session", () => {
  it("begins at 0 with its first packet, and places other tracks by their arrival", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    expect(video.ticksOf(0xffff_0000, 5_000)).toBe(0);
    expect(audio.ticksOf(123, 5_020)).toBe(960);
  });

  it.each([2 ** 16, 2 ** 31, 2 ** 32])("goes on over %i", (wrap) => {
    const clock = new RtpTimeline().openTrack(90_000);
    const first = wrap - 9_000;
    for (let i = 0; i < 10; i++) expect(clock.ticksOf((first + i * 3_600) % 2 ** 32, i * 40)).toBe(i * 3_600);
  });

  it("goes back with the presentation times of B-frames", () => {
    const clock = new RtpTimeline().openTrack(90_000);
    expect([10_800, 21_600, 14_400, 18_000].map((timestamp, i) => clock.ticksOf(timestamp, i * 40))).toEqual([
      0, 10_800, 3_600, 7_200,
    ]);
  });

  it("keeps the rate of a clock that drifts 500 ppm for a day", () => {
    const clock = new RtpTimeline().openTrack(90_000);
    let ticks = 0;
    for (let second = 0; second <= 86_400; second++)
      ticks = clock.ticksOf(Math.round(second * 90_045) % 2 ** 32, second * 1_000);
    expect(ticks).toBe(86_400 * 90_045);
  });

  it("keeps the rate when packets come in bursts, or late", () => {
    const clock = new RtpTimeline().openTrack(90_000);
    for (let i = 0; i < 500; i++) expect(clock.ticksOf(i * 3_600, 0)).toBe(i * 3_600); // 20 s of a server's buffer
    expect(clock.ticksOf(500 * 3_600, 60_000)).toBe(500 * 3_600); // behind a stall of a minute
  });

  it("takes a jump for another clock, which goes on as much later as it came", () => {
    const clock = new RtpTimeline().openTrack(90_000);
    clock.ticksOf(0, 0);
    expect(clock.ticksOf(0x4000_0000, 40)).toBe(3_600);
    expect(clock.ticksOf(0x4000_0000 + 3_600, 80)).toBe(7_200);
    expect(clock.ticksOf(0x2000_0000, 80)).toBe(7_201);
    expect(clock.ticksOf(0x2000_0000 - 90_000, 120)).toBe(7_201 - 90_000);
  });

  it("places a source that starts anew by its arrival, behind all that was", () => {
    const clock = new RtpTimeline().openTrack(90_000);
    clock.ticksOf(0, 0);
    clock.ticksOf(900_000, 1_000); // ahead of its time
    clock.restart();
    expect(clock.ticksOf(900_001, 1_001)).toBe(900_001);
    clock.restart();
    expect(clock.ticksOf(5, 20_000)).toBe(1_800_000);
  });
});

describe("sender reports", () => {
  const unixMs = Date.UTC(2026, 0, 1);

  it("that come first put the tracks in step from the first frame on", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    video.handleSenderReport({ ntp: ntpOfUnixMs(unixMs), rtpTimestamp: 1_000 });
    audio.handleSenderReport({ ntp: ntpOfUnixMs(unixMs), rtpTimestamp: 2_000 });
    expect(video.ticksOf(1_000, 0)).toBe(0);
    expect(audio.ticksOf(2_000 + 4_800, 40)).toBe(4_800); // came 60 ms too early, and belongs to 100 ms
  });

  it("that come later correct the second track by at most 1 % of the time", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    video.ticksOf(0, 0);
    audio.ticksOf(0, 0);
    video.handleSenderReport({ ntp: ntpOfUnixMs(unixMs), rtpTimestamp: 0 });
    audio.handleSenderReport({ ntp: ntpOfUnixMs(unixMs + 100), rtpTimestamp: 0 });
    expect(audio.ticksOf(48_000, 1_000)).toBe(48_480);
    expect(audio.ticksOf(480_000, 10_000)).toBe(484_800);
    expect(audio.ticksOf(960_000, 20_000)).toBe(964_800);
    expect(video.ticksOf(1_800_000, 20_000)).toBe(1_800_000);
  });

  it("that are far off are followed faster, and never so that time goes back", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    video.ticksOf(0, 0);
    audio.ticksOf(0, 0);
    video.handleSenderReport({ ntp: ntpOfUnixMs(unixMs), rtpTimestamp: 0 });
    audio.handleSenderReport({ ntp: ntpOfUnixMs(unixMs - 1_500), rtpTimestamp: 0 });
    let last = 0;
    for (let packet = 1; packet <= 2_500; packet++) {
      // Every second of packets comes at once.
      const ticks = audio.ticksOf(960 * packet, 1_000 * Math.ceil(packet / 50));
      expect(ticks).toBeGreaterThan(last);
      last = ticks;
    }
    expect(last).toBeLessThan(960 * 2_500 - 48 * 1_490);
    expect(last).toBeGreaterThanOrEqual(960 * 2_500 - 48 * 1_500);
  });

  it("keep two clocks in step that drift apart, for hours", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    let apartMs = 0;
    for (let second = 0; second <= 6 * 3_600; second++) {
      const audioTicks = Math.round(second * 48_000 * 1.0005);
      if (second % 5 === 0) {
        video.handleSenderReport({ ntp: ntpOfUnixMs(unixMs + second * 1_000), rtpTimestamp: second * 90_000 });
        audio.handleSenderReport({ ntp: ntpOfUnixMs(unixMs + second * 1_000), rtpTimestamp: audioTicks });
      }
      const videoMs = video.ticksOf(second * 90_000, second * 1_000) / 90;
      const audioMs = audio.ticksOf(audioTicks, second * 1_000) / 48;
      apartMs = Math.max(apartMs, Math.abs(videoMs - audioMs));
    }
    expect(apartMs).toBeLessThan(5);
  });

  it("with clocks that have nothing to do with each other are not believed", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    video.handleSenderReport({ ntp: ntpOfUnixMs(unixMs), rtpTimestamp: 0 });
    audio.handleSenderReport({ ntp: ntpOfUnixMs(unixMs + 3_600_000), rtpTimestamp: 0 });
    video.ticksOf(0, 0);
    expect(audio.ticksOf(0, 10)).toBe(480);
    audio.handleSenderReport({ ntp: { seconds: 0, fraction: 0 }, rtpTimestamp: 0 });
    expect(audio.ticksOf(480_000, 10_010)).toBe(480_480);
  });

  it("on both sides of 2036 are of one clock", () => {
    const timeline = new RtpTimeline();
    const video = timeline.openTrack(90_000);
    const audio = timeline.openTrack(48_000);
    video.handleSenderReport({ ntp: { seconds: 0xffff_ffff, fraction: 0x8000_0000 }, rtpTimestamp: 0 });
    audio.handleSenderReport({ ntp: { seconds: 0, fraction: 0x8000_0000 }, rtpTimestamp: 0 });
    video.ticksOf(0, 0);
    expect(audio.ticksOf(0, 10)).toBe(48_000);
  });
});

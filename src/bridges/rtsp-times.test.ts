/** Time from an RTSP publisher to RTSP players, and to frames, which every other protocol has its time stamps from. */

import { describe, expect, it } from "vitest";
import { type RtpPlayer, type RtpPublisher, RtpServer, reportsOf, sentOf } from "../../test/support/rtp-session.ts";
import { unixMsOfNtp } from "../protocols/rtcp/ntp.ts";

const sdp = [
  "v=0",
  ...["m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"],
  ...["m=audio 0 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"],
].join("\r\n");

const keyPicture = "10 00 00 00 9d012a 40004000 01";
const otherPicture = "10 01 00 00 02";
const sound = "fc fffe";
const wallMs = Date.UTC(2026, 5, 1);

function begin(beforeFrames: (publisher: RtpPublisher) => void = () => {}): {
  readonly server: RtpServer;
  readonly publisher: RtpPublisher;
} {
  const server = new RtpServer();
  const publisher = server.publisher(sdp);
  beforeFrames(publisher);
  return { server, publisher };
}

function newestMs(publisher: RtpPublisher, kind: string): number {
  const { window } = publisher.stream;
  let sequence = window.nextSequence - 1;
  while (window.get(sequence)!.track.kind !== kind) sequence--;
  const frame = window.get(sequence)!;
  return (frame.ptsTicks * 1_000) / frame.format.timescale;
}

/** The wall clock of what is sent, as players learn it: the newest report says it of one timestamp. */
function wallMsOf(player: RtpPlayer, channel: number, clockRate: number): number {
  const packets = player.startPackets();
  const report = reportsOf(packets, channel + 1).findLast(({ kind }) => kind === "senderReport");
  if (report?.kind !== "senderReport") throw new Error("no sender report");
  const newest = sentOf(packets, channel).at(-1)!;
  const reported = (report.rtpTimestamp - 0xffff_ff00 + 0x1_0000_0000) % 0x1_0000_0000;
  return unixMsOfNtp(report.ntp, wallMs) + ((newest.timestamp - reported) * 1_000) / clockRate;
}

describe("lip sync", () => {
  it("of a publisher whose sound comes 1.5 s late and says so is that of its reports, for players and frames", () => {
    const { server, publisher } = begin((to) => {
      to.report(0, wallMs, 500_000);
      to.report(1, wallMs, 4_000_000_000);
    });
    // Taken at the same moment, and sent 1.5 s apart.
    publisher.send(0, 1, 500_000, keyPicture, { marker: true });
    for (let ms = 40; ms <= 1_480; ms += 40) {
      server.nowMs = ms;
      publisher.send(0, 1 + ms / 40, 500_000 + 90 * ms, otherPicture, { marker: true });
    }
    server.nowMs = 1_500;
    publisher.send(1, 1, 4_000_000_000, sound);
    expect(newestMs(publisher, "audio")).toBeCloseTo(newestMs(publisher, "video") - 1_480, 0);
    const player = server.player(publisher.stream);
    server.nowMs = 1_520;
    publisher.send(0, 100, 500_000 + 90 * 1_520, keyPicture, { marker: true });
    publisher.send(1, 2, 4_000_000_000 + 960, sound);
    const apartMs = wallMsOf(player, 0, 90_000) - wallMsOf(player, 2, 48_000);
    expect(apartMs).toBeCloseTo(1_500, 0);
    expect(newestMs(publisher, "video") - newestMs(publisher, "audio")).toBeCloseTo(1_500, 0);
  });

  it("is reached within a minute when the reports come later", () => {
    const { server, publisher } = begin();
    for (let ms = 0; ms <= 60_000; ms += 20) {
      server.nowMs = ms;
      if (ms % 5_000 === 1_000) {
        publisher.report(0, wallMs + ms, 90 * ms);
        publisher.report(1, wallMs + ms - 1_500, 48 * ms);
      }
      publisher.send(0, ms / 20, 90 * ms, ms % 1_000 === 0 ? keyPicture : otherPicture, { marker: true });
      publisher.send(1, ms / 20, 48 * ms, sound);
    }
    expect(Math.abs(newestMs(publisher, "video") - newestMs(publisher, "audio") - 1_500)).toBeLessThan(20);
  });

  it.each([
    ["whose clock is 500 ppm fast", 1.0005, 1.0005],
    ["whose clock is 500 ppm slow", 0.9995, 0.9995],
    ["whose sound card is 500 ppm fast", 1, 1.0005],
  ])("of a publisher %s holds for hours, and time never goes back", (_name, videoRate, audioRate) => {
    const { server, publisher } = begin();
    publisher.send(0, 0, 0, keyPicture, { marker: true });
    publisher.send(1, 0, 0, sound);
    const player = server.player(publisher.stream);
    let last = [0, 0];
    let mostApartMs = 0;
    for (let ms = 200; ms <= 3 * 3_600_000; ms += 200) {
      server.nowMs = ms;
      const times = [Math.round(90 * ms * videoRate), Math.round(48 * ms * audioRate)] as const;
      if (ms % 5_000 === 0) for (const track of [0, 1]) publisher.report(track, wallMs + ms * videoRate, times[track]!);
      const isKey = ms % 10_000 === 0;
      publisher.send(0, ms / 200, times[0], isKey ? keyPicture : otherPicture, { marker: true });
      publisher.send(1, ms / 200, times[1], sound);
      const now = [newestMs(publisher, "video"), newestMs(publisher, "audio")];
      if (now.some((time, track) => time <= last[track]!)) expect.unreachable(`time goes back at ${ms} ms`);
      last = now;
      mostApartMs = Math.max(mostApartMs, Math.abs(now[0]! - now[1]!));
      if (isKey) {
        const sentApartMs = wallMsOf(player, 0, 90_000) - wallMsOf(player, 2, 48_000);
        mostApartMs = Math.max(mostApartMs, Math.abs(sentApartMs) - 200); // the sound of the key frame's moment is not there yet
      }
    }
    expect(mostApartMs).toBeLessThan(5);
  });
});

describe("what players are sent", () => {
  it("goes on over all wraps of a long run", () => {
    const { server, publisher } = begin();
    const start = 0x1_0000_0000 - 90 * 1_000;
    publisher.send(0, 0, start, keyPicture, { marker: true });
    const player = server.player(publisher.stream);
    player.packets();
    let last = { sequence: 0, timestamp: 0 };
    for (let packet = 1; packet <= 70_000; packet++) {
      server.nowMs = packet;
      const isKey = packet % 500 === 0;
      publisher.send(0, packet, start + 90 * packet, isKey ? keyPicture : otherPicture, { marker: true });
      if (packet % 500 !== 0) continue;
      for (const { sequence, timestamp } of sentOf(player.packets(), 0)) {
        if (last.timestamp > 0) {
          expect((sequence - last.sequence + 0x1_0000) % 0x1_0000).toBe(1);
          expect(timestamp - last.timestamp).toBe(90);
        }
        last = { sequence, timestamp };
      }
    }
    expect(publisher.ingest.counters).toMatchObject({ lostPacketCount: 0, restartCount: 0, droppedFrameCount: 0 });
  });

  it.each([
    ["forward by an hour", 324_000_000],
    ["back by an hour", -324_000_000],
    ["by half of all there are", 0x8000_0000],
  ])("does not jump when the publisher's timestamps jump %s", (_name, jump) => {
    const { server, publisher } = begin();
    publisher.send(0, 0, 1_000_000_000, keyPicture, { marker: true });
    const player = server.player(publisher.stream);
    const start = 1_000_000_000;
    for (let packet = 1; packet <= 10; packet++) {
      server.nowMs = 40 * packet;
      const timestamp = start + 3_600 * packet + (packet > 5 ? jump : 0);
      publisher.send(0, packet, timestamp, otherPicture, { marker: true });
    }
    const times = sentOf(player.packets(), 0).map(({ timestamp }) => timestamp);
    expect(times.map((time) => time - times[0]!)).toEqual(times.map((_, at) => 3_600 * at));
    const frameTimes = publisher.frames.map(({ ptsTicks }) => ptsTicks - publisher.frames[0]!.ptsTicks);
    expect(frameTimes).toEqual(frameTimes.map((_, at) => 3_600 * at));
  });

  it.each([1, 1.0005, 0.9995])(
    "is dated by the server's clock, with a publisher whose clock runs %d times as fast",
    (rate) => {
      const { server, publisher } = begin();
      publisher.send(0, 0, 0, keyPicture, { marker: true });
      const player = server.player(publisher.stream);
      for (let second = 1; second <= 7_200; second++) {
        server.nowMs = 1_000 * second;
        const timestamp = Math.round(90_000 * second * rate);
        publisher.send(0, second, timestamp, second % 2 === 0 ? keyPicture : otherPicture, { marker: true });
      }
      expect(Math.abs(wallMsOf(player, 0, 90_000) - (server.wallMs + server.nowMs))).toBeLessThan(10);
    },
  );

  it("is dated so for those who come in the middle of a GOP, too", () => {
    const { server, publisher } = begin();
    publisher.send(0, 0, 0, keyPicture, { marker: true });
    for (let second = 1; second <= 8; second++) {
      server.nowMs = 1_000 * second;
      publisher.send(0, second, 90_000 * second, otherPicture, { marker: true });
    }
    const player = server.player(publisher.stream);
    expect(wallMsOf(player, 0, 90_000)).toBeCloseTo(server.wallMs + 8_000, 0);
  });

  it("has reports of the moment in which they are sent", () => {
    const { server, publisher } = begin();
    publisher.send(0, 0, 0, keyPicture, { marker: true });
    const player = server.player(publisher.stream);
    player.packets();
    server.nowMs = 5_030; // this picture took 30 ms more than the first
    publisher.send(0, 1, 450_000, otherPicture, { marker: true });
    const report = reportsOf(player.packets(), 1).find(({ kind }) => kind === "senderReport");
    if (report?.kind !== "senderReport") throw new Error("no sender report");
    expect(unixMsOfNtp(report.ntp, wallMs)).toBeCloseTo(server.wallMs + 5_030, 0);
  });
});

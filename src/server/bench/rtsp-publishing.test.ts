/** Publishing over RTSP: accepted by our own session, and nothing that our own checks would find. */

import { expect, test } from "vitest";
import { acceptAll, ServerBench } from "../../protocols/rtsp/pair.cases.ts";
import { MediaChecks } from "./media-checks.ts";
import { packetFigures } from "./media-verdict.ts";
import type { PublisherEvent, PublisherSession } from "./publisher-protocol.ts";
import { RtpChecks } from "./rtp-checks.ts";
import { readDescription } from "./rtsp-description.ts";
import { RtspPublishing } from "./rtsp-publishing.ts";
import { RtspScanner } from "./rtsp-scanner.ts";
import { makeSyntheticStream, pictureMs, picturesPerGop, soundMs } from "./synthetic-stream.ts";

const publishing = new RtspPublishing(makeSyntheticStream(1_000_000));

test("is announced as what it is, and accepted", () => {
  const server = new ServerBench();
  const session = publishing.openSession("rtsp://host/live/cam", server.now);
  expect(exchange(session, server)).toEqual([{ type: "accepted", address: 0 }]);
  const { sdp } = server.find("announce")!;
  expect(readDescription(sdp).tracks).toMatchObject([
    { control: "trackID=0", promised: { payloadType: 96, clockRate: 90_000, maxBackMs: 0, pictures: "h264" } },
    { control: "trackID=1", promised: { payloadType: 97, clockRate: 48_000, marksFrameEnd: true } },
  ]);
  session.close();
  expect(exchange(session, server)).toEqual([{ type: "closed" }]);
  expect(server.find("teardown")).toBeDefined();
});

test("stays alive by itself", () => {
  const server = new ServerBench();
  const session = publishing.openSession("rtsp://host/live/cam", server.now);
  exchange(session, server);
  for (let i = 0; i < 300; i++) {
    server.advance(1_000);
    session.handleTime(server.now);
    exchange(session, server);
  }
  expect(server.errorCode).toBeUndefined();
});

test("on other channels than were asked for is given up", () => {
  const server = new ServerBench({}, (event, accepting, now) => {
    if (event.type === "setup") accepting.acceptSetup(event.requestId, { channels: [8, 9] }, now);
    else acceptAll(event, accepting, now);
  });
  const session = publishing.openSession("rtsp://host/live/cam", server.now);
  expect(exchange(session, server)).toMatchObject([{ type: "closed", error: { code: "ERR_BENCH_CLOSED" } }]);
});

test("is found to be right by what checks players", () => {
  const checks = new MediaChecks(1, 500);
  const packets = new RtpChecks(1, checks);
  const scanner = new RtspScanner(1, packets, () => {});
  const server = new ServerBench();
  exchange(publishing.openSession("rtsp://host/live/cam", server.now), server);
  packets.setTracks(
    0,
    readDescription(server.find("announce")!.sdp).tracks.map(({ promised }) => promised),
  );
  scanner.setChannels(0, [
    { rtp: 0, rtcp: 1 },
    { rtp: 2, rtcp: 3 },
  ]);
  const frames = publishing.openFrames();
  const pictureCount = 25_000; // sequence numbers wrap
  let soundCount = 0;
  const scan = (bytes: Uint8Array, atMs: number): void => scanner.scan(0, bytes, 0, bytes.length, atMs);
  for (let i = 0; i < pictureCount; i++) {
    scan(frames.picture(0, i, i % picturesPerGop, i * pictureMs), i * pictureMs + 5);
    for (; soundCount * soundMs < i * pictureMs; soundCount++) scan(frames.sound(0, soundCount), i * pictureMs);
  }
  expect(packets.packetCount).toBeGreaterThan(0x1_0000 + soundCount);
  expect(packetFigures(packets)).toEqual({
    packetCount: packets.packetCount,
    ...{ missingCount: 0, lateCount: 0, ssrcChangeCount: 0, markerErrorCount: 0, wrongReportCount: 0 },
    reportCount: 2 * (pictureCount / picturesPerGop),
  });
  expect([checks.backwardsCount, checks.gapCount, checks.tagCount]).toEqual([0, 0, pictureCount + soundCount]);
  expect([checks.latency.count, checks.latency.maxMs]).toEqual([pictureCount, expect.closeTo(5, 2)]);
});

/** Both ways, until nobody has anything to say; what the session told meanwhile. */
function exchange(session: PublisherSession, server: ServerBench): PublisherEvent[] {
  const events: PublisherEvent[] = [];
  for (let isBusy = true; isBusy; ) {
    for (let event = session.poll(); event !== undefined; event = session.poll()) events.push(event);
    const up = session.pollOutput();
    if (up !== undefined) server.handle(up);
    const down = server.takeOutput();
    session.handle(down, server.now);
    isBusy = up !== undefined || down.length > 0;
  }
  return events;
}

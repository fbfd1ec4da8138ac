/** Players that stop reading (THREATS F-12): they are skipped forward, then disconnected; nobody else loses anything. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { sequenceHeader } from "../../bench/support/sequence-header.ts";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { FlvClient } from "../support/flv-client.ts";
import { Canary, frameNumber, numberedFrame } from "../support/raw-canary.ts";
import { RawHttp, requestText, webSocketHeaders } from "../support/raw-http.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { expectQuietLog, residentBytes } from "../support/raw-server.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["streaming.max_ring=1MiB"] }));
  canary = resources.use(await Canary.start(server));
});
afterAll(() => resources.disposeAsync());

test("twelve players of 30 that stop reading are disconnected, and the others lose nothing", async () => {
  await using stack = new AsyncDisposableStack();
  const publisher = stack.use(new RtmpTestClient(server.rtmpUrl("live/fast"), { role: "publish" }));
  await publisher.ready;
  publisher.send(flvTagType.video, 0, sequenceHeader());
  const publish = (number: number): void => {
    publisher.send(flvTagType.video, number * frameMs, numberedFrame(number, number % gop === 0, frameBytes));
  };
  publish(0);

  const url = server.httpUrl("/live/fast.flv");
  const good = Array.from({ length: 18 }, () => stack.use(FlvClient.http(url)));
  const stalled: { stopReading(): void }[] = [];
  for (let i = 0; i < stalledCount / 3; i++) {
    const rtmp = stack.use(await RawRtmp.withStream(server.rtmpPort));
    rtmp.command(1, "play", 3, null, "fast", -1000);
    await rtmp.status("NetStream.Play.Start");
    const http = stack.use(new RawHttp(server.httpPort, requestText("GET", "/live/fast.flv")));
    const webSocket = stack.use(new RawHttp(server.httpPort, requestText("GET", "/live/fast.flv", webSocketHeaders)));
    await Promise.all([http.status(), webSocket.status()]);
    stalled.push(rtmp, http, webSocket);
  }
  await waitFor("all players", async () => (await server.stats()).subscribers === good.length + stalledCount + 1);
  let number = 1;
  const timer = setInterval(() => publish(number++), frameMs);
  stack.defer(() => clearInterval(timer));
  // From then on the ring and all buffers have their size.
  await waitFor("all players to be under way", () => good.every(({ tags }) => tags.length > 200));

  for (const client of stalled) client.stopReading();
  const before = await server.stats();
  const residentBefore = residentBytes(server);
  await waitFor("the end of those", async () => (await server.stats()).subscribers === good.length + 1, 30_000);
  clearInterval(timer);
  const residentAfter = residentBytes(server);
  const after = await server.stats();

  const last = number - 1;
  for (const [index, player] of good.entries()) {
    const numbers = (): number[] =>
      player.tags
        .filter(({ type, body }) => type === flvTagType.video && body[1] === 1)
        .map(({ body }) => frameNumber(body));
    await waitFor(`frame ${last} of player ${index}`, () => numbers().at(-1) === last);
    expect(numbers(), `player ${index}`).toEqual(Array.from({ length: last + 1 }, (_, frame) => frame));
  }
  await canary.expectNothingLost();
  expect(after.counters["evicted_count"]! - before.counters["evicted_count"]!).toBe(stalledCount);
  expect(after.connections["evicted_count"]! - before.connections["evicted_count"]!).toBe(stalledCount);
  expect(server.logLines.filter(({ msg }) => msg === "a player that was too slow was disconnected")).toHaveLength(
    stalledCount,
  );
  expect(after.memory.used_bytes, "rings and windows").toBeLessThan(8 * 1024 * 1024);
  expect((residentAfter - residentBefore) / stalledCount, "memory of a player that does not read").toBeLessThan(
    maxStalledBytes,
  );
  expectQuietLog(server);
});

const stalledCount = 12;

/** 24 Mb/s: what the sockets hold on a loopback (some MiB) is full after a few seconds. */
const frameMs = 10;
const frameBytes = 30_000;
const gop = 25;
const maxStalledBytes = 4 * 1024 * 1024;

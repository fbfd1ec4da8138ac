/** SIGTERM with publishers and players connected: everybody is told, nothing is cut off, and the process ends in time. */

import { afterAll, expect, test } from "vitest";
import { finished, frameHashes, publishTestStream, recordStream } from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const shutdownTimeoutMs = 3_000;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
afterAll(() => resources.disposeAsync());

test("SIGTERM ends publishers and players in order, with exit code 0 within server.shutdown_timeout", async () => {
  const server = await serverWithTimeout();
  await using publisher = publishTestStream(server.rtmpUrl("live/cam"), { gop: 25 });
  await using idle = new RtmpTestClient(server.rtmpUrl("live/idle"), { role: "publish" });
  await waitFor("both streams", async () => (await server.stats()).active_streams.length === 2);

  using http = FlvClient.http(server.httpUrl("/live/cam.flv"));
  using webSocket = FlvClient.webSocket(server.httpUrl("/live/cam.flv"));
  await using rtmp = new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "play" });
  const file = folder.file("cut.mkv");
  await using recorder = recordStream(server.rtmpUrl("live/cam"), file);
  await waitFor("tags", () => [http.tags, webSocket.tags, rtmp.messages].every(({ length }) => length > 40));
  await waitFor("all players", async () => (await server.stats()).subscribers === 4);

  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(shutdownTimeoutMs);

  expect(await http.ended, "the HTTP body ends cleanly").toBe(true);
  expect(await webSocket.ended, "the WebSocket is closed with code 1000").toBe(true);
  expect(await rtmp.closed).toBeUndefined();
  expect(rtmp.statuses).toContain("NetStream.Play.UnpublishNotify");
  await idle.closed;
  expect(await finished(recorder, "the recorder")).toBe(0);
  expect((await frameHashes(file, "v:0")).length).toBeGreaterThan(0);
  await finished(publisher, "the publisher");
});

test("SIGTERM does not wait longer than server.shutdown_timeout for a peer that does not read", async () => {
  const server = await serverWithTimeout();
  await using _publisher = publishTestStream(server.rtmpUrl("live/cam"), { gop: 25 });
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  await using deaf = new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "play" });
  await deaf.ready;
  deaf.stopReading();
  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(shutdownTimeoutMs + 1_000);
});

async function serverWithTimeout(): Promise<TestServer> {
  return resources.use(await startServer({ set: [`server.shutdown_timeout=${shutdownTimeoutMs / 1000}s`] }));
}

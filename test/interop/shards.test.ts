/** Two shards: players on both get every frame, streams move with their publishers, and whatever fails is said. */

import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FlvTag } from "../../src/formats/flv/flv-reader.ts";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { finished, frameHashes, publishFile, recordStream, startCommand, writeTestFile } from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { readFlvFile, sendTags, sendTagsAtOnce } from "../support/flv-file.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { freePort } from "../support/free-port.ts";
import { Inspector } from "../support/inspector.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer, type TestServerOptions } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 50;
const shutdownTimeoutMs = 3_000;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
let pictures: string[];
let tags: readonly FlvTag[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 6, gop, bFrames: 2 });
  pictures = await frameHashes(source, "v:0");
  const second = folder.file("second.flv");
  await writeTestFile(second, { seconds: 1, gop: 25 });
  tags = readFlvFile(second);
});
afterAll(() => resources.disposeAsync());

describe.each(["native", "portable"])("with the %s transport", (transport) => {
  test("players of RTMP and HTTP-FLV on both shards decode every frame", async () => {
    await using server = await startShards({ set: [`server.transport=${transport}`, "streaming.idle_timeout=500ms"] });
    await using running = new AsyncDisposableStack();
    const encoder = running.use(publishFile(source, server.rtmpUrl("live/cam")));
    await waitFor("the stream", async () => (await server.stats()).active_streams.includes("live/cam"));
    const recorders = [];
    // The kernel spreads RTMP connections as it likes: more of them until both shards have some.
    for (let i = 0; i < 12 && (i < 2 || !(await bothHavePlayers(server))); i++) {
      const file = folder.file(`${transport}-rtmp-${i}.mkv`);
      recorders.push({ file, command: running.use(recordStream(server.rtmpUrl("live/cam"), file)) });
      await waitFor("the player", async () => (await server.stats()).subscribers === recorders.length);
    }
    expect(await bothHavePlayers(server)).toBe(true);
    for (let i = 0; i < 2; i++) {
      const file = folder.file(`${transport}-http-${i}.mkv`);
      recorders.push({ file, command: running.use(recordStream(server.httpUrl("/live/cam.flv"), file)) });
    }
    await waitFor("all players", async () => (await server.stats()).subscribers === recorders.length);
    expect(await finished(encoder, "the encoder")).toBe(0);
    for (const { file, command } of recorders) {
      expect(await finished(command, file)).toBe(0);
      const starts = keyFrameIndexes(pictures.length, gop);
      expectSameFrames(file, await frameHashes(file, "v:0"), pictures, { starts });
    }
    const { counters, errors } = await server.stats();
    expect(counters).toMatchObject({ lag_count: 0, evicted_count: 0, service_failure_count: 0 });
    expect(errors).toEqual({});
  });

  test("a publisher that comes back through the other shard keeps its players, and their clocks", async () => {
    await using server = await startShards({ set: [`server.transport=${transport}`] });
    await using running = new AsyncDisposableStack();
    const url = server.rtmpUrl("live/cam");
    const first = running.use(new RtmpTestClient(url, { role: "publish" }));
    await first.ready;
    sendTagsAtOnce(first, tags);
    const rtmp: RtmpTestClient[] = [];
    for (let i = 0; i < 16 && (i < 2 || !(await bothHavePlayers(server))); i++) {
      const player = running.use(new RtmpTestClient(url, { role: "play" }));
      await player.ready;
      rtmp.push(player);
    }
    const flv = [1, 2].map(() => running.use(FlvClient.http(server.httpUrl("/live/cam.flv"))));
    flv.push(running.use(FlvClient.webSocket(server.httpUrl("/live/cam.flv"))));
    const file = folder.file(`${transport}-moved.mkv`);
    const recorder = running.use(recordStream(url, file));
    const playerCount = rtmp.length + flv.length + 1;
    await waitFor("all players", async () => (await server.stats()).subscribers === playerCount);
    await first.destroy();

    let roundCount = 0;
    const isIdle = async (): Promise<boolean> => (await server.stats()).streams[0]?.state === "idle";
    while (((await server.stats()).counters["moved_stream_count"] ?? 0) < 3) {
      expect(++roundCount, "rounds until it has moved three times").toBeLessThan(60);
      await waitFor("room", isIdle);
      const again = running.use(new RtmpTestClient(url, { role: "publish" }));
      await again.ready;
      sendTagsAtOnce(again, tags);
      await waitFor("its frames", async () => {
        const { position_ms } = (await server.stats()).streams[0] ?? { position_ms: 0 };
        return Math.min(...times(rtmp[0]!).slice(-1)) >= position_ms - 100;
      });
      await again.destroy();
    }
    await waitFor("room", isIdle);
    await using closing = new RtmpTestClient(url, { role: "publish" });
    await closing.ready;
    await sendTags(closing, tags);
    const { streams, subscribers, counters } = await server.stats();
    const endMs = streams[0]!.position_ms;
    expect(subscribers).toBe(playerCount);
    expect(counters).toMatchObject({ evicted_count: 0, lag_count: 0 });
    const frameCount = tags.filter(({ type }) => type !== flvTagType.script).length;
    for (const player of [...rtmp, ...flv]) {
      await waitFor("the last frame", () => times(player).at(-1)! >= endMs - 50);
      for (const type of ["audio", "video"] as const) {
        const ofType = times(player, type);
        expect(ofType, `${type} times never go back`).toEqual(ofType.toSorted((a, b) => a - b));
      }
      // Every round's frames, but for those of the first that came before it joined.
      expect(times(player).length).toBeGreaterThanOrEqual(roundCount * (frameCount - 4));
    }
    await closing.destroy();
    expect(await server.stop()).toBe(0);
    expect(await finished(recorder, "the recorder")).toBe(0);
    expect((await frameHashes(file, "v:0")).length).toBeGreaterThanOrEqual(roundCount * 25);
  });
});

describe("a mistake of ours outside of any session", () => {
  const planned = "setImmediate(function planned() { throw new Error('planned ' + 6 * 7) })";

  test.each(["shard 1", "shard 2"])(
    "on the thread of %s ends the process in order, and is reported once",
    async (name) => {
      const { server, inspector } = await startInspected();
      const player = await loaded(server);
      const startedAtMs = performance.now();
      await inspector.evaluateOnThread(name, planned);
      inspector[Symbol.dispose](); // its process would wait for it
      expect(await server.exited).toBe(1);
      expect(performance.now() - startedAtMs).toBeLessThan(shutdownTimeoutMs + 2_000);
      expectOneReport(server, `${name} has ended by a mistake of ours: planned 42`);
      await player.ended;
    },
  );

  test("on the main thread does so, too", async () => {
    const { server, inspector } = await startInspected();
    const player = await loaded(server);
    await inspector.evaluate(planned);
    inspector[Symbol.dispose]();
    expect(await server.exited).toBe(1);
    expectOneReport(server, "planned 42");
    expect(await player.ended, "the player on a shard gets its end in order").toBe(true);
  });
});

test("a port that another server's shards listen on is refused with a sentence", async () => {
  await using server = await startShards();
  const main = resolve(import.meta.dirname, "../../src/server/main.ts");
  const set = [`rtmp.port=${server.rtmpPort}`, "http.port=0", "server.shards=2", "logging.format=json"];
  const args = [main, "serve", ...set.flatMap((text) => ["--set", text])];
  await using second = startCommand(process.execPath, args);
  expect(await finished(second, "the second server")).toBe(1);
  expect(second.output()).toContain(`can't listen on all addresses, port ${server.rtmpPort}: EADDRINUSE`);
  expect(second.output()).not.toContain("    at ");
  // And the first one has lost nothing by it.
  await using publisher = new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "publish" });
  await publisher.ready;
});

test("SIGTERM under load ends with code 0, and the players of both shards get their ends", async () => {
  const server = await startShards();
  await using running = new AsyncDisposableStack();
  const encoders = ["a", "b", "c", "d"].map((name) => publishFile(source, server.rtmpUrl(`live/${name}`)));
  for (const encoder of encoders) running.use(encoder);
  await waitFor("the streams", async () => (await server.stats()).active_streams.length === 4);
  const players = Array.from({ length: 40 }, (_, i) => {
    const url = `/live/${"abcd"[i % 4]}.flv`;
    return i % 2 === 0 ? FlvClient.http(server.httpUrl(url)) : FlvClient.webSocket(server.httpUrl(url));
  });
  for (const player of players) running.use(player);
  const rtmp = Array.from({ length: 8 }, () => new RtmpTestClient(server.rtmpUrl("live/a"), { role: "play" }));
  for (const player of rtmp) running.use(player);
  await waitFor("tags", () => players.every((player) => player.tags.length > 20));
  await waitFor("messages", () => rtmp.every(({ messages }) => messages.length > 20));
  expect(await bothHavePlayers(server)).toBe(true);
  // Some are just coming in.
  const late = Array.from({ length: 10 }, () => FlvClient.http(server.httpUrl("/live/b.flv")));
  for (const player of late) running.use(player);
  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(shutdownTimeoutMs);
  for (const player of players) expect(await player.ended).toBe(true);
  for (const player of rtmp) {
    expect(await player.closed).toBeUndefined();
    expect(player.statuses).toContain("NetStream.Play.UnpublishNotify");
  }
  await Promise.all(late.map(({ ended }) => ended));
  expect(server.logLines.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
});

test("SIGTERM right after the start ends with code 0", async () => {
  for (let i = 0; i < 3; i++) {
    const server = await startShards();
    expect(await server.stop()).toBe(0);
    expect(server.logLines.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
  }
});

test("the memory limit is one for both shards", async () => {
  await using server = await startShards({ set: ["streaming.memory_limit=16MiB", "streaming.max_ring=1MiB"] });
  await using running = new AsyncDisposableStack();
  const filling = new Uint8Array(300_000);
  const players: FlvClient[] = [];
  for (let i = 0; i < 24; i++) {
    const publisher = running.use(new RtmpTestClient(server.rtmpUrl(`live/${i}`), { role: "publish" }));
    await publisher.ready;
    for (const { type, timestampMs, body } of tags.slice(0, 20)) publisher.send(type, timestampMs, body);
    filling.set([0x27, 1, 0, 0, 0]);
    publisher.send(flvTagType.video, 2_000, filling.slice());
    await waitFor("its frames", async () =>
      (await server.stats()).streams.some((stream) => stream.position_ms >= 2_000 && stream.name === `live/${i}`),
    );
  }
  for (let i = 0; i < 24; i++) {
    players.push(running.use(FlvClient.http(server.httpUrl(`/live/${i}.flv`))));
    await waitFor("an answer", () => players.at(-1)!.status !== 0);
  }
  const { memory, shards } = await server.stats();
  const statuses = players.map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(memory.refused).toBeGreaterThan(0);
  expect(memory.used_bytes).toBeLessThanOrEqual(memory.limit_bytes);
  // Both have streams, and neither alone fills the limit.
  expect(shards.filter(({ streams }) => streams > 0).map(({ index }) => index)).toEqual([1, 2]);
});

/** Player and stream on a server that is about to fail. */
async function loaded(server: TestServer): Promise<FlvClient> {
  const publisher = resources.use(new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "publish" }));
  await publisher.ready;
  sendTagsAtOnce(publisher, tags);
  const player = resources.use(FlvClient.http(server.httpUrl("/live/cam.flv")));
  await waitFor("tags", () => player.tags.length > 0);
  return player;
}

function expectOneReport(server: TestServer, message: string): void {
  const reports = server.logLines.filter(({ level }) => level === "error" || level === "fatal");
  expect(reports).toHaveLength(1);
  const { err } = reports[0] as { err: { message: string; stack: string } };
  expect(err.message).toContain(message);
  expect(err.stack).toContain("planned 42");
  expect(err.stack, "where it was thrown").toMatch(/at .*planned/);
}

async function startInspected(): Promise<{ server: TestServer; inspector: Inspector }> {
  const port = await freePort();
  const server = await startShards({ nodeOptions: [`--inspect=127.0.0.1:${port}`] });
  return { server, inspector: await Inspector.connect(port) };
}

async function startShards(options: TestServerOptions = {}): Promise<TestServer> {
  const common = ["server.shards=2", "server.transport=native", `server.shutdown_timeout=${shutdownTimeoutMs / 1000}s`];
  return resources.use(await startServer({ ...options, set: [...common, ...(options.set ?? [])] }));
}

async function bothHavePlayers(server: TestServer): Promise<boolean> {
  const { shards } = await server.stats();
  return shards.filter(({ index, cursors }) => index > 0 && cursors > 0).length === 2;
}

/** Time stamps as they came. */
function times(player: FlvClient | RtmpTestClient, wanted?: "audio" | "video"): number[] {
  if (player instanceof FlvClient) {
    return player.tags
      .filter(({ type }) => (wanted === undefined ? type !== flvTagType.script : type === flvTagType[wanted]))
      .map(({ timestampMs }) => timestampMs);
  }
  return player.messages
    .filter(({ type }) => (wanted === undefined ? type !== "data" : type === wanted))
    .map(({ timestamp }) => timestamp);
}

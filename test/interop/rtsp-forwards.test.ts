/** Streams that the server sends on over RTSP: to another Millrace, and to servers that misbehave. */

import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  finished,
  frameHashes,
  packetHashes,
  playRtsp,
  publishFile,
  publishTestStream,
  startCommand,
  writeTestFile,
} from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { freePort } from "../support/free-port.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { startServerWithStreams } from "../support/server-with-streams.ts";
import { waitFor } from "../support/wait.ts";

const gop = 25;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const file = folder.file("source.mkv");
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await writeTestFile(file, { seconds: 4, gop, bFrames: 2 });
  pictures = await frameHashes(file, "v:0");
  sounds = await packetHashes(file, "a:0");
});
afterAll(() => resources.disposeAsync());

function serverWith(streams: string, set?: readonly string[]): Promise<TestServer> {
  return startServerWithStreams(folder, streams, set);
}

test.each([
  { what: "over UDP", targetOptions: [], transport: "udp" },
  { what: "over TCP where the target wants no UDP", targetOptions: ["rtsp.udp=false"], transport: "tcp" },
])('rtsp_transport = "udp": $what', async ({ what, targetOptions, transport }) => {
  await using target = await startServer({ set: ["streaming.idle_timeout=500ms", ...targetOptions] });
  await using server = await serverWith(
    `[[streams]]
    name = "live/cam"
    rtsp_transport = "udp"
    forward = ["rtsp://127.0.0.1:${target.rtspPort}/in/cam"]`,
    ["streaming.idle_timeout=500ms"],
  );
  await using publisher = publishFile(file, server.rtmpUrl("live/cam"));
  await waitFor("the forward", async () => (await target.stats()).active_streams.includes("in/cam"), 20_000);
  const record = folder.file(`${what}.nut`);
  await using player = playRtsp(target.rtspUrl("in/cam"), record);
  await waitFor("bytes", async () => ((await forwardsOf(server))[0]?.sent_bytes ?? 0) > 10_000);
  expect((await forwardsOf(server))[0]).toMatchObject({ state: "connected", transport, try_count: 1 });
  expect((await target.stats()).rtsp["udp_publishers"]).toBe(transport === "udp" ? 1 : 0);
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, {
    starts: keyFrameIndexes(pictures.length, gop),
  });
  expectSameFrames("sounds", await packetHashes(record, "a:0"), sounds);
});

interface ForwardStats {
  readonly url: string;
  readonly state: string;
  readonly sent_bytes: number;
  readonly try_count: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
}

async function forwardsOf(server: TestServer): Promise<readonly ForwardStats[]> {
  return ((await server.stats()) as unknown as { readonly forwards: readonly ForwardStats[] }).forwards;
}

test.each(["1", "2"])(
  "from Millrace to Millrace with %s shards: whole frames, from a key frame to the end",
  async (shards) => {
    await using target = await startServer({
      set: ["streaming.idle_timeout=500ms", "access.publish=token", "access.publish_token=swordfish"],
    });
    await using server = await serverWith(
      `[[streams]]
    name = "live/*"
    forward = ["rtsp://any:swordfish@127.0.0.1:${target.rtspPort}/in/*"]`,
      [`server.shards=${shards}`, "streaming.idle_timeout=500ms"],
    );
    await using publisher = publishFile(file, server.rtmpUrl("live/cam"));
    await waitFor("the forward", async () => (await target.stats()).active_streams.includes("in/cam"), 20_000);
    await waitFor("it to say so", async () => (await forwardsOf(server))[0]?.state === "connected");
    expect((await forwardsOf(server))[0]?.url).toBe(`rtsp://any:***@127.0.0.1:${target.rtspPort}/in/cam`);
    const record = folder.file(`forwarded-${shards}.nut`);
    await using player = playRtsp(target.rtspUrl("in/cam"), record);
    expect(await finished(publisher, "the publisher")).toBe(0);
    await finished(player, "the player");
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, {
      starts: keyFrameIndexes(pictures.length, gop),
    });
    expectSameFrames("sounds", await packetHashes(record, "a:0"), sounds);
    await waitFor("the end of the forward", async () => (await forwardsOf(server)).length === 0);
    expect(JSON.stringify(server.logLines)).not.toContain("swordfish");
  },
);

test("to ffmpeg, which listens: every frame from a key frame on, and the pictures decode", async () => {
  const port = await freePort();
  const record = folder.file("listener.nut");
  const listen = ["-rtsp_flags", "listen", "-rtsp_transport", "tcp"];
  await using target = playRtsp(`rtsp://127.0.0.1:${port}/x/cam`, record, listen);
  await using server = await serverWith(
    `[[streams]]
    name = "live/cam"
    forward = ["rtsp://127.0.0.1:${port}/x/cam"]`,
    ["streaming.idle_timeout=500ms"],
  );
  await using publisher = publishFile(file, server.rtmpUrl("live/cam"));
  await waitFor("the forward", async () => (await forwardsOf(server))[0]?.state === "connected", 20_000);
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(target, "ffmpeg");
  const starts = keyFrameIndexes(pictures.length, gop);
  expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, { starts });
  await waitFor("the end of the forward", async () => (await forwardsOf(server))[0]?.state === "stopped");
});

test("a target that is killed is reached again when it returns, and the publisher's return is no reason to leave it", async () => {
  const rtspPort = await freePort();
  const target = (): Promise<TestServer> => startServer({ set: [`rtsp.port=${rtspPort}`] });
  const first = await target();
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    forward = ["rtsp://127.0.0.1:${rtspPort}/in/cam"]`);
  await using publisher = publishTestStream(server.rtmpUrl("live/cam"), { seconds: 60, gop });
  const state = async (): Promise<string | undefined> => (await forwardsOf(server))[0]?.state;
  await waitFor("the forward", async () => (await state()) === "connected", 20_000);
  await first.stop();
  await waitFor("the forward to notice", async () => (await state()) !== "connected");
  await using second = await target();
  const returnedMs = performance.now();
  await waitFor("the forward again", async () => (await state()) === "connected");
  expect(performance.now() - returnedMs, "ms from the return of the target").toBeLessThan(maxReturnMs);

  await publisher.stop();
  await waitFor("the stream to be idle", async () => (await server.stats()).active_streams.length === 0);
  const [before] = await forwardsOf(server);
  await using _again = publishTestStream(server.rtmpUrl("live/cam"), { seconds: 60, gop });
  using player = FlvClient.http(second.httpUrl("/in/cam.flv"));
  await waitFor("tags at the target", () => player.tags.length > 40);
  expect((await forwardsOf(server))[0]).toMatchObject({ state: "connected", try_count: before?.try_count });
});

test("a publisher that comes back with other tracks: the target is told anew", async () => {
  await using target = await startServer();
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    forward = ["rtsp://127.0.0.1:${target.rtspPort}/in/cam"]`);
  const kinds = async (): Promise<string> =>
    (await target.stats()).streams
      .flatMap(({ tracks }) => tracks.map(({ kind }) => kind))
      .sort()
      .join(" ");
  await using first = publishTestStream(server.rtmpUrl("live/cam"), { seconds: 60, gop, hasAudio: false });
  await waitFor("the pictures", async () => (await kinds()) === "video", 20_000);
  await first.stop();
  await waitFor("the stream to be idle", async () => (await server.stats()).active_streams.length === 0);
  await using _second = publishTestStream(server.rtmpUrl("live/cam"), { seconds: 60, gop });
  await waitFor("pictures and sound", async () => (await kinds()) === "audio video", 20_000);
  expect((await forwardsOf(server))[0]).toMatchObject({
    state: "connected",
    last_error: { code: "ERR_TRACKS_CHANGED" },
  });
});

test("targets that never answer, never read, or say no harm neither the stream nor the other targets", async () => {
  await using good = await startServer();
  await using silent = await listener(() => {});
  await using deaf = await listener((socket, request) => {
    answerRtsp(socket, request);
    if (request.startsWith("RECORD")) socket.pause();
  });
  await using rude = await listener((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const url = (port: number): string => `"rtsp://127.0.0.1:${port}/x/cam"`;
  const nobody = await freePort();
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    forward = [${[good.rtspPort, silent.port, deaf.port, rude.port, nobody].map(url).join(", ")}]`);
  // 20 Mb/s, so that it does not take minutes to fill what lies between us and who never reads.
  const heavy = folder.file("heavy.mkv");
  await writeTestFile(heavy, { seconds: 4, gop, size: "640x360", extra: ["-qp", "4"] });
  const copy = ["-re", "-stream_loop", "20", "-i", heavy, "-c", "copy", "-f", "flv", server.rtmpUrl("live/cam")];
  await using _publisher = startCommand("ffmpeg", ["-v", "error", ...copy]);
  const isConnected = async (at: number): Promise<boolean> => (await forwardsOf(server))[at]?.state === "connected";
  await waitFor("the good", () => isConnected(0), 20_000);
  await waitFor("the deaf", () => isConnected(2), 20_000);
  using player = FlvClient.http(server.httpUrl("/live/cam.flv"));
  await waitFor(
    "all that fail to be seen",
    async () => (await forwardsOf(server)).slice(1).every((each) => each.last_error),
    60_000,
  );
  const [first, ...others] = await forwardsOf(server);
  expect(first).toMatchObject({ state: "connected", try_count: 1, last_error: null });
  expect(others.map((each) => each.last_error?.code)).toEqual([
    "ERR_RTSP_TIMEOUT",
    "ERR_FORWARD_REFUSED",
    expect.stringMatching(/^ERR_(RTSP_MESSAGE|CONNECT|RTSP_VERSION)$/),
    "ERR_CONNECT",
  ]);
  const before = player.tags.length;
  await waitFor("the player to go on", () => player.tags.length > before + 40);
  expect((await server.stats()).streams[0]).toMatchObject({ state: "publishing" });
});

interface Listener extends AsyncDisposable {
  readonly port: number;
}

async function listener(answer: (socket: Socket, request: string) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => answer(socket, bytes.toString("latin1")));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** 200 to everything, with what the client asks for. */
function answerRtsp(socket: Socket, request: string): void {
  const header = (name: string): string => new RegExp(`^${name}: (.*)\r$`, "m").exec(request)?.[1] ?? "";
  const transport = header("Transport");
  const lines = [
    ...["RTSP/1.0 200 OK", `CSeq: ${header("CSeq")}`, "Session: 1"],
    ...(transport === "" ? [] : [`Transport: ${transport}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
}

/** A second at most until the next try, and what the two need to agree. */
const maxReturnMs = 1_500;

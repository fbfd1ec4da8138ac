/** nginx-rtmp and node-media-server beside us: they push to us and pull from us, ffmpeg relays both ways; frames stay the same. */

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  finished,
  frameHashes,
  publishFile,
  type RunningCommand,
  recordStream,
  startCommand,
  writeTestFile,
} from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { type PeerServer, startNginx, startNodeMediaServer } from "../support/peer-servers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 25;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
let server: TestServer;
let nginx: PeerServer;
let nodeMediaServer: PeerServer;
let pictures: string[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 5, gop, bFrames: 2 });
  pictures = await frameHashes(source, "v:0");
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=500ms"] }));
  nginx = resources.use(await startNginx(folder.path, server.rtmpPort));
  nodeMediaServer = resources.use(
    await startNodeMediaServer(folder.path, [
      { mode: "pull", url: server.rtmpUrl("live/nms-pull"), streamPath: "/live/nms-pull" },
      { mode: "push", url: server.rtmpUrl("live/nms-push"), streamPath: "/live/nms-push" },
    ]),
  );
});
afterAll(() => resources.disposeAsync());

test("nginx-rtmp pushes to us what ffmpeg publishes there", async () => {
  await using _publisher = publishFile(source, nginx.url("push/nginx-push"));
  await expectRecorded("nginx-push", server.rtmpUrl("live/nginx-push"), () => isPublished("live/nginx-push"));
});

test("nginx-rtmp pulls from us what ffmpeg plays there", async () => {
  await using _publisher = publishFile(source, server.rtmpUrl("live/nginx-pull"));
  await expectRecorded("nginx-pull", nginx.url("pull/nginx-pull"), () => isPublished("live/nginx-pull"));
});

test("node-media-server pulls from us what ffmpeg plays there", async () => {
  await using _publisher = publishFile(source, server.rtmpUrl("live/nms-pull"));
  // It asks again and again until somebody publishes.
  await expectRecorded("nms-pull", nodeMediaServer.url("live/nms-pull"), () => isPlayed("live/nms-pull"));
});

test("node-media-server pushes to us what ffmpeg publishes there", async () => {
  await using _publisher = publishFile(source, nodeMediaServer.url("live/nms-push"));
  await expectRecorded("nms-push", server.rtmpUrl("live/nms-push"), () => isPublished("live/nms-push"));
});

test.each(["nginx-rtmp", "node-media-server"])("ffmpeg relays from us to %s, and from there to us", async (peer) => {
  const other = peer === "nginx-rtmp" ? nginx : nodeMediaServer;
  const [there, back] = [`live/${peer}-there`, `live/${peer}-back`];
  await using _publisher = publishFile(source, server.rtmpUrl(there));
  await waitFor("the stream", () => isPublished(there));
  await using _to = relay(server.rtmpUrl(there), other.url(there));
  await waitFor("the relay", () => isPlayed(there));
  await using _from = relay(other.url(there), server.rtmpUrl(back));
  await expectRecorded(peer, server.rtmpUrl(back), () => isPublished(back));
});

/** Records `url` as soon as `isThere`, and compares: some key frame and all that follows it. */
async function expectRecorded(name: string, url: string, isThere: () => Promise<boolean>): Promise<void> {
  await waitFor(`${name} to be there`, isThere, 15_000);
  const file = folder.file(`${name}.mkv`);
  await using player = recordStream(url, file);
  await finished(player, name);
  expectSameFrames(name, await frameHashes(file, "v:0"), pictures, { starts: keyFrameIndexes(pictures.length, gop) });
}

function relay(from: string, to: string): RunningCommand {
  return startCommand("ffmpeg", ["-loglevel", "warning", "-i", from, "-c", "copy", "-f", "flv", to]);
}

async function isPublished(stream: string): Promise<boolean> {
  return (await server.stats()).active_streams.includes(stream);
}

async function isPlayed(stream: string): Promise<boolean> {
  return (await server.stats()).streams.some(({ name, subscribers }) => name === stream && subscribers > 0);
}

/** nginx-rtmp and node-media-server beside us: they push to us, nginx-rtmp pulls from us, ffmpeg relays both ways; frames stay the same. */

import { afterAll, beforeAll, describe, test } from "vitest";
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
const silenceMs = 2_500;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
let server: TestServer;
let nginx: PeerServer;
let pictures: string[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 8, gop, bFrames: 2 });
  pictures = await frameHashes(source, "v:0");
  server = resources.use(
    await startServer({ set: ["streaming.idle_timeout=500ms", "streaming.publisher_timeout=2s"] }),
  );
  nginx = resources.use(await startNginx(folder.path, server.rtmpPort));
});
afterAll(() => resources.disposeAsync());

describe.concurrent("side by side", () => {
  test("nginx-rtmp pushes to us what ffmpeg publishes there", async () => {
    await using _publisher = publishFile(source, nginx.url("push/nginx-push"));
    await expectRecorded("nginx-push", server.rtmpUrl("live/nginx-push"), () => isPublished("live/nginx-push"));
  });

  test("nginx-rtmp pulls from us what ffmpeg plays there", async () => {
    await using _publisher = publishFile(source, server.rtmpUrl("live/nginx-pull"));
    await expectRecorded("nginx-pull", nginx.url("pull/nginx-pull"), () => isPublished("live/nginx-pull"));
  });

  test("node-media-server pushes to us what ffmpeg publishes there", async () => {
    const stream = "live/nms-push";
    const task = { mode: "push", url: server.rtmpUrl(stream), streamPath: `/${stream}` } as const;
    await using peer = await startNodeMediaServer(folder.path, [task]);
    await using _publisher = publishFile(source, peer.url(stream));
    await expectRecorded("nms-push", server.rtmpUrl(stream), () => isPublished(stream));
  });

  test.each([
    { name: "nginx-rtmp", start: async () => nginx },
    { name: "node-media-server", start: async () => resources.use(await startNodeMediaServer(folder.path, [])) },
  ])("ffmpeg relays from us to $name, and from there to us", async ({ name, start }) => {
    const peer = await start();
    const [there, back] = [`live/${name}-there`, `live/${name}-back`];
    await using _publisher = publishFile(source, server.rtmpUrl(there));
    await waitFor("the stream", () => isPublished(there));
    await using _to = relay(server.rtmpUrl(there), peer.url(there));
    await waitFor("the relay", () => isPlayed(there));
    await using _from = relay(peer.url(there), server.rtmpUrl(back));
    await expectRecorded(name, server.rtmpUrl(back), () => isPublished(back));
  });
});

/**
 * Records `url` as soon as `isThere`, and compares: some key frame and all that follows it. node-media-server keeps the
 * players of a stream that has ended, so silence is an end too.
 */
async function expectRecorded(name: string, url: string, isThere: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(`${name} to be there`, isThere, 15_000);
  const file = folder.file(`${name}.mkv`);
  await using player = recordStream(url, file, ["-rw_timeout", String(silenceMs * 1000)]);
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

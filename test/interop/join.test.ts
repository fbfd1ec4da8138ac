/** Joining in mid-GOP: the first picture is the newest key frame's, and its bytes come within 200 ms of the request. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { parseVideoTag } from "../../src/formats/flv/video-tag.ts";
import { finished, frameHashes, publishFile, recordStream, writeTestFile } from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 100; // 4 s
const maxJoinMs = 200;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
let pictures: string[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 8, gop, bFrames: 2 });
  pictures = await frameHashes(source, "v:0");
});
afterAll(() => resources.disposeAsync());

test("a player that joins in mid-GOP starts at the newest key frame, and gets it within 200 ms", async () => {
  await using server = await startServer({ set: ["streaming.idle_timeout=300ms"] });
  await using publisher = publishFile(source, server.rtmpUrl("live/join"));
  await untilPosition(server, 6_000); // two seconds into the second GOP

  using http = FlvClient.http(server.httpUrl("/live/join.flv"));
  using webSocket = FlvClient.webSocket(server.httpUrl("/live/join.flv"));
  await using rtmp = new RtmpTestClient(server.rtmpUrl("live/join"), { role: "play" });
  const file = folder.file("joined.mkv");
  await using player = recordStream(server.rtmpUrl("live/join"), file);
  for (const [name, client] of Object.entries({ http, webSocket, rtmp })) {
    const first = await waitFor(`the first picture over ${name}`, () => firstPicture(client));
    expect(first.isKey, `${name}: the first picture is a key frame`).toBe(true);
    expect(first.timestampMs, `${name}: it is the newest one`).toBeGreaterThanOrEqual(4_000);
    expect(first.atMs - client.askedAtMs, `${name}: request to first picture`).toBeLessThan(maxJoinMs);
  }
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  expectSameFrames("joined in mid-GOP", await frameHashes(file, "v:0"), pictures, { starts: [gop] });
});

test("without rtmp.gop_cache a player waits for the next key frame", async () => {
  await using server = await startServer({ set: ["streaming.idle_timeout=300ms", "rtmp.gop_cache=false"] });
  await using publisher = publishFile(source, server.rtmpUrl("live/wait"));
  await untilPosition(server, 2_000); // in the first GOP

  using http = FlvClient.http(server.httpUrl("/live/wait.flv"));
  await using rtmp = new RtmpTestClient(server.rtmpUrl("live/wait"), { role: "play" });
  const file = folder.file("waited.mkv");
  await using player = recordStream(server.rtmpUrl("live/wait"), file);
  for (const [name, client] of Object.entries({ http, rtmp })) {
    const first = await waitFor(`the first picture over ${name}`, () => firstPicture(client));
    expect(first.isKey, `${name}: the first picture is a key frame`).toBe(true);
    expect(first.timestampMs, `${name}: it is the second one`).toBeGreaterThanOrEqual(4_000);
  }
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  expectSameFrames("waited for the next", await frameHashes(file, "v:0"), pictures, { starts: [gop] });
});

async function untilPosition(server: TestServer, positionMs: number): Promise<void> {
  await waitFor(`the publisher at ${positionMs} ms`, async () =>
    (await server.stats()).streams.some((stream) => stream.position_ms >= positionMs),
  );
}

interface Picture {
  readonly isKey: boolean;
  readonly timestampMs: number;
  readonly atMs: number;
}

/** The first tag or message that is a picture, not a sequence header. */
function firstPicture(client: FlvClient | RtmpTestClient): Picture | undefined {
  const bodies =
    client instanceof FlvClient
      ? client.tags
          .filter(({ type }) => type === flvTagType.video)
          .map(({ timestampMs, body, atMs }) => ({ timestampMs, body, atMs }))
      : client.messages
          .filter(({ type }) => type === "video")
          .map(({ timestamp, payload, atMs }) => ({ timestampMs: timestamp, body: payload, atMs }));
  for (const { timestampMs, body, atMs } of bodies) {
    const tag = parseVideoTag(body);
    if (tag.packetType === "frame") return { isKey: tag.isKey, timestampMs, atMs };
  }
  return undefined;
}

/** Publishers × players with H.264 and AAC: what each player decodes is frame for frame what was published. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, frameHashes, packetHashes, writeTestFile } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { players } from "../support/players.ts";
import { publishers } from "../support/publishers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 50;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
let server: TestServer;
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 7, gop, bFrames: 2 });
  pictures = await frameHashes(source, "v:0");
  sounds = await packetHashes(source, "a:0");
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=500ms"] }));
});
afterAll(() => resources.disposeAsync());

test("the source has B-frames, several key frames and no two pictures alike", () => {
  expect(pictures).toHaveLength(175);
  expect(new Set(pictures).size).toBe(pictures.length);
});

test.each(publishers)("published by $name, all players decode the same frames", async (publisher) => {
  const stream = `live/${publisher.name.replaceAll(/\W/g, "-")}`;
  await using running = new AsyncDisposableStack();
  const encoder = running.use(publisher.start(source, server.rtmpUrl(stream)));
  await waitFor("the stream", async () => (await server.stats()).active_streams.includes(stream));

  const playing = players.map((player) => ({
    player,
    play: running.use(player.start(server, stream, folder.path)),
  }));
  await waitFor("all players", async () => (await server.stats()).subscribers === players.length);

  for (const { player, play } of playing) {
    const dropped = player.dropsEqualTimes === true ? publisher.equalTimes : [];
    const shown = pictures.filter((_, index) => !dropped.includes(index));
    const starts = keyFrameIndexes(pictures.length, gop).map((index) => shown.indexOf(pictures[index]!));
    const options = { starts, missingAtEnd: player.missingAtEnd ?? 0 };
    expectSameFrames(`${player.name}, pictures`, await play.pictures(), shown, options);
    if (play.sounds === undefined) continue;
    const missing = { missingAtEnd: publisher.missingSounds };
    expectSameFrames(`${player.name}, sounds`, await play.sounds(), sounds, missing);
  }
  expect(await finished(encoder, publisher.name)).toBe(0);
});

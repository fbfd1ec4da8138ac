/** Who may publish, and what an encoder that may not sees. */

import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, frameHashes, publishFile, recordStream, writeTestFile } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");

beforeAll(() => writeTestFile(source, { seconds: 4, gop: 50, bFrames: 2 }));
afterAll(() => resources.disposeAsync());

test("from another address ffmpeg publishes with the token only, and is told why", async () => {
  await using server = await startServer({ set: ["access.publish_token=open-sesame"] });
  const url = `rtmp://${outsideAddress()}:${server.rtmpPort}/live/cam`;
  for (const refused of [url, `${url}?token=wrong`]) {
    await using publisher = publishFile(source, refused);
    expect(await finished(publisher, "the refused publisher")).not.toBe(0);
    await using client = new RtmpTestClient(refused, { role: "publish" });
    await expect(client.ready).rejects.toThrow(/NetStream\.Publish\.Denied/);
    expect(client.descriptions.join()).toMatch(/token/);
  }
  expect((await server.stats()).total_streams).toBe(0);
  await using _publisher = publishFile(source, `${url}?token=open-sesame`);
  await waitFor("the stream", async () => (await server.stats()).active_streams.includes("live/cam"));
  expect(JSON.stringify(server.logLines)).not.toContain("open-sesame");
});

test("from this machine a publisher needs no token, unless access.publish says so", async () => {
  await using server = await startServer({ set: ["access.publish=token", "access.publish_token=open-sesame"] });
  await using refused = new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "publish" });
  await expect(refused.ready).rejects.toThrow(/NetStream\.Publish\.Denied/);
  await using accepted = new RtmpTestClient(server.rtmpUrl("live/cam?token=open-sesame"), { role: "publish" });
  await accepted.ready;
});

test("statistics are for this machine only", async () => {
  await using server = await startServer();
  const outside = `http://${outsideAddress()}:${server.httpPort}`;
  expect((await fetch(`${outside}/stats`)).status).toBe(403);
  expect((await fetch(`${outside}/health`)).status).toBe(200);
  expect((await fetch(server.httpUrl("/stats"))).status).toBe(200);
});

test("a second publisher is refused with NetStream.Publish.BadName, and the first loses nothing", async () => {
  await using server = await startServer({ set: ["streaming.idle_timeout=300ms"] });
  const url = server.rtmpUrl("live/cam");
  await using first = publishFile(source, url);
  await waitFor("the stream", async () => (await server.stats()).active_streams.includes("live/cam"));
  const file = folder.file("first.mkv");
  await using player = recordStream(url, file);
  await waitFor("the player", async () => (await server.stats()).subscribers === 1);

  await using second = publishFile(source, url);
  expect(await finished(second, "the second publisher")).not.toBe(0);
  await using raw = new RtmpTestClient(url, { role: "publish" });
  await expect(raw.ready).rejects.toThrow(/NetStream\.Publish\.BadName/);

  expect(await finished(first, "the first publisher")).toBe(0);
  await finished(player, "the player");
  expectSameFrames("the first's player", await frameHashes(file, "v:0"), await frameHashes(source, "v:0"), {
    starts: [0],
  });
});

/** An address of this machine that is not its loopback: what comes from there comes from outside, for the server. */
function outsideAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  const outside = addresses.find((address) => address?.family === "IPv4" && !address.internal);
  if (outside === undefined)
    throw new Error("this machine has no address but its loopback: nothing can come from outside");
  return outside.address;
}

/** Streams that are not one picture and one sound from zero on: single tracks, late ones, odd clocks, changes in mid-stream. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAudioTag } from "../../src/formats/flv/audio-tag.ts";
import type { FlvTag } from "../../src/formats/flv/flv-reader.ts";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { parseVideoTag } from "../../src/formats/flv/video-tag.ts";
import {
  finished,
  frameHashes,
  packetHashes,
  publishFile,
  recordStream,
  startCommand,
  writeTestFile,
} from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { readFlvFile, sendTags, sendTagsAtOnce } from "../support/flv-file.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.flv");
const otherSize = folder.file("other-size.flv");
let server: TestServer;
let tags: readonly FlvTag[];
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await writeTestFile(source, { seconds: 4, gop: 25, bFrames: 2 });
  await writeTestFile(otherSize, { seconds: 2, gop: 25, size: "192x144" });
  tags = readFlvFile(source);
  pictures = await frameHashes(source, "v:0");
  sounds = await packetHashes(source, "a:0");
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=300ms"] }));
});
afterAll(() => resources.disposeAsync());

describe.concurrent("through one server at once", () => {
  test.each([
    { kind: "sound", track: "a:0", options: { hasVideo: false } },
    { kind: "pictures", track: "v:0", options: { hasAudio: false, bFrames: 2 } },
  ])("a stream of $kind only reaches ffmpeg over RTMP and HTTP-FLV whole", async ({ kind, track, options }) => {
    const file = folder.file(`${kind}.flv`);
    await writeTestFile(file, { seconds: 2, gop: 25, ...options });
    const stream = `live/${kind}`;
    await using publisher = publishFile(file, server.rtmpUrl(stream));
    await waitFor("the stream", async () => (await server.stats()).active_streams.includes(stream));
    const records = [folder.file(`${kind}-rtmp.mkv`), folder.file(`${kind}-http.mkv`)] as const;
    await using rtmp = recordStream(server.rtmpUrl(stream), records[0]);
    await using http = recordStream(server.httpUrl(`/${stream}.flv`), records[1]);
    expect(await finished(publisher, "the publisher")).toBe(0);
    await Promise.all([finished(rtmp, "the RTMP player"), finished(http, "the HTTP-FLV player")]);
    for (const record of records) {
      expectSameFrames(record, await packetHashes(record, track), await packetHashes(file, track));
    }
  });

  test("sound that starts two seconds late comes with its sequence header first", async () => {
    const late = tags.filter(({ type, timestampMs }) => type !== flvTagType.audio || timestampMs >= 2_000);
    const audioHeader = tags.find(({ type }) => type === flvTagType.audio)!;
    const firstLate = late.findIndex(({ type }) => type === flvTagType.audio);
    const sent = late.toSpliced(firstLate, 0, { ...audioHeader, timestampMs: late[firstLate]!.timestampMs });
    const { client, record } = await throughServer("live/late", sent);
    const packetTypes = client.tags
      .filter(({ type }) => type === flvTagType.audio)
      .map(({ body }) => parseAudioTag(body).packetType);
    expect(packetTypes[0]).toBe("sequence-start");
    expect(packetTypes.slice(1).every((type) => type === "frame")).toBe(true);
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, { starts: [0] });
    expectSameFrames("sounds", await packetHashes(record, "a:0"), sounds);
  });

  const threeDaysMs = 3 * 24 * 3600 * 1000;
  test.each([
    { what: "start at three days", name: "days", shiftMs: threeDaysMs },
    { what: "wrap at 2^32 in mid-stream", name: "wrap", shiftMs: 2 ** 32 - 2_000 },
  ])("time stamps that $what keep their distances", async ({ name, shiftMs }) => {
    const shifted = tags.map((tag) => ({ ...tag, timestampMs: (tag.timestampMs + shiftMs) % 2 ** 32 }));
    const { client, record } = await throughServer(`live/${name}`, shifted, tags);
    const sentTimes = mediaTags(tags).map(({ timestampMs }) => timestampMs);
    const gotTimes = mediaTags(client.tags).map(({ timestampMs }) => timestampMs);
    const offsetMs = gotTimes[0]! - sentTimes[0]!;
    expect(gotTimes).toEqual(sentTimes.map((timeMs) => timeMs + offsetMs));
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, { starts: [0] });
  });

  test("time stamps that jump back an hour go on where they were", async () => {
    const jumpAtMs = 2_000;
    const jumping = tags.map((tag) => ({
      ...tag,
      timestampMs: tag.timestampMs < jumpAtMs ? tag.timestampMs + 3_600_000 : tag.timestampMs,
    }));
    const { client, record } = await throughServer("live/jump", jumping, tags);
    const times = mediaTags(client.tags).map(({ timestampMs }) => timestampMs);
    const steps = times.slice(1).map((timeMs, index) => timeMs - times[index]!);
    // Pictures and sounds are interleaved by time, but not to the millisecond.
    expect(Math.min(...steps)).toBeGreaterThan(-200);
    expect(Math.max(...steps)).toBeLessThan(200);
    for (const kind of [flvTagType.video, flvTagType.audio]) {
      const ofKind = mediaTags(client.tags.filter(({ type }) => type === kind)).map(({ timestampMs }) => timestampMs);
      expect(ofKind).toEqual(ofKind.toSorted((a, b) => a - b));
    }
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, { starts: [0] });
  });

  test("B-frames with negative composition times keep them", async () => {
    const shiftMs = 120;
    const negative = tags.map((tag) => {
      if (!isPicture(tag)) return tag;
      const body = tag.body.slice();
      const compositionTimeMs = parseVideoTag(body).tracks[0]!.compositionTimeMs - shiftMs;
      new DataView(body.buffer).setInt16(3, compositionTimeMs);
      body[2] = compositionTimeMs < 0 ? 0xff : 0;
      return { ...tag, timestampMs: tag.timestampMs + shiftMs, body };
    });
    const sent = negative.filter(isPicture).map(({ body }) => parseVideoTag(body).tracks[0]!.compositionTimeMs);
    expect(Math.min(...sent)).toBeLessThan(0);
    const { client, record } = await throughServer("live/negative", negative);
    const got = client.tags.filter(isPicture).map(({ body }) => parseVideoTag(body).tracks[0]!.compositionTimeMs);
    expect(got).toEqual(sent);
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, { starts: [0] });
  });

  test("a picture size that changes in mid-stream is decoded by ffmpeg over RTMP and HTTP-FLV, before and after", async () => {
    const second = readFlvFile(otherSize).map((tag) => ({ ...tag, timestampMs: tag.timestampMs + 4_100 }));
    const hashes = await Promise.all([frameHashes(source, "v:0"), frameHashes(otherSize, "v:0")]);
    const stream = "live/sizes";
    await using publisher = new RtmpTestClient(server.rtmpUrl(stream), { role: "publish" });
    await publisher.ready;
    const decoded = [server.rtmpUrl(stream), server.httpUrl(`/${stream}.flv`)].map((url, index) => {
      const file = folder.file(`sizes-${index}.framehash`);
      const output = [
        "-map",
        "0:v",
        "-vsync",
        "passthrough",
        "-autoscale",
        "0",
        "-f",
        "framehash",
        "-hash",
        "md5",
        file,
      ];
      return { file, player: resources.use(startCommand("ffmpeg", ["-loglevel", "error", "-i", url, ...output])) };
    });
    await subscribed(stream, 2);
    await sendTags(publisher, [...tags, ...second]);
    await publisher.close();
    for (const { file, player } of decoded) {
      await finished(player, "the player");
      const { stdout } = await run("grep", ["-v", "^#", file]);
      const got = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(",").at(-1)!.trim());
      expectSameFrames(file, got, hashes.flat(), { starts: [0] });
    }
  });

  test("a publisher that sends all its GOPs at once costs a player that keeps pace no frame", async () => {
    const stream = "live/burst";
    // On the publisher's thread: a player on another one can be lapped, see docs/decisions.md, 19.
    await using alone = await startServer({ set: ["streaming.idle_timeout=300ms", "server.shards=1"] });
    await using publisher = new RtmpTestClient(alone.rtmpUrl(stream), { role: "publish" });
    await publisher.ready;
    using client = FlvClient.http(alone.httpUrl(`/${stream}.flv`));
    await waitFor("the player", async () => (await alone.stats()).subscribers === 1);
    sendTagsAtOnce(publisher, tags);
    await publisher.close();
    expect(await client.ended).toBe(true);
    expect(client.tags.filter(isPicture)).toHaveLength(pictures.length);
  });
});

test("a publisher that leaves and returns keeps its players, and time goes on", async () => {
  await using patient = await startServer({ set: ["streaming.idle_timeout=2s"] });
  const stream = "live/return";
  await using first = publishFile(source, patient.rtmpUrl(stream));
  await waitFor("the stream", async () => (await patient.stats()).active_streams.includes(stream));
  using client = FlvClient.http(patient.httpUrl(`/${stream}.flv`));
  const file = folder.file("return.mkv");
  await using player = recordStream(patient.rtmpUrl(stream), file);
  expect(await finished(first, "the first publisher")).toBe(0);
  await waitFor("the stream without a publisher", async () => (await patient.stats()).active_streams.length === 0);
  await using second = publishFile(source, patient.rtmpUrl(stream));
  expect(await finished(second, "the second publisher")).toBe(0);
  await finished(player, "the player");
  expect(await client.ended).toBe(true);

  const times = client.tags.filter(isPicture).map(({ timestampMs }) => timestampMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const count = pictures.length;
  const got = await frameHashes(file, "v:0");
  expect(got.slice(-count), "all of the second turn").toEqual(pictures);
  expectSameFrames("the first turn", got.slice(0, -count), pictures, { starts: [0, 25, 50] });
});

/** Publishes tags at the pace of `times` to a raw player and to ffmpeg; both have them from the first on. */
async function throughServer(
  stream: string,
  sent: readonly FlvTag[],
  times: readonly FlvTag[] = sent,
): Promise<{ readonly client: FlvClient; readonly record: string }> {
  await using publisher = new RtmpTestClient(server.rtmpUrl(stream), { role: "publish" });
  await publisher.ready;
  using client = FlvClient.http(server.httpUrl(`/${stream}.flv`));
  const record = folder.file(`${stream.replace("/", "-")}.mkv`);
  await using player = recordStream(server.rtmpUrl(stream), record);
  await subscribed(stream, 2);
  await sendTags(publisher, sent, times);
  await publisher.close();
  await finished(player, "the player");
  expect(await client.ended).toBe(true);
  return { client, record };
}

async function subscribed(stream: string, count: number): Promise<void> {
  await waitFor(`${count} players of ${stream}`, async () => {
    const found = (await server.stats()).streams.find(({ name }) => name === stream);
    return found?.subscribers === count;
  });
}

function isPicture({ type, body }: FlvTag): boolean {
  return type === flvTagType.video && parseVideoTag(body).packetType === "frame";
}

/** Pictures and sounds, without metadata and sequence headers, whose times are the server's own choice. */
function mediaTags(all: readonly FlvTag[]): FlvTag[] {
  return all.filter(
    (tag) => isPicture(tag) || (tag.type === flvTagType.audio && parseAudioTag(tag.body).packetType === "frame"),
  );
}

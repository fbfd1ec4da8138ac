/** RTSP over TCP: real publishers and players, and every other protocol at the other end, judged by decoded frames. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ffmpeg,
  finished,
  frameHashes,
  packetHashes,
  playRtsp,
  publishFile,
  publishFileRtsp,
  recordStream,
} from "../support/ffmpeg.ts";
import { publishWithFfmpeg8, recordWithFfmpeg8 } from "../support/ffmpeg8.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { gop, overRtmp, testSources, vp9, x264, x265 } from "../support/rtsp-encodings.ts";
import { ffmpegMissingSounds, rtspPlayers, rtspPublishers } from "../support/rtsp-peers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.mkv");
let server: TestServer;
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await ffmpeg([...testSources(5), ...x264, "-g", `${gop}`, "-c:a", "aac", "-ac", "2", source]);
  pictures = await frameHashes(source, "v:0");
  sounds = await packetHashes(source, "a:0");
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=1s"] }));
});
afterAll(() => resources.disposeAsync());

test.each([...rtspPublishers, overRtmp])(
  "published by $name, all players decode the same frames",
  async (publisher) => {
    const stream = `live/${publisher.name.replaceAll(/\W/g, "-")}`;
    await using running = new AsyncDisposableStack();
    const encoder = running.use(publisher.start(source, server, stream));
    await published(stream);
    const playing = rtspPlayers.map((player) => ({
      player,
      play: running.use(player.start(server, stream, folder.path)),
    }));
    for (const { player, play } of playing) {
      const starts = keyFrameIndexes(pictures.length, gop);
      expectSameFrames(`${player.name}, pictures`, await play.pictures(), pictures, { starts });
      if (play.sounds === undefined) continue;
      const missing = { missingAtEnd: publisher.missingSounds };
      expectSameFrames(`${player.name}, sounds`, await play.sounds(), sounds, missing);
    }
    if (publisher.mayHang) await encoder.stop();
    else expect(await finished(encoder, publisher.name)).toBe(0);
  },
);

test.each([
  { name: "H.265 and Opus", video: x265, audio: ["libopus"] },
  { name: "VP9 and Opus", video: vp9, audio: ["libopus"] },
  { name: "H.264 and MP3", video: [...x264, "-g", `${gop}`], audio: ["libmp3lame"] },
])("$name goes from RTSP to RTSP and HTTP-FLV", async ({ name, video, audio }) => {
  const key = name.replaceAll(/\W+/g, "-");
  const file = folder.file(`${key}.mkv`);
  await ffmpeg([...testSources(4), ...video, "-c:a", ...audio, file]);
  const stream = `live/${key}`;
  const records = [folder.file(`${key}.nut`), folder.file(`${key}.flv.mkv`)] as const;
  await using publisher = publishFileRtsp(file, server.rtspUrl(stream));
  await published(stream);
  await using overRtsp = playRtsp(server.rtspUrl(stream), records[0]);
  await using overFlv = recordWithFfmpeg8(server.httpUrl(`/${stream}.flv`), records[1]);
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(overRtsp, "RTSP");
  await finished(overFlv, "HTTP-FLV");
  const wanted = await frameHashes(file, "v:0");
  const wantedSounds = await packetHashes(file, "a:0");
  for (const record of records) {
    const starts = keyFrameIndexes(wanted.length, gop);
    expectSameFrames(`${record}, pictures`, await frameHashes(record, "v:0"), wanted, { starts });
    const missing = { missingAtEnd: ffmpegMissingSounds };
    expectSameFrames(`${record}, sounds`, await packetHashes(record, "a:0"), wantedSounds, missing);
  }
});

test("G.711 goes from RTSP to RTSP, and is refused by name over RTMP", async () => {
  const file = folder.file("g711.mkv");
  await ffmpeg(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000", "-t", "4", "-c:a", "pcm_alaw", file]);
  await using publisher = publishFileRtsp(file, server.rtspUrl("live/phone"));
  await published("live/phone");
  const record = folder.file("g711.nut");
  await using player = playRtsp(server.rtspUrl("live/phone"), record);
  await using refused = recordStream(server.rtmpUrl("live/phone"), folder.file("refused.mkv"));
  expect(await finished(refused, "the RTMP player")).not.toBe(0);
  expect(refused.output()).toContain("the audio is g711a");
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  const samples = await frameHashes(record, "a:0", []);
  expect(samples.length).toBeGreaterThan(20);
});

test("FLAC from RTMP is left out of RTSP by name, and the pictures play", async () => {
  const file = folder.file("flac.flv.mkv");
  await ffmpeg([...testSources(4), ...x264, "-g", `${gop}`, "-c:a", "flac", file]);
  await using publisher = publishWithFfmpeg8(file, server.rtmpUrl("live/flac"));
  await published("live/flac");
  const record = folder.file("flac.nut");
  await using player = playRtsp(server.rtspUrl("live/flac"), record);
  await finished(publisher, "the publisher");
  await finished(player, "the player");
  expectSameFrames("pictures", await frameHashes(record, "v:0"), await frameHashes(file, "v:0"));
  expect((await server.stats()).errors).toHaveProperty("ERR_RTSP_TRACK_LEFT_OUT");
});

test("players stay when their publisher comes back over another protocol", async () => {
  const stream = "live/returns";
  const record = folder.file("returns.nut");
  await using first = publishFileRtsp(source, server.rtspUrl(stream));
  await published(stream);
  await using player = playRtsp(server.rtspUrl(stream), record);
  expect(await finished(first, "the first publisher")).toBe(0);
  await using second = publishFile(source, server.rtmpUrl(stream));
  expect(await finished(second, "the second publisher")).toBe(0);
  await finished(player, "the player");
  const got = await frameHashes(record, "v:0");
  const again = got.indexOf(pictures[0]!, 1);
  expect(again, "the second publisher's first picture").toBeGreaterThan(0);
  expectSameFrames("the first publisher", got.slice(0, again), pictures);
  expect(got.slice(again)).toEqual(pictures);
});

describe("access", () => {
  test("the token is the password, in Digest, or stands in the address", async () => {
    const access = ["access.publish=token", "access.publish_token=in", "access.play=token", "access.play_token=out"];
    await using guarded = await startServer({ set: [...access, "streaming.idle_timeout=500ms"] });
    const url = (userInfo: string, query = ""): string =>
      `rtsp://${userInfo}127.0.0.1:${guarded.rtspPort}/live/cam${query}`;
    await using stranger = publishFileRtsp(source, url("someone:wrong@"));
    expect(await finished(stranger, "the stranger")).not.toBe(0);
    await using publisher = publishFileRtsp(source, url("anyone:in@"));
    await waitFor("the stream", async () => (await guarded.stats()).active_streams.includes("live/cam"));
    const records = [folder.file("digest.nut"), folder.file("query.nut"), folder.file("none.nut")] as const;
    await using digest = playRtsp(url("anyone:out@"), records[0]);
    await using query = playRtsp(url("", "?token=out"), records[1]);
    await using none = playRtsp(url(""), records[2]);
    expect(await finished(none, "the player without a password")).not.toBe(0);
    expect(none.output()).toContain("401");
    await finished(publisher, "the publisher");
    for (const [player, record] of [
      [digest, records[0]],
      [query, records[1]],
    ] as const) {
      await finished(player, record);
      expectSameFrames(record, await frameHashes(record, "v:0"), pictures);
    }
  });

  test("tunnels through HTTP play, whichever threads their connections come to", async () => {
    await using both = await startServer({ set: ["server.shards=2", "streaming.idle_timeout=500ms"] });
    await using publisher = publishFileRtsp(source, both.rtspUrl("live/cam"));
    await waitFor("the stream", async () => (await both.stats()).active_streams.includes("live/cam"));
    // Each has one chance in two that both of its connections come to the same one.
    const records = [1, 2, 3, 4, 5].map((number) => folder.file(`tunnel${number}.nut`));
    const players = records.map((record) => playRtsp(both.rtspUrl("live/cam"), record, ["-rtsp_transport", "http"]));
    await finished(publisher, "the publisher");
    for (const [index, player] of players.entries()) {
      await using _ = player;
      await finished(player, "the player");
      expectSameFrames("pictures", await frameHashes(records[index] as string, "v:0"), pictures);
    }
  });
});

test("RTSPS carries both ways", async () => {
  const [certificate, key] = [folder.file("certificate.pem"), folder.file("key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=test.example", "-days", "2"];
  await run("openssl", ["req", "-x509", ...curve, "-nodes", "-keyout", key, "-out", certificate]);
  const files = [`rtsp.tls.certificate=${certificate}`, `rtsp.tls.key=${key}`, "rtsp.tls.port=0"];
  await using secure = await startServer({ set: [...files, "streaming.idle_timeout=500ms"] });
  const url = `rtsps://127.0.0.1:${secure.rtspsPort}/live/secret`;
  await using publisher = publishFileRtsp(source, url);
  await waitFor("the stream", async () => (await secure.stats()).active_streams.includes("live/secret"));
  expect((await secure.stats()).streams[0]).toMatchObject({ ingest_protocol: "rtsps" });
  const record = folder.file("secret.nut");
  await using player = playRtsp(url, record);
  await finished(publisher, "the publisher");
  await finished(player, "the player");
  expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures);
});

async function published(stream: string): Promise<void> {
  await waitFor(`the stream ${stream}`, async () => (await server.stats()).active_streams.includes(stream));
}

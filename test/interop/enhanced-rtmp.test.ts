/** Enhanced RTMP v1 and v2 with FFmpeg 8.1: newer codecs and further tracks, published and played, frame for frame. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { parseVideoTag } from "../../src/formats/flv/video-tag.ts";
import { ownCapabilities } from "../../src/protocols/rtmp/capabilities.ts";
import { ffmpeg, finished, frameHashes, packetHashes, recordStream } from "../support/ffmpeg.ts";
import { publishWithFfmpeg8, recordWithFfmpeg8 } from "../support/ffmpeg8.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 50;
const seconds = 3;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
let server: TestServer;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=300ms"] }));
});
afterAll(() => resources.disposeAsync());

const x265 = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=2:keyint=50:min-keyint=50"];
const vp9 = ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"];
const x264 = ["libx264", "-preset", "ultrafast", "-bf", "2"];

test.each([
  { name: "HEVC and AAC", video: x265, audio: "aac", codecs: ["aac", "h265"] },
  { name: "AV1 and Opus", video: ["libsvtav1", "-preset", "12"], audio: "libopus", codecs: ["av1", "opus"] },
  { name: "VP9 and FLAC", video: vp9, audio: "flac", codecs: ["flac", "vp9"] },
  { name: "H.264 and AC-3", video: x264, audio: "ac3", codecs: ["ac3", "h264"] },
  { name: "H.264 and E-AC-3", video: x264, audio: "eac3", codecs: ["eac3", "h264"] },
])("FFmpeg 8.1 publishes and plays $name over RTMP and HTTP-FLV", async ({ name, video, audio, codecs }) => {
  const key = name.replaceAll(/\W+/g, "-");
  const source = folder.file(`${key}.mkv`);
  await ffmpeg([...testSources(1), "-c:v", ...video, "-c:a", audio, "-g", `${gop}`, source]);
  const stream = `live/${key}`;
  const records = await throughServer(
    source,
    stream,
    [server.rtmpUrl(stream), server.httpUrl(`/${stream}.flv`)],
    codecs,
  );
  const pictures = await frameHashes(source, "v:0");
  const sounds = await packetHashes(source, "a:0");
  for (const record of records) {
    expectSameFrames(`${record}, pictures`, await frameHashes(record, "v:0"), pictures, { starts: [0, gop] });
    expectSameFrames(`${record}, sounds`, await packetHashes(record, "a:0"), sounds);
  }
});

test("FFmpeg 8.1 publishes two pictures and two sounds, and plays them all when its address asks for multitrack", async () => {
  const source = folder.file("multitrack.mkv");
  const encoders = ["-c:v", ...x264, "-c:a:0", "aac", "-c:a:1", "libopus", "-g", `${gop}`];
  await ffmpeg([...testSources(2), ...encoders, source]);
  const stream = "live/multitrack";
  const records = await throughServer(
    source,
    stream,
    [
      `${server.rtmpUrl(stream)}?multitrack=1`,
      `${server.httpUrl(`/${stream}.flv`)}?multitrack=1`,
      server.httpUrl(`/${stream}.flv`),
    ],
    ["aac", "h264", "h264", "opus"],
  );
  const plain = records.pop()!;
  for (const record of records) {
    for (const track of ["v:0", "v:1"]) {
      const pictures = await frameHashes(source, track);
      expectSameFrames(`${record}, ${track}`, await frameHashes(record, track), pictures, { starts: [0, gop] });
    }
    for (const track of ["a:0", "a:1"]) {
      expectSameFrames(`${record}, ${track}`, await packetHashes(record, track), await packetHashes(source, track));
    }
  }
  await expect(frameHashes(plain, "v:1"), "the default track only").rejects.toThrow();
  expectSameFrames("the default track", await frameHashes(plain, "v:0"), await frameHashes(source, "v:0"), {
    starts: [0, gop],
  });
});

test("ffmpeg 5.1, which knows no enhanced codecs, is refused HEVC with a sentence, and gets the sound where there is some", async () => {
  const silent = folder.file("silent.mkv");
  await ffmpeg([...testSources(1), "-map", "0:v", "-c:v", ...x265, silent]);
  await using publisher = publishWithFfmpeg8(silent, server.rtmpUrl("live/silent"));
  await published("live/silent", ["h265"]);
  await using refused = recordStream(server.rtmpUrl("live/silent"), folder.file("refused.mkv"));
  expect(await finished(refused, "the old player")).not.toBe(0);
  await using raw = new RtmpTestClient(server.rtmpUrl("live/silent"), { role: "play" });
  await expect(raw.ready).rejects.toThrow(/NetStream\.Play\.Failed.*h265.*Enhanced RTMP/);
  await using able = new RtmpTestClient(server.rtmpUrl("live/silent"), {
    role: "play",
    capabilities: ownCapabilities,
  });
  await able.ready;
  await publisher.stop();

  const both = folder.file("both.mkv");
  await ffmpeg([...testSources(1), "-c:v", ...x265, "-c:a", "aac", both]);
  await using second = publishWithFfmpeg8(both, server.rtmpUrl("live/both"));
  await published("live/both", ["aac", "h265"]);
  await using listener = new RtmpTestClient(server.rtmpUrl("live/both"), { role: "play" });
  await listener.ready;
  expect(listener.descriptions.join()).toMatch(/h265/);
  await waitFor("sound", () => listener.messages.filter(({ type }) => type === "audio").length > 10);
  expect(listener.messages.some(({ type }) => type === "video")).toBe(false);
  await second.stop();
});

test("?hevc=12 gives H.265 by the older convention, as codec id 12, over RTMP and HTTP-FLV", async () => {
  const source = folder.file("hevc12.mkv");
  await ffmpeg([...testSources(1), "-c:v", ...x265, "-c:a", "aac", source]);
  await using _publisher = publishWithFfmpeg8(source, server.rtmpUrl("live/hevc12"));
  await published("live/hevc12", ["aac", "h265"]);
  using http = FlvClient.http(server.httpUrl("/live/hevc12.flv?hevc=12"));
  using plain = FlvClient.http(server.httpUrl("/live/hevc12.flv"));
  await using rtmp = new RtmpTestClient(`${server.rtmpUrl("live/hevc12")}?hevc=12`, { role: "play" });
  const bodies = {
    http: () => videoBodies(http),
    plain: () => videoBodies(plain),
    rtmp: () => rtmp.messages.filter(({ type }) => type === "video").map(({ payload }) => payload),
  };
  await waitFor("pictures", () => Object.values(bodies).every((of) => of().length > 10));
  for (const body of [...bodies.http(), ...bodies.rtmp()]) {
    expect(body[0]! & 0x0f, "CodecID").toBe(12);
    expect(parseVideoTag(body).isEnhanced).toBe(false);
  }
  for (const body of bodies.plain()) expect(parseVideoTag(body).isEnhanced).toBe(true);
});

function videoBodies(client: FlvClient): Uint8Array[] {
  return client.tags.filter(({ type }) => type === flvTagType.video).map(({ body }) => body);
}

/** Publishes a file with FFmpeg 8.1 and records it from each of `urls` with the same; gives the recordings. */
async function throughServer(
  source: string,
  stream: string,
  urls: readonly string[],
  codecs: readonly string[],
): Promise<string[]> {
  await using running = new AsyncDisposableStack();
  const publisher = running.use(publishWithFfmpeg8(source, server.rtmpUrl(stream)));
  await published(stream, codecs);
  const records = urls.map((url, index) => {
    const file = `${source.slice(0, -".mkv".length)}-${index}.mkv`;
    return { file, player: running.use(recordWithFfmpeg8(url, file)) };
  });
  expect(await finished(publisher, "the publisher"), publisher.output()).toBe(0);
  for (const { file, player } of records) {
    expect(await finished(player, file), player.output()).toBe(0);
  }
  return records.map(({ file }) => file);
}

/** Waits until all tracks are there; players that come earlier could not know of them. */
async function published(stream: string, codecs: readonly string[]): Promise<void> {
  await waitFor(`${stream} with ${codecs.join(", ")}`, async () => {
    const found = (await server.stats()).streams.find(({ name }) => name === stream);
    return JSON.stringify(found?.tracks.map(({ codec }) => codec).sort()) === JSON.stringify(codecs);
  });
}

/** Test pictures and tones, `count` of each, all different. */
function testSources(count: number): string[] {
  const sizes = ["320x240", "160x120"];
  const sources = Array.from({ length: count }, (_, index) => [
    ...["-f", "lavfi", "-i", `testsrc2=size=${sizes[index]}:rate=25`],
    ...["-f", "lavfi", "-i", `sine=frequency=${440 * (index + 1)}:sample_rate=48000`],
  ]).flat();
  const maps = count === 1 ? [] : ["-map", "0", "-map", "2", "-map", "1", "-map", "3"];
  return [...sources, ...maps, "-t", `${seconds}`, "-pix_fmt", "yuv420p", "-threads", "2"];
}

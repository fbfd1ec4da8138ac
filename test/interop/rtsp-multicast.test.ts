/** Multicast play over RTSP: real players on one machine share one play of a stream, judged by decoded frames. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { ffmpeg, finished, frameHashes, packetHashes, type RunningCommand, startCommand } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { openLoopbackNetwork } from "../support/loopback-network.ts";
import { ffmpegMissingSounds } from "../support/rtsp-peers.ts";
import { inNetwork, startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const gop = 25;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
/** Undefined where this process may not make one; then there is nothing to test here. */
const network = openLoopbackNetwork();
if (network !== undefined) resources.use(network);
const sources = ["first", "second"] as const;

beforeAll(async () => {
  if (network === undefined) return;
  for (const [index, name] of sources.entries()) {
    const picture = ["-f", "lavfi", "-i", `testsrc2=size=320x240:rate=25,hue=h=${90 * index}`];
    const tone = ["-f", "lavfi", "-i", `sine=frequency=${440 + 220 * index}:sample_rate=48000`, "-t", "5"];
    const encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", `${gop}`, "-c:a", "aac"];
    await ffmpeg([...picture, ...tone, ...encoded, folder.file(`${name}.mkv`)]);
  }
});
afterAll(() => resources.disposeAsync());

test("two streams, each with a play of its own for ffmpeg and GStreamer", async () => {
  if (network === undefined) return;
  await using server = await start(["rtsp.multicast=true", "rtsp.udp=false"]);
  await using running = new AsyncDisposableStack();
  const publishers = sources.map((name) => running.use(publish(server, name)));
  await waitFor("the streams", async () => (await server.stats()).active_streams.length === 2);
  const players = sources.map((name) => running.use(play(server, name)));
  await waitFor("the first players", async () => (await server.stats()).rtsp["multicast_players"] === 2);
  const { rtsp: alone } = await server.stats();
  const late = running.use(playWithGStreamer(server, "first"));
  await waitFor("the late player", async () => (await server.stats()).rtsp["multicast_players"] === 3);
  expect((await server.stats()).subscribers).toBe(3);
  expect(alone["udp_players"]).toBe(0);
  for (const publisher of publishers) expect(await finished(publisher, "a publisher")).toBe(0);
  for (const player of players) await finished(player, "a player");
  await finished(late, "the late player");
  for (const name of sources) {
    const pictures = await frameHashes(folder.file(`${name}.mkv`), "v:0");
    const got = await frameHashes(folder.file(`${name}.nut`), "v:0");
    expectSameFrames(`${name}, pictures`, got, pictures, { starts: keyFrameIndexes(pictures.length, gop) });
    const sounds = await packetHashes(folder.file(`${name}.mkv`), "a:0");
    const missing = { missingAtEnd: ffmpegMissingSounds };
    expectSameFrames(`${name}, sounds`, await packetHashes(folder.file(`${name}.nut`), "a:0"), sounds, missing);
  }
  // Who joins in the middle shows what it likes before the first key frame.
  const raw = ["-f", "rawvideo", "-video_size", "320x240", "-pixel_format", "yuv420p"];
  const lateFrames = await frameHashes(folder.file("late.yuv"), "v:0", raw);
  const pictures = await frameHashes(folder.file("first.mkv"), "v:0");
  const firstKey = lateFrames.findIndex((hash) =>
    keyFrameIndexes(pictures.length, gop).includes(pictures.indexOf(hash)),
  );
  expectSameFrames("the late player", lateFrames.slice(firstKey), pictures);
});

test("one play, whoever comes and goes", async () => {
  if (network === undefined) return;
  await using server = await start(["rtsp.multicast=true"]);
  await using publisher = publish(server, "first");
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  await using first = play(server, "first");
  await waitFor("the first player", async () => (await server.stats()).rtsp["multicast_players"] === 1);
  await using second = playWithGStreamer(server, "first");
  await waitFor("the second player", async () => (await server.stats()).rtsp["multicast_players"] === 2);
  await first.stop();
  await waitFor("one player", async () => (await server.stats()).rtsp["multicast_players"] === 1);
  const { rtsp: before, connections } = await server.stats();
  expect(connections["cursor_count"]).toBe(1);
  await waitFor("more packets", async () => {
    const { rtsp } = await server.stats();
    return (rtsp["udp_sent_packets"] ?? 0) > (before["udp_sent_packets"] ?? 0) + 20;
  });
  await second.stop();
  await waitFor("nobody", async () => (await server.stats()).connections["cursor_count"] === 0);
  await publisher.stop();
});

test("is refused when it is off, which it is by default", async () => {
  if (network === undefined) return;
  await using server = await start([]);
  await using publisher = publish(server, "first");
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  await using player = play(server, "first");
  expect(await finished(player, "the player")).not.toBe(0);
  expect(player.output()).toContain("461");
  await publisher.stop();
});

function start(set: readonly string[]): Promise<TestServer> {
  return startServer({
    set: ["server.shards=1", "streaming.idle_timeout=500ms", ...set],
    network: network?.name ?? "",
  });
}

function publish(server: TestServer, name: string): RunningCommand {
  const input = ["-hide_banner", "-loglevel", "warning", "-re", "-i", folder.file(`${name}.mkv`), "-c", "copy"];
  return inside("ffmpeg", ...input, "-f", "rtsp", "-rtsp_transport", "tcp", server.rtspUrl(`live/${name}`));
}

function play(server: TestServer, name: string): RunningCommand {
  const input = ["-y", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "udp_multicast"];
  const output = ["-map", "0", "-c:v", "rawvideo", "-vsync", "passthrough", "-c:a", "copy", folder.file(`${name}.nut`)];
  return inside("ffmpeg", ...input, "-i", server.rtspUrl(`live/${name}`), ...output);
}

function playWithGStreamer(server: TestServer, name: string): RunningCommand {
  const pipeline = [
    `rtspsrc location=${server.rtspUrl(`live/${name}`)} protocols=udp-mcast name=source`,
    "source. ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420",
    `! filesink location=${folder.file("late.yuv")}`,
  ];
  return inside("gst-launch-1.0", "-q", ...pipeline.join(" ").split(" "));
}

function inside(...line: readonly string[]): RunningCommand {
  const [program = "", ...args] = [...inNetwork(network?.name), ...line];
  return startCommand(program, args);
}

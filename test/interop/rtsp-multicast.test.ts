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
    const tone = ["-f", "lavfi", "-i", `sine=frequency=${440 + 220 * index}:sample_rate=48000`, "-t", "8"];
    const encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", `${gop}`, "-c:a", "aac"];
    await ffmpeg([...picture, ...tone, ...encoded, folder.file(`${name}.mkv`)]);
  }
});
afterAll(() => resources.disposeAsync());

test("two streams, each with a play of its own: two ffmpegs in one group, GStreamer in another", async () => {
  if (network === undefined) return;
  await using server = await start(["rtsp.multicast=true", "rtsp.udp=false"]);
  await using running = new AsyncDisposableStack();
  const publishers = sources.map((name) => running.use(publish(server, name)));
  await waitFor("the streams", async () => (await server.stats()).active_streams.length === 2);
  const files = ["one.nut", "other.nut"].map((name) => folder.file(name));
  const players: RunningCommand[] = [];
  // One after the other: who comes second must not keep the first one from its first packets.
  for (const [index, file] of files.entries()) {
    players.push(running.use(play(server, "first", file)));
    await waitFor("the player", async () => (await server.stats()).rtsp["multicast_players"] === index + 1);
  }
  const raw = folder.file("gstreamer.yuv");
  // Apart from ffmpeg: GStreamer says BYE to its group for a source of its own, which ffmpeg takes for the stream's end.
  const gstreamer = running.use(playWithGStreamer(server, "second", raw));
  await waitFor("GStreamer", async () => (await server.stats()).rtsp["multicast_players"] === 3);
  const { subscribers, connections, rtsp } = await server.stats();
  expect({ subscribers, cursors: connections["cursor_count"], unicast: rtsp["udp_players"] }).toEqual({
    ...{ subscribers: 3, cursors: 2, unicast: 0 },
  });
  for (const publisher of publishers) expect(await finished(publisher, "a publisher")).toBe(0);
  for (const player of [...players, gstreamer]) await finished(player, "a player");

  const [pictures, otherPictures] = await Promise.all(
    sources.map((name) => frameHashes(folder.file(`${name}.mkv`), "v:0")),
  );
  const sounds = await packetHashes(folder.file("first.mkv"), "a:0");
  for (const file of files) {
    expectSameFrames(`${file}, pictures`, fromKeyFrame(await frameHashes(file, "v:0"), pictures!), pictures!);
    const missing = { missingAtEnd: ffmpegMissingSounds };
    expectSameFrames(`${file}, sounds`, await packetHashes(file, "a:0"), sounds, missing);
  }
  const format = ["-f", "rawvideo", "-video_size", "320x240", "-pixel_format", "yuv420p"];
  const shown = fromKeyFrame(await frameHashes(raw, "v:0", format), otherPictures!);
  expectSameFrames("GStreamer", shown, otherPictures!);
});

test("one play, whoever comes and goes", async () => {
  if (network === undefined) return;
  await using server = await start(["rtsp.multicast=true"]);
  await using publisher = publish(server, "first", ["-stream_loop", "-1"]);
  const players = async (): Promise<number | undefined> => (await server.stats()).rtsp["multicast_players"];
  const cursors = async (): Promise<number | undefined> => (await server.stats()).connections["cursor_count"];
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  await using first = play(server, "first", folder.file("leaves.nut"));
  await waitFor("the first player", async () => (await players()) === 1);
  await using second = play(server, "first", folder.file("stays.nut"));
  await waitFor("the second player", async () => (await players()) === 2);
  await first.stop();
  await waitFor("one player", async () => (await players()) === 1);
  expect(await cursors()).toBe(1);
  const { rtsp: before } = await server.stats();
  await waitFor("more packets", async () => {
    const { rtsp } = await server.stats();
    return (rtsp["udp_sent_packets"] ?? 0) > (before["udp_sent_packets"] ?? 0) + 20;
  });
  await second.stop();
  await waitFor("nobody", async () => (await cursors()) === 0);
  await publisher.stop();
});

test("is refused when it is off, which it is by default", async () => {
  if (network === undefined) return;
  await using server = await start([]);
  await using publisher = publish(server, "first");
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  await using player = play(server, "first", folder.file("refused.nut"));
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

function publish(server: TestServer, name: string, options: readonly string[] = []): RunningCommand {
  const input = [
    "-hide_banner",
    "-loglevel",
    "warning",
    "-re",
    ...options,
    "-i",
    folder.file(`${name}.mkv`),
    "-c",
    "copy",
  ];
  return inside("ffmpeg", ...input, "-f", "rtsp", "-rtsp_transport", "tcp", server.rtspUrl(`live/${name}`));
}

function play(server: TestServer, name: string, file: string): RunningCommand {
  const input = ["-y", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "udp_multicast"];
  const output = ["-map", "0", "-c:v", "rawvideo", "-vsync", "passthrough", "-c:a", "copy", file];
  return inside("ffmpeg", ...input, "-i", server.rtspUrl(`live/${name}`), ...output);
}

function playWithGStreamer(server: TestServer, name: string, file: string): RunningCommand {
  const pipeline = [
    `rtspsrc location=${server.rtspUrl(`live/${name}`)} protocols=udp-mcast name=source`,
    "source. ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420",
    `! filesink location=${file}`,
  ];
  return inside("gst-launch-1.0", "-q", ...pipeline.join(" ").split(" "));
}

/** Who joins in the middle shows what it likes before the first key frame. */
function fromKeyFrame(got: readonly string[], source: readonly string[]): readonly string[] {
  const starts = keyFrameIndexes(source.length, gop);
  return got.slice(got.findIndex((hash) => starts.includes(source.indexOf(hash))));
}

function inside(...line: readonly string[]): RunningCommand {
  const [program = "", ...args] = [...inNetwork(network?.name), ...line];
  return startCommand(program, args);
}

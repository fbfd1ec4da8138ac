/** RTSP over UDP: real publishers and players, and every other protocol at the other end, judged by decoded frames. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatagramClient } from "../support/datagram-client.ts";
import {
  ffmpeg,
  finished,
  frameHashes,
  packetHashes,
  playRtsp,
  publishFileRtsp,
  recordStream,
} from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames, keyFrameIndexes } from "../support/frames.ts";
import { RawRtsp } from "../support/raw-rtsp.ts";
import { gop, overRtmp, testSources, vp9, x264, x265 } from "../support/rtsp-encodings.ts";
import { ffmpegMissingSounds, rtspUdpPlayers, rtspUdpPublishers } from "../support/rtsp-peers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const udp = ["-rtsp_transport", "udp"];
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const source = folder.file("source.mkv");
let server: TestServer;
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await ffmpeg([...testSources(7), ...x264, "-g", `${gop}`, "-c:a", "aac", "-ac", "2", source]);
  pictures = await frameHashes(source, "v:0");
  sounds = await packetHashes(source, "a:0");
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=1s"] }));
});
afterAll(() => resources.disposeAsync());

test.each([...rtspUdpPublishers, overRtmp])(
  "published by $name, players over UDP, and one over RTMP, decode the same frames",
  async (publisher) => {
    const stream = `live/${publisher.name.replaceAll(/\W/g, "-")}`;
    await using running = new AsyncDisposableStack();
    const encoder = running.use(publisher.start(source, server, stream));
    await published(server, stream);
    const record = folder.file("rtmp.mkv");
    const overTcp = running.use(recordStream(server.rtmpUrl(stream), record));
    const playing = rtspUdpPlayers.map((player) => ({
      player,
      play: running.use(player.start(server, stream, folder.path)),
    }));
    const starts = keyFrameIndexes(pictures.length, gop);
    const missing = { missingAtEnd: publisher.missingSounds };
    for (const { player, play } of playing) {
      expectSameFrames(`${player.name}, pictures`, await play.pictures(), pictures, { starts });
      if (play.sounds !== undefined) {
        expectSameFrames(`${player.name}, sounds`, await play.sounds(), sounds, missing);
      }
    }
    await finished(overTcp, "the RTMP player");
    expectSameFrames("RTMP, pictures", await frameHashes(record, "v:0"), pictures, { starts });
    expectSameFrames("RTMP, sounds", await packetHashes(record, "a:0"), sounds, missing);
    if (publisher.mayHang) await encoder.stop();
    else expect(await finished(encoder, publisher.name)).toBe(0);
  },
);

test.each([
  { name: "H.265 and Opus", video: x265, audio: ["libopus"] },
  { name: "VP9 and Opus", video: vp9, audio: ["libopus"] },
])("$name goes over UDP in both directions", async ({ name, video, audio }) => {
  const key = name.replaceAll(/\W+/g, "-");
  const file = folder.file(`${key}.mkv`);
  await ffmpeg([...testSources(4), ...video, "-c:a", ...audio, file]);
  const stream = `live/${key}`;
  const record = folder.file(`${key}.nut`);
  await using publisher = publishFileRtsp(file, server.rtspUrl(stream), "udp");
  await published(server, stream);
  await using player = playRtsp(server.rtspUrl(stream), record, udp);
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  const wanted = await frameHashes(file, "v:0");
  const starts = keyFrameIndexes(wanted.length, gop);
  expectSameFrames("pictures", await frameHashes(record, "v:0"), wanted, { starts });
  const missing = { missingAtEnd: ffmpegMissingSounds };
  expectSameFrames("sounds", await packetHashes(record, "a:0"), await packetHashes(file, "a:0"), missing);
});

test("G.711 goes over UDP in both directions", async () => {
  const file = folder.file("g711.mkv");
  await ffmpeg(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000", "-t", "4", "-c:a", "pcm_alaw", file]);
  await using publisher = publishFileRtsp(file, server.rtspUrl("live/phone"), "udp");
  await published(server, "live/phone");
  const record = folder.file("g711.nut");
  await using player = playRtsp(server.rtspUrl("live/phone"), record, udp);
  expect(await finished(publisher, "the publisher")).toBe(0);
  await finished(player, "the player");
  expect((await frameHashes(record, "a:0", [])).length).toBeGreaterThan(20);
});

test("with a range of ports each track has a pair of its own, and who finds none comes back over TCP", async () => {
  await using narrow = await startServer({
    set: ["rtsp.udp_ports=29120-29127", "server.shards=1", "streaming.idle_timeout=1s"],
  });
  await using publisher = publishFileRtsp(source, narrow.rtspUrl("live/cam"), "udp"); // two pairs of four
  await published(narrow, "live/cam");
  const records = [folder.file("first.nut"), folder.file("second.nut")] as const;
  await using first = playRtsp(narrow.rtspUrl("live/cam"), records[0], udp); // the other two
  await waitFor("the first player", async () => (await narrow.stats()).rtsp["udp_players"] === 1);
  await using second = playRtsp(narrow.rtspUrl("live/cam"), records[1], []);
  await finished(publisher, "the publisher");
  expect(await finished(first, "the first player"), first.output()).toBe(0);
  expect(await finished(second, "the second player"), second.output()).toBe(0);
  const starts = keyFrameIndexes(pictures.length, gop);
  for (const record of records) expectSameFrames(record, await frameHashes(record, "v:0"), pictures, { starts });
  expect((await narrow.stats()).errors).toHaveProperty("ERR_RTSP_UDP_PORTS");
});

test("a player behind a NAT, whose ports are others than it says, is found by its first packet", async () => {
  await using ranged = await startServer({ set: ["rtsp.udp_ports=29140-29199", "streaming.idle_timeout=1s"] });
  await using publisher = publishFileRtsp(source, ranged.rtspUrl("live/cam"));
  await published(ranged, "live/cam");
  using peer = new RawRtsp(ranged.rtspPort);
  const [said, real] = [await openDatagramClient(), await openDatagramClient()];
  const url = "rtsp://127.0.0.1/live/cam";
  await peer.ask(`DESCRIBE ${url} RTSP/1.0`, 1);
  const transport = `Transport: RTP/AVP;unicast;client_port=${said.port}-${said.port === 65_535 ? 65_534 : said.port + 1}`;
  const answer = await peer.ask(`SETUP ${url}/trackID=0 RTSP/1.0\r\n${transport}`, 2);
  const serverPort = Number(/server_port=(\d+)/.exec(answer)?.[1]);
  await peer.ask(`PLAY ${url} RTSP/1.0`, 3);
  await waitFor("packets where it said it was", () => said.packets.length > 0);
  await real.send("hello", serverPort);
  await waitFor("packets where it is", () => real.packets.length > 20);
  const { length } = said.packets;
  await waitFor("more packets where it is", () => real.packets.length > 40);
  expect(said.packets).toHaveLength(length);
  said.socket.close();
  real.socket.close();
  await publisher.stop();
});

test("a server that stops says goodbye to players over UDP, with all that was on its way", async () => {
  const stopping = await startServer({ set: ["server.shutdown_timeout=3s"] });
  await using publisher = publishFileRtsp(source, stopping.rtspUrl("live/cam"), "udp");
  await published(stopping, "live/cam");
  const record = folder.file("stopped.nut");
  await using player = playRtsp(stopping.rtspUrl("live/cam"), record, udp);
  await waitFor("the player", async () => (await stopping.stats()).rtsp["udp_players"] === 1);
  await waitFor("a second", async () => ((await stopping.stats()).streams[0]?.position_ms ?? 0) > 2_000);
  expect(await stopping.stop()).toBe(0);
  await finished(player, "the player", 5_000);
  await publisher.stop();
  const got = await frameHashes(record, "v:0");
  expect(got.length).toBeGreaterThan(10);
  const at = got.map((hash) => pictures.indexOf(hash));
  // It ends between two packets, and so in the middle of pictures that refer to each other.
  expect(at.slice(0, -4)).toEqual(got.slice(0, -4).map((_, index) => (at[0] ?? -1) + index));
});

describe("when UDP is off", () => {
  test("a player comes back over TCP", async () => {
    await using off = await startServer({ set: ["rtsp.udp=false", "streaming.idle_timeout=500ms"] });
    await using publisher = publishFileRtsp(source, off.rtspUrl("live/cam"));
    await published(off, "live/cam");
    const record = folder.file("fallback.nut");
    await using player = playRtsp(off.rtspUrl("live/cam"), record, []);
    await finished(publisher, "the publisher");
    await finished(player, "the player");
    expectSameFrames("pictures", await frameHashes(record, "v:0"), pictures, {
      starts: keyFrameIndexes(pictures.length, gop),
    });
  });
});

async function published(at: TestServer, stream: string): Promise<void> {
  await waitFor(`the stream ${stream}`, async () => (await at.stats()).active_streams.includes(stream));
}

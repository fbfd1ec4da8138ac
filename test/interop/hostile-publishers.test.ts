/** Publishers that take what is not theirs, and sessions that were real until something broke them. */

import { connect as connectTcp, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mutate, type Random, seededRandom } from "../../fuzz/mutate.ts";
import { finished, startCommand, writeTestFile } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { Canary } from "../support/raw-canary.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { expectCounted, expectQuietLog, growthDuring } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["streaming.idle_timeout=1s"] }));
  canary = resources.use(await Canary.start(server));
});
afterEach(() => canary.expectNothingLost());
afterAll(async () => {
  try {
    expectQuietLog(server);
  } finally {
    await resources.disposeAsync();
  }
});

test("a second publisher is refused with BadName; both addresses are on record, and the peer learns neither", async () => {
  await expectCounted(server, "ERR_STREAM_BUSY", 1, async () => {
    using second = await RawRtmp.withStream(server.rtmpPort, "canary", "127.0.0.2");
    second.command(1, "publish", 3, null, "bird", "live");
    await second.status("NetStream.Publish.BadName");
    expect(second.descriptions.join()).not.toContain("127.0.0.1");
  });
  const line = await waitFor("the line", () => server.logLines.find(({ code }) => code === "ERR_STREAM_BUSY"));
  expect(line).toMatchObject({ address: "127.0.0.2", stream: "canary/bird", publisher: "127.0.0.1" });
});

test("1,000 second publishers at once are refused one by one, and logged once a second", async () => {
  await expectCounted(server, "ERR_STREAM_BUSY", 1_000, async () => {
    using peer = await RawRtmp.withStream(server.rtmpPort, "canary");
    for (let i = 1; i <= 1_000; i++) {
      peer.command(1, "publish", 3, null, "bird", "live");
      await peer.statusCount(i);
    }
  });
});

test("a refused publisher's media goes nowhere", async () => {
  using peer = await RawRtmp.withStream(server.rtmpPort, "canary");
  peer.command(1, "publish", 3, null, "bird", "live");
  const body = new Uint8Array(1_000).fill(0x66);
  body.set([0x17, 1, 0, 0, 0]);
  for (let i = 0; i < 100; i++) peer.message(9, 1, body);
  await peer.status("NetStream.Publish.BadName");
  for (let i = 0; i < 100; i++) peer.message(9, 1, body);
  await server.stats();
});

test("a recorded session of ffmpeg, cut and broken in all ways for 15 s, costs the broken sessions only", async () => {
  const recording = await recordSession();
  const random = seededRandom(20_261_121);
  const connectionsBefore = (await server.stats()).connections["accepted_count"]!;
  const growthBytes = await growthDuring(server, async () => {
    const end = performance.now() + 15_000;
    const attacks = Array.from({ length: 8 }, (_, index) => attackUntil(end, renamed(recording, index), random));
    await Promise.all(attacks);
  });
  const { connections, errors } = await server.stats();
  const attackCount = connections["accepted_count"]! - connectionsBefore;
  const codes = Object.keys(errors).filter((code) => code.startsWith("ERR_RTMP_") || code.startsWith("ERR_AMF_"));
  expect(attackCount).toBeGreaterThan(500);
  expect(codes.length, codes.join(" ")).toBeGreaterThanOrEqual(5);
  expect(errors["ERR_INTERNAL"]).toBeUndefined();
  expect(growthBytes).toBeLessThan(256 * 1024 * 1024);
  await waitFor("all of it to be gone", async () => (await server.stats()).connections["open_count"] === 2, 15_000);
  await waitFor("the streams", async () => (await server.stats()).total_streams === 1);
});

/** What ffmpeg sends to publish two seconds of video and sound. */
async function recordSession(): Promise<Uint8Array> {
  await using folder = new TestFolder();
  const file = folder.file("source.flv");
  await writeTestFile(file, { seconds: 2, size: "160x120", bFrames: 2 });
  const pieces: Uint8Array[] = [];
  const proxy = createServer((socket) => {
    const upstream = connectTcp(server.rtmpPort, "127.0.0.1");
    socket.on("data", (bytes: Uint8Array) => pieces.push(bytes));
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on("error", () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as { port: number };
  const quiet = ["-hide_banner", "-loglevel", "error"];
  const target = `rtmp://127.0.0.1:${port}/broken/session`;
  await finished(startCommand("ffmpeg", [...quiet, "-i", file, "-c", "copy", "-f", "flv", target]), "ffmpeg");
  proxy.close();
  return new Uint8Array(Buffer.concat(pieces)); // a slice of a Buffer would be no copy
}

/** The same for a stream of its own: otherwise all but one would end as second publishers. */
function renamed(recording: Uint8Array, index: number): Uint8Array {
  const text = Buffer.from(recording).toString("latin1");
  return new Uint8Array(Buffer.from(text.replaceAll("session", `sessio${index}`), "latin1"));
}

/** One broken session after the other. */
async function attackUntil(end: number, recording: Uint8Array, random: Random): Promise<void> {
  while (performance.now() < end) {
    // The handshake is left alone three times of four: behind it lies more.
    const from = random(4) === 0 ? 0 : 1 + 2 * 1536;
    const to = Math.min(recording.length, from + 2_000 + random(recording.length));
    const broken = mutate(random, recording.subarray(from, to), recording, to - from + 65_536);
    const attack = connectTcp(server.rtmpPort, "127.0.0.1");
    const closed = new Promise<void>((resolve) => attack.on("close", () => resolve()));
    attack.on("error", () => {});
    attack.resume();
    attack.write(recording.subarray(0, from));
    for (let at = 0; at < broken.length; ) {
      const length = 1 + random(random(3) === 0 ? 16 : 16_384);
      attack.write(broken.subarray(at, at + length));
      at += length;
      if (random(8) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Some hang up in order, some all of a sudden; some wait a little for what the server does.
    if (random(2) === 0) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, random(100)))]);
    if (random(2) === 0) attack.destroy();
    else attack.end();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 50))]);
    if (!attack.destroyed) attack.destroySoon();
  }
}

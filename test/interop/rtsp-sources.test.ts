/** Streams that the server fetches over RTSP, from GStreamer's server and from Millrace itself. */

import { execFile } from "node:child_process";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, frameHashes, packetHashes, playRtsp, publishTestStream, writeTestFile } from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { freePort } from "../support/free-port.ts";
import { startGstRtspServer } from "../support/gst-rtsp-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { startServerWithStreams } from "../support/server-with-streams.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);
const gop = 25;
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const file = folder.file("source.mkv");
let pictures: string[];
let sounds: string[];

beforeAll(async () => {
  await writeTestFile(file, { seconds: 3, gop, bFrames: 2 });
  pictures = await frameHashes(file, "v:0");
  sounds = await packetHashes(file, "a:0");
});
afterAll(() => resources.disposeAsync());

function serverWith(streams: string, set?: readonly string[]): Promise<TestServer> {
  return startServerWithStreams(folder, streams, set);
}

interface SourceStats {
  readonly stream: string;
  readonly state: string;
  readonly transport: string | null;
  readonly try_count: number;
  readonly received_bytes: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
}

async function sourcesOf(server: TestServer): Promise<readonly SourceStats[]> {
  return ((await server.stats()) as unknown as { readonly sources: readonly SourceStats[] }).sources;
}

async function firstSource(server: TestServer): Promise<SourceStats> {
  const [source] = await sourcesOf(server);
  if (source === undefined) throw new Error("there is no source");
  return source;
}

function running(server: TestServer): Promise<unknown> {
  return waitFor("the source", async () => (await sourcesOf(server))[0]?.state === "running", 20_000);
}

test.each(["1", "2"])(
  "GStreamer's server with a password, fetched on demand by %s shards: the player gets every frame",
  async (shards) => {
    const port = await freePort();
    await using _camera = await startGstRtspServer({ port, file, user: "admin:sword:fish" });
    await using server = await serverWith(
      `[[streams]]
      name = "cams/*"
      source = "rtsp://admin:sword:fish@127.0.0.1:${port}/*"
      source_on_demand = true
      source_on_demand_close_after = "500ms"`,
      [`server.shards=${shards}`, "streaming.publisher_timeout=1s"],
    );
    const record = folder.file(`pulled-${shards}.nut`);
    await using player = playRtsp(server.rtspUrl("cams/cam"), record);
    await running(server);
    await waitFor(
      "the end of the file",
      async () => (await streamFrames(server, "cams/cam")) >= pictures.length + 20,
      20_000,
    );
    await player.stop();
    const got = await frameHashes(record, "v:0");
    // GStreamer begins again when it is asked again.
    expectSameFrames("pictures", got.slice(0, pictures.length), pictures, { starts: [0] });
    const gotSounds = await packetHashes(record, "a:0");
    // Sound from before the first picture is not sent to players.
    const first = sounds.indexOf(gotSounds[0]!);
    expect(first).toBeLessThan(4);
    expect(gotSounds.slice(0, sounds.length - 8)).toEqual(sounds.slice(first, first + sounds.length - 8));
    await waitFor("the source to be let go of", async () => (await sourcesOf(server)).length === 0);
    expect(JSON.stringify(server.logLines)).not.toContain("sword");
  },
);

async function streamFrames(server: TestServer, name: string): Promise<number> {
  const stream = (await server.stats()).streams.find((each) => each.name === name);
  return stream?.totals["video_frame_count"] ?? 0;
}

test("a source that is killed is back soon after it has returned, and its player stays", async () => {
  const port = await freePort();
  const camera = await startGstRtspServer({ port, file });
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    source = "rtsp://127.0.0.1:${port}/cam"`);
  await running(server);
  using player = FlvClient.http(server.httpUrl("/live/cam.flv"));
  await waitFor("tags", () => player.tags.length > 20);
  await camera.stop();
  await waitFor("the source to be gone", async () => (await firstSource(server)).state !== "running", 15_000);
  const before = player.tags.length;
  const runningLines = (): readonly Record<string, unknown>[] =>
    server.logLines.filter((line) => line["msg"] === "source running");
  const count = runningLines().length;
  await using _again = await startGstRtspServer({ port, file });
  const returnedMs = Date.now();
  await waitFor("the source", () => runningLines().length > count);
  const backMs = Date.parse(String(runningLines().at(-1)!["time"])) - returnedMs;
  expect(backMs, "ms from the server's return to the first frame").toBeLessThan(maxReturnMs);
  await waitFor("more tags for the same player", () => player.tags.length > before + 20);
  expect(
    server.logLines.filter(({ msg, level }) => level === "warn" && String(msg).startsWith("source failed")),
  ).toHaveLength(1);
});

test("a source that comes back with other pictures is the same stream with other pictures", async () => {
  const port = await freePort();
  const other = folder.file("other.mkv");
  await writeTestFile(other, { seconds: 10, gop, size: "176x144" });
  const camera = await startGstRtspServer({ port, file });
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    source = "rtsp://127.0.0.1:${port}/cam"`);
  await running(server);
  const width = async (): Promise<unknown> => {
    const [stream] = (await server.stats()).streams as unknown as { tracks: { kind: string; width: number }[] }[];
    return stream?.tracks.find(({ kind }) => kind === "video")?.width;
  };
  await waitFor("the first pictures", async () => (await width()) === 320);
  await camera.stop();
  await using _again = await startGstRtspServer({ port, file: other });
  await waitFor("the others", async () => (await width()) === 176, 20_000);
  expect((await server.stats()).total_streams).toBe(1);
});

test.each([
  { what: "a source that knows UDP only is asked for it by itself", protocols: "udp", option: "auto", expected: "udp" },
  {
    what: "a source that knows TCP only is taken over TCP, whatever was wanted",
    protocols: "tcp",
    option: "udp",
    expected: "tcp",
  },
  { what: "UDP when it is wanted", protocols: "any", option: "udp", expected: "udp" },
  { what: "TCP when nothing is said", protocols: "any", option: "auto", expected: "tcp" },
] as const)("$what: every frame comes", async ({ protocols, option, expected }) => {
  const port = await freePort();
  await using _camera = await startGstRtspServer({ port, file, protocols });
  await using server = await serverWith(
    `[[streams]]
    name = "live/cam"
    source = "rtsp://127.0.0.1:${port}/cam"
    source_on_demand = true
    rtsp_transport = "${option}"`,
    ["streaming.publisher_timeout=1s"],
  );
  const record = folder.file(`${protocols}-${option}.nut`);
  await using player = playRtsp(server.rtspUrl("live/cam"), record);
  await running(server);
  expect(await firstSource(server)).toMatchObject({ transport: expected, lost_packets: 0 });
  await waitFor("all frames", async () => (await streamFrames(server, "live/cam")) >= pictures.length, 20_000);
  await player.stop();
  const got = await frameHashes(record, "v:0");
  expect(got.length).toBeGreaterThan(pictures.length - gop);
  expectSameFrames("pictures", got.slice(0, pictures.length), pictures.slice(0, got.length), { starts: [0] });
});

test("UDP that does not get through is left for TCP within seconds, and not tried again", async () => {
  await using origin = await startServer();
  await using _publisher = publishTestStream(origin.rtmpUrl("live/cam"), { seconds: 60, gop });
  await waitFor("the stream", async () => (await origin.stats()).active_streams.length === 1);
  await using firewall = await udpFirewall(origin.rtspPort);
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    source = "rtsp://127.0.0.1:${firewall.port}/live/cam"
    rtsp_transport = "udp"`);
  await running(server);
  expect(await firstSource(server)).toMatchObject({ transport: "tcp", try_count: 1 });
  expect(firewall.setups()).toEqual(["udp", "udp", "tcp", "tcp"]);
  firewall.cut();
  await waitFor(
    "the source again",
    async () => {
      const { state, try_count: tryCount } = await firstSource(server);
      return state === "running" && tryCount === 2;
    },
    20_000,
  );
  expect(firewall.setups().slice(4)).toEqual(["tcp", "tcp"]);
});

test("a wrong password is tried once, and then not for half a minute, whoever wants to play", async () => {
  const port = await freePort();
  await using _camera = await startGstRtspServer({ port, file, user: "admin:right" });
  await using server = await serverWith(`
    [[streams]]
    name = "live/always"
    source = "rtsp://admin:swordfish@127.0.0.1:${port}/cam"
    [[streams]]
    name = "live/wanted"
    source = "rtsp://admin:swordfish@127.0.0.1:${port}/cam"
    source_on_demand = true`);
  for (let i = 0; i < 5; i++) {
    await expect(run("ffprobe", ["-v", "error", server.httpUrl("/live/wanted.flv")])).rejects.toThrow("404");
  }
  for (const source of await sourcesOf(server)) {
    expect(source).toMatchObject({ try_count: 1, last_error: { code: "ERR_RTSP_UNAUTHORIZED" } });
  }
  expect(JSON.stringify([server.logLines, await server.stats()])).not.toContain("swordfish");
});

test("a stream that has a source can't be published, over any protocol", async () => {
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    source = "rtsp://127.0.0.1:${await freePort()}/cam"`);
  await using rtmp = publishTestStream(server.rtmpUrl("live/cam"), { seconds: 3 });
  expect(await finished(rtmp, "the RTMP publisher")).not.toBe(0);
  const rtsp = run("ffmpeg", [
    "-v",
    "error",
    "-re",
    "-i",
    file,
    "-c",
    "copy",
    "-f",
    "rtsp",
    "-rtsp_transport",
    "tcp",
    server.rtspUrl("live/cam"),
  ]);
  await expect(rtsp).rejects.toThrow("403");
  expect((await server.stats()).errors).toMatchObject({ ERR_STREAM_BUSY: 2 });
});

test("on demand: begins for a player of any protocol, and ends after the last one", async () => {
  await using origin = await startServer();
  await using _publisher = publishTestStream(origin.rtmpUrl("live/cam"), { seconds: 40, gop });
  await waitFor("the stream", async () => (await origin.stats()).active_streams.length === 1);
  await using server = await serverWith(`[[streams]]
    name = "live/cam"
    source = "${origin.rtspUrl("live/cam")}"
    source_on_demand = true
    source_on_demand_close_after = "500ms"`);
  expect(await firstSource(server)).toMatchObject({ state: "idle", try_count: 0 });
  expect((await origin.stats()).subscribers).toBe(0);
  for (const _ of [1, 2]) {
    using first = FlvClient.http(server.httpUrl("/live/cam.flv"));
    using second = FlvClient.webSocket(server.httpUrl("/live/cam.flv"));
    await waitFor("tags for both", () => first.tags.length > 20 && second.tags.length > 20);
    expect((await origin.stats()).subscribers).toBe(1);
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    await waitFor("the end of the source", async () => (await firstSource(server)).state === "idle");
    await waitFor("the origin to know", async () => (await origin.stats()).subscribers === 0);
  }
});

test("RTSPS: the fingerprint of the configuration decides, or else an authority", async () => {
  const [certificate, key] = [folder.file("cert.pem"), folder.file("key.pem")];
  const subject = ["-subj", "/CN=localhost", "-days", "1", "-nodes"];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-keyout", key, "-out", certificate, ...subject]);
  const { stdout } = await run("openssl", ["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"]);
  const fingerprint = stdout.trim().split("=")[1]!;
  const tls = [`rtsp.tls.certificate=${certificate}`, `rtsp.tls.key=${key}`, "rtsp.tls.port=0"];
  await using origin = await startServer({ set: tls });
  await using _publisher = publishTestStream(origin.rtmpUrl("live/cam"), { seconds: 40, gop });
  await waitFor("the stream", async () => (await origin.stats()).active_streams.length === 1);
  const url = `rtsps://localhost:${origin.rtspsPort}/live/cam`;
  const entry = (name: string, line = ""): string => `[[streams]]\nname = "live/${name}"\nsource = "${url}"\n${line}\n`;
  await using server = await serverWith(
    entry("known", `source_fingerprint = "${fingerprint}"`) +
      entry("other", `source_fingerprint = "${"ab".repeat(32)}"`) +
      entry("unsigned"),
  );
  const states = async (): Promise<readonly (string | undefined)[]> =>
    (await sourcesOf(server)).map(({ state, last_error: error }) => (state === "running" ? state : error?.code));
  await waitFor("all three", async () => (await states()).every((state) => state !== undefined));
  await waitFor("the first", async () => (await states())[0] === "running");
  expect(await states()).toEqual(["running", "ERR_PEER_CERTIFICATE", "ERR_PEER_CERTIFICATE"]);
});

test("a redirection is followed, but not to where the one who sends us could not be himself", async () => {
  await using origin = await startServer();
  await using _publisher = publishTestStream(origin.rtmpUrl("live/cam"), { seconds: 40, gop });
  await waitFor("the stream", async () => (await origin.stats()).active_streams.length === 1);
  await using good = await redirector(origin.rtspUrl("live/cam"));
  await using bad = await redirector("rtsp://169.254.169.254/latest");
  await using endless = await redirector(undefined);
  const entry = (name: string, port: number): string =>
    `[[streams]]\nname = "live/${name}"\nsource = "rtsp://u:p@127.0.0.1:${port}/x"\n`;
  await using server = await serverWith(
    entry("good", good.port) + entry("bad", bad.port) + entry("endless", endless.port),
  );
  const seen = async (): Promise<unknown[]> =>
    (await sourcesOf(server)).map(({ state, last_error: error }) => (state === "running" ? state : error?.code));
  await waitFor("all three", async () => (await seen()).every((each) => each !== undefined));
  expect(await seen()).toEqual(["running", "ERR_REDIRECT_FORBIDDEN", "ERR_RTSP_REDIRECT"]);
});

interface Redirector extends AsyncDisposable {
  readonly port: number;
}

/** Answers OPTIONS, and everything else with another address: its own when there is none. */
async function redirector(location: string | undefined): Promise<Redirector> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const request = bytes.toString();
      const cseq = /CSeq: (\d+)/.exec(request)?.[1] ?? "0";
      const { port } = server.address() as { port: number };
      const to = location ?? `rtsp://127.0.0.1:${port}/x`;
      const head = request.startsWith("OPTIONS") ? "200 OK" : `302 Found\r\nLocation: ${to}`;
      socket.write(`RTSP/1.0 ${head}\r\nCSeq: ${cseq}\r\n\r\n`);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

interface UdpFirewall extends AsyncDisposable {
  readonly port: number;
  /** What the client asked for, SETUP by SETUP. */
  setups(): readonly string[];
  /** Ends all connections. */
  cut(): void;
}

/** A way to an RTSP server that says yes to UDP by itself, and lets none of it through. */
async function udpFirewall(to: number): Promise<UdpFirewall> {
  const setups: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const origin = createConnection(to, "127.0.0.1");
    for (const socket of [client, origin]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.on("close", () => origin.destroy());
    origin.on("close", () => client.destroy());
    let saysYes = false;
    client.on("data", (bytes) => {
      const request = bytes.toString("latin1");
      const cseq = /^CSeq: (\d+)/m.exec(request)?.[1] ?? "0";
      const ports = /client_port=(\d+-\d+)/.exec(request)?.[1];
      if (request.startsWith("SETUP")) setups.push(ports === undefined ? "tcp" : "udp");
      saysYes = saysYes ? !request.startsWith("TEARDOWN") : ports !== undefined;
      const transport =
        ports === undefined ? "" : `Transport: RTP/AVP;unicast;client_port=${ports};server_port=9000-9001\r\n`;
      if (saysYes || request.startsWith("TEARDOWN"))
        client.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\nSession: 1\r\n${transport}\r\n`);
      else origin.write(bytes);
    });
    origin.on("data", (bytes) => client.write(bytes));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    port: (server.address() as { port: number }).port,
    setups: () => setups,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A second at most until the next try; then GStreamer reads its file, which it does not begin before it is asked. */
const maxReturnMs = 2_000;

/** HTTP-FLV and WebSocket-FLV from outside: which tracks, which headers, and how a refusal looks. */

import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { frameHashes, publishTestStream, startCommand } from "../support/ffmpeg.ts";
import { FlvClient } from "../support/flv-client.ts";
import { TestFolder } from "../support/folder.ts";
import { RtmpTestClient } from "../support/rtmp-client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const site = "https://player.example";
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
let open: TestServer;
let restricted: TestServer;

beforeAll(async () => {
  open = resources.use(await startServer());
  restricted = resources.use(await startServer({ set: [`http.allow_origin=${site}`] }));
  for (const server of [open, restricted]) {
    resources.use(publishTestStream(server.rtmpUrl("live/cam"), { gop: 25 }));
    await waitFor("both tracks", async () => (await server.stats()).streams[0]?.tracks.length === 2);
  }
});
afterAll(() => resources.disposeAsync());

test.each([
  { query: "", types: ["audio", "video"] },
  { query: "?audio=0", types: ["video"] },
  { query: "?video=0", types: ["audio"] },
])("with '$query' a player gets $types, over HTTP-FLV, WebSocket-FLV and RTMP", async ({ query, types }) => {
  using http = FlvClient.http(open.httpUrl(`/live/cam.flv${query}`));
  using webSocket = FlvClient.webSocket(open.httpUrl(`/live/cam.flv${query}`));
  await using rtmp = new RtmpTestClient(open.rtmpUrl(`live/cam${query}`), { role: "play" });
  await waitFor("thirty tags each", () =>
    [http.tags, webSocket.tags, rtmp.messages].every(({ length }) => length > 30),
  );
  for (const client of [http, webSocket]) {
    const kinds = client.tags.filter(({ type }) => type !== flvTagType.script).map(({ type }) => tagKinds.get(type));
    expect([...new Set(kinds)].sort()).toEqual(types);
    expect(client.header).toMatchObject({ hasAudio: types.includes("audio"), hasVideo: types.includes("video") });
  }
  const kinds = rtmp.messages.map(({ type }) => type).filter((type) => type !== "data");
  expect([...new Set(kinds)].sort()).toEqual(types);
});

test("ffmpeg plays the sound alone with ?video=0", async () => {
  const file = folder.file("sound.mkv");
  const url = open.httpUrl("/live/cam.flv?video=0");
  await using player = startCommand("ffmpeg", ["-loglevel", "error", "-i", url, "-t", "1", "-c", "copy", file]);
  expect(await player.exited).toBe(0);
  expect((await frameHashes(file, "a:0")).length).toBeGreaterThan(30);
  await expect(frameHashes(file, "v:0")).rejects.toThrow();
});

test("pages of every origin may play when http.allow_origin is *", async () => {
  const { status, headers } = await ask(open, "GET", "/live/cam.flv", { origin: site });
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("video/x-flv");
  expect(headers["access-control-allow-origin"]).toBe("*");
  expect(headers["cache-control"]).toBe("no-store");
});

test("only pages of the listed origins may play when http.allow_origin is a list", async () => {
  const listed = await ask(restricted, "GET", "/live/cam.flv", { origin: site });
  expect(listed.headers["access-control-allow-origin"]).toBe(site);
  expect(listed.headers["vary"]).toMatch(/origin/i);
  const other = await ask(restricted, "GET", "/live/cam.flv", { origin: "https://elsewhere.example" });
  expect(other.headers["access-control-allow-origin"]).toBeUndefined();
});

test("a preflight is answered with the allowed methods", async () => {
  const headers = { origin: site, "access-control-request-method": "GET" };
  const answer = await ask(restricted, "OPTIONS", "/live/cam.flv", headers);
  expect(answer.status).toBe(204);
  expect(answer.headers["access-control-allow-origin"]).toBe(site);
  expect(answer.headers["access-control-allow-methods"]).toContain("GET");
});

test("HEAD answers as GET would, without a body and without a player", async () => {
  const found = await ask(open, "HEAD", "/live/cam.flv");
  expect(found.status).toBe(200);
  expect(found.headers["content-type"]).toBe("video/x-flv");
  expect(found.body).toBe("");
  expect((await ask(open, "HEAD", "/live/nobody.flv")).status).toBe(404);
});

test.each([
  { what: "a stream that nobody publishes", path: "/live/nobody.flv", status: 404, code: "ERR_STREAM_NOT_FOUND" },
  { what: "a name with an escape", path: "/live/%63am.flv", status: 400, code: "ERR_STREAM_NAME" },
  { what: "a name with two dots", path: "/live/../cam.flv", status: 400, code: "ERR_STREAM_NAME" },
  { what: "a name without an application", path: "/cam.flv", status: 400, code: "ERR_STREAM_NAME" },
])("$what is refused with $status as problem+json", async ({ path, status, code }) => {
  const answer = await ask(open, "GET", path);
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(JSON.parse(answer.body)).toMatchObject({ type: "about:blank", status, code });
});

test("a player without the token is refused with 403 as problem+json, and plays with it", async () => {
  await using server = await startServer({ set: ["access.play=token", "access.play_token=open-sesame"] });
  await using _publisher = publishTestStream(server.rtmpUrl("live/cam"), { gop: 25 });
  await waitFor("the stream", async () => (await server.stats()).active_streams.length === 1);
  for (const query of ["", "?token=wrong"]) {
    const refused = await ask(server, "GET", `/live/cam.flv${query}`);
    expect(refused.status).toBe(403);
    expect(refused.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(refused.body).not.toContain("open-sesame");
    expect(await upgradeStatus(server, `/live/cam.flv${query}`)).toBe(403);
  }
  using client = FlvClient.http(server.httpUrl("/live/cam.flv?token=open-sesame"));
  await waitFor("tags", () => client.tags.length > 10);
  await using rtmp = new RtmpTestClient(server.rtmpUrl("live/cam"), { role: "play" });
  await expect(rtmp.ready).rejects.toThrow(/NetStream\.Play\.Failed/);
  expect(JSON.stringify(server.logLines)).not.toContain("open-sesame");
});

test("a WebSocket of a page that is not listed is refused, others are not", async () => {
  expect(await upgradeStatus(restricted, "/live/cam.flv", "https://elsewhere.example")).toBe(403);
  expect(await upgradeStatus(restricted, "/live/cam.flv", site)).toBe(101);
  expect(await upgradeStatus(restricted, "/live/cam.flv", restricted.httpUrl("").replace(/\/$/, ""))).toBe(101);
  expect(await upgradeStatus(restricted, "/live/cam.flv")).toBe(101);
  expect(await upgradeStatus(open, "/live/cam.flv", "https://elsewhere.example")).toBe(101);
  expect(await upgradeStatus(open, "/live/nobody.flv")).toBe(404);
});

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** One request with its path as it is written here; a body without end is left after its head. */
function ask(server: TestServer, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port: server.httpPort, host: "127.0.0.1", method, path, headers, agent: false };
    const sent = request(options, (response) => {
      const done = (body: string): void => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        sent.destroy();
      };
      if (method === "GET" && response.statusCode === 200) {
        done("");
        return;
      }
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => done(body));
    });
    sent.on("error", reject).end();
  });
}

function upgradeStatus(server: TestServer, path: string, origin?: string): Promise<number> {
  return new Promise((resolve) => {
    const url = server.httpUrl(path).replace(/^http/, "ws");
    const socket = new WebSocket(url, origin === undefined ? {} : { origin });
    socket.on("open", () => {
      resolve(101);
      socket.terminate();
    });
    socket.on("unexpected-response", (sent, response) => {
      resolve(response.statusCode ?? 0);
      sent.destroy();
    });
    socket.on("error", () => resolve(0));
  });
}

const tagKinds: ReadonlyMap<number, string> = new Map([
  [flvTagType.audio, "audio"],
  [flvTagType.video, "video"],
]);

/** `millrace bench` as people run it: it finds nothing wrong with our server, and says what is wrong with others. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FlvReader } from "../../src/formats/flv/flv-reader.ts";
import {
  flvHeaderLength,
  flvTagType,
  writeFlvHeader,
  writeFlvTagHeader,
  writeFlvTagTrailer,
} from "../../src/formats/flv/tag.ts";
import { makeSyntheticStream } from "../../src/server/bench/synthetic-stream.ts";
import { TestFolder } from "../support/folder.ts";
import { startServer, type TestServer } from "../support/server.ts";

const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
let server: TestServer;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["logging.level=info"] }));
});
afterAll(() => resources.disposeAsync());

describe("of our server", () => {
  test.each(["rtmp", "rtsp", "http", "ws"])(
    "fifty players over %s get everything, and so do ffmpeg's",
    async (scheme) => {
      const stream = `live/bench-${scheme}`;
      const http = ["--publish", server.rtmpUrl(stream)];
      const stats = ["--stats-url", server.httpUrl("/stats")];
      const addresses: Readonly<Record<string, readonly string[]>> = {
        rtmp: [server.rtmpUrl(stream), "--publish", ...stats],
        rtsp: [server.rtspUrl(stream), "--publish", ...stats],
        http: [server.httpUrl(`/${stream}.flv`), ...http],
        ws: [server.httpUrl(`/${stream}.flv`).replace("http", "ws"), ...http],
      };
      const { code, report, stderr } = await bench([...(addresses[scheme] ?? []), "--players", "50", "--seconds", "2"]);
      expect(report.checks.filter(({ is_passed }) => !is_passed)).toEqual([]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(report.checks.map(({ name }) => name)).toEqual([
        ...[
          "publisher",
          "joined",
          "stayed",
          "framing",
          "timestamps",
          "gaps",
          ...(scheme === "rtsp" ? ["sequence numbers", "sources", "markers", "sender reports"] : []),
          "everybody gets media",
          "evictions",
          "decoded",
        ],
      ]);
      expect(report).toMatchObject({ is_passed: true, mode: "players", asked: 50, joined: 50, failures: [] });
      // A megabit a second for each; whole GOPs are sent in any two seconds, and headers are some percent.
      expect((report.bytes * 8) / report.seconds / 50).toBeGreaterThan(900_000);
      expect((report.bytes * 8) / report.seconds / 50).toBeLessThan(1_150_000);
      expect(report.join.count).toBe(50);
      expect(report.key.count).toBe(50);
      // 25 pictures a second to each of them, all with a sending time.
      expect(report.latency.count).toBeGreaterThan(50 * 25 * 2 * 0.9);
      expect(report.latency.p99_ms).toBeGreaterThan(0);
      expect(report.media).toMatchObject({ backwards_count: 0, gap_count: 0, longest_gap_ms: 40 });
      if (scheme === "rtsp") {
        expect(report.first.count).toBe(50);
        expect(report.media.packets!.packet_count).toBeGreaterThan(report.media.tag_count);
        expect(report.media.packets!.report_count).toBeGreaterThanOrEqual(100); // a first one of each track to each player
      }
      expect(report.server.processes).toMatchObject([{ pid: server.pid }]);
      expect(report.server.processes[0]!.descriptors - report.server.processes[0]!.descriptors_before).toBeGreaterThan(
        45,
      );
      expect(report.sample.picture_count).toBeGreaterThan(60);
    },
  );

  test.each(["rtmp", "rtsp"])("players that come and go over %s leave nothing behind", async (scheme) => {
    const rtmpUrl = server.rtmpUrl(`live/churn-${scheme}`);
    const address = scheme === "rtmp" ? rtmpUrl : server.rtspUrl(`live/churn-${scheme}`);
    const args = [address, "--publish", rtmpUrl, "--churn", "--rate", "200", "--seconds", "2"];
    const { code, report } = await bench([...args, "--stats-url", server.httpUrl("/stats")]);
    expect(report.checks.filter(({ is_passed }) => !is_passed)).toEqual([]);
    expect(code).toBe(0);
    expect(report.joined).toBeGreaterThan(300);
    expect(report.checks.map(({ name }) => name)).toContain("cursors are back");
  });

  test.each(["rtmp", "rtsp"])("publishers over %s are taken, each with its own name", async (scheme) => {
    const address = scheme === "rtmp" ? server.rtmpUrl("live/many") : server.rtspUrl("live/many-rtsp");
    const args = [address, "--publishers", "20", "--bit-rate", "200000", "--seconds", "2"];
    const file = folder.file(`publishers-${scheme}.json`);
    const running = run([...args, "--json", file]);
    const { code, stdout } = await running;
    expect(stdout).toContain("ok    joined: 20 of 20\nok    stayed: 20 of 20\n");
    expect(code).toBe(0);
    const report = JSON.parse(readFileSync(file, "utf8")) as Report;
    expect((report.bytes * 8) / report.seconds / 20).toBeGreaterThan(170_000);
    expect((report.bytes * 8) / report.seconds / 20).toBeLessThan(230_000);
  });

  test("players of a stream that nobody publishes fail, and it says why", async () => {
    const addresses = [
      server.rtmpUrl("live/nobody"),
      server.rtspUrl("live/nobody"),
      server.httpUrl("/live/nobody.flv"),
    ];
    for (const address of addresses) {
      const { code, report } = await bench([address, "--players", "5", "--seconds", "1"]);
      expect(code).toBe(1);
      expect(report).toMatchObject({ is_passed: false, joined: 0, failures: [{ count: 5 }] });
      expect(report.failures[0]!.message).toMatch(/nobody is publishing|404/);
    }
  });
});

describe("of a server that", () => {
  test("plays well, there is nothing to say", async () => {
    const { code, report } = await benchFake((tags) => tags);
    expect(report.checks.filter(({ is_passed }) => !is_passed)).toEqual([]);
    expect(code).toBe(0);
  });

  test.each<[string, Tear, string[], string | undefined]>([
    [
      "loses a byte",
      (tags) => tags.map((tag, i) => (i === 30 ? tag.slice(0, -5) : tag)),
      ["framing", "stayed"],
      "ERR_BENCH_FRAMING",
    ],
    ["loses half a second", (tags) => tags.filter((_, i) => i < 20 || i > 33), ["gaps"], undefined],
    ["sends time that goes back", (tags) => [...tags.slice(0, 25), ...tags.slice(20)], ["timestamps"], undefined],
    ["closes connections", (tags) => [...tags.slice(0, 25), "close"], ["stayed"], "ERR_BENCH_CLOSED"],
    ["falls silent", (tags) => tags.slice(0, 12), ["everybody gets media"], undefined],
  ])("%s, it says so", async (_what, tear, failed, failureCode) => {
    const { code, report } = await benchFake(tear);
    expect(
      report.checks
        .filter(({ is_passed }) => !is_passed)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(failed.sort());
    expect(report.failures.map((failure) => failure.code)).toEqual(failureCode === undefined ? [] : [failureCode]);
    expect(code).toBe(1);
  });
});

describe("on the command line", () => {
  test.each([
    [["rtmp://192.0.2.1/live/cam"], "192.0.2.1 is another machine"],
    [["srt://127.0.0.1/live/cam"], "expected rtmp://host/app/name"],
    [["rtmp://127.0.0.1/live/cam", "--rtsp-transport", "udp"], "--rtsp-transport udp is of rtsp://"],
    [["rtsps://127.0.0.1/live/cam"], "encrypted connections are not put under load"],
    [["rtsp://[::1"], "expected rtsp://"],
    [["rtmp://127.0.0.1/live"], "expected an app and a stream name"],
    [["rtmp://127.0.0.1/live/cam", "--players", "19001"], "expected a whole number from 1 to 19000"],
    [["rtmp://127.0.0.1/live/cam", "--players", "2", "--stalled", "3"], "--stalled is some of the --players"],
    [["rtmp://127.0.0.1/live/cam", "--publishers", "3", "--churn"], "--publishers is instead of players"],
    [["rtmp://127.0.0.1/live/cam", "--json", "/nowhere/report.json"], "can't write /nowhere/report.json: ENOENT"],
    [[], "missing required argument"],
  ])("%j is refused, exit code 2", async (args, sentence) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(sentence);
  });

  test("more players than this process may have descriptors are refused", async () => {
    const { code, stderr } = await run(["rtmp://127.0.0.1/live/cam", "--players", "500"], ["prlimit", "--nofile=512"]);
    expect(code).toBe(2);
    expect(stderr).toContain("a process may have 512 descriptors here, enough for 352 players");
    const overUdp = ["rtsp://127.0.0.1/live/cam", "--rtsp-transport", "udp", "--players", "100"];
    expect((await run(overUdp, ["prlimit", "--nofile=512"])).stderr).toContain("enough for 70 players");
  });
});

type Piece = Uint8Array | "close";
type Tear = (tags: readonly Uint8Array[]) => readonly Piece[];

/** Five players of a tiny HTTP-FLV server that sends ten tags at once, then one each 20 ms, torn as `tear` says. */
async function benchFake(tear: Tear): Promise<Run> {
  const pieces = tear(syntheticTags(3_000));
  const header = new Uint8Array(flvHeaderLength);
  writeFlvHeader(header, 0, true, false);
  const sockets = new Set<Socket>();
  const fake = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let next = 0;
    socket.once("data", (request: Buffer) => {
      if (request.toString().startsWith("GET /stats")) return socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n");
      socket.write(header);
      const timer = setInterval(() => {
        for (let i = 0; i < (next === 0 ? 10 : 1); i++) {
          const piece = pieces[next++];
          if (piece === "close") socket.end();
          else if (piece !== undefined) socket.write(piece);
        }
      }, 20);
      socket.on("close", () => clearInterval(timer));
    });
  });
  await new Promise<void>((listening) => fake.listen(0, "127.0.0.1", listening));
  const { port } = fake.address() as { port: number };
  try {
    const url = `http://127.0.0.1:${port}/live/fake.flv`;
    return await bench([url, "--players", "5", "--seconds", "1", "--sample", "0"]);
  } finally {
    for (const socket of sockets) socket.destroy();
    fake.close();
  }
}

/** A picture each 40 ms. */
function syntheticTags(count: number): Uint8Array[] {
  const { pictures } = makeSyntheticStream(64_000);
  const tags = Array.from({ length: count }, (_, i) => {
    const body = pictures[i % pictures.length] as Uint8Array;
    const tag = new Uint8Array(11 + body.length + 4);
    tag.set(body, writeFlvTagHeader(tag, 0, flvTagType.video, body.length, i * 40));
    writeFlvTagTrailer(tag, 11 + body.length, body.length);
    return tag;
  });
  expectReadable(tags);
  return tags;
}

function expectReadable(tags: readonly Uint8Array[]): void {
  const reader = new FlvReader();
  const header = new Uint8Array(flvHeaderLength);
  writeFlvHeader(header, 0, true, false);
  reader.handle(header);
  for (const tag of tags.slice(0, 50)) reader.handle(tag);
  for (let i = 0; i < 50; i++) expect(reader.poll()?.timestampMs).toBe(i * 40);
}

interface Run {
  readonly code: number;
  readonly report: Report;
  readonly stderr: string;
}

/** The part of the report that is looked at. */
interface Report {
  readonly checks: readonly { readonly name: string; readonly is_passed: boolean; readonly detail: string }[];
  readonly failures: readonly { readonly code: string; readonly count: number; readonly message: string }[];
  readonly joined: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly join: { readonly count: number };
  readonly key: { readonly count: number };
  readonly latency: { readonly count: number; readonly p99_ms: number };
  readonly first: { readonly count: number };
  readonly media: { readonly tag_count: number; readonly packets?: Readonly<Record<string, number>> };
  readonly sample: { readonly picture_count: number };
  readonly server: {
    readonly processes: readonly {
      readonly pid: number;
      readonly descriptors: number;
      readonly descriptors_before: number;
    }[];
  };
}

async function bench(args: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await run([...args, "--json", "-"]);
  return { code, report: JSON.parse(stdout) as Report, stderr };
}

function run(
  args: readonly string[],
  launcher: readonly string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = resolve(import.meta.dirname, "../../src/server/main.ts");
  const [program = "", ...rest] = [...launcher, process.execPath, main, "bench", ...args];
  return new Promise((done) => {
    execFile(program, rest, { timeout: 60_000 }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

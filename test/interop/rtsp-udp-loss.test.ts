/** RTSP publishers over UDP on links that lose, repeat, delay and reorder: what is damaged goes to nobody, and all is counted. */

import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ffmpeg, finished, frameHashes, startCommand } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { type LossyLink, openLossyLink } from "../support/lossy-link.ts";
import { inNetwork, startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
/** Undefined where this process may not make networks; then there is nothing to test here. */
const found = await openLossyLink();
if (found !== undefined) resources.use(found);
const link = found as LossyLink;
let server: TestServer;

const sources = [
  { codec: "H.264 with B-frames", encoder: ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"] },
  { codec: "H.265", encoder: ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:open-gop=0"] },
] as const;

beforeAll(async () => {
  if (found === undefined) return;
  for (const { codec, encoder } of sources) {
    // 1 Mb/s and 20 packets for a key frame: large enough to be hit, and back after half a second.
    const picture = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-t", "5", "-pix_fmt", "yuv420p"];
    await ffmpeg([...picture, ...encoder, "-g", "12", "-keyint_min", "12", "-b:v", "1M", folder.file(`${codec}.mkv`)]);
  }
  const set = ["access.publish=anyone", "access.management=anyone", "streaming.idle_timeout=500ms"];
  server = resources.use(await startServer({ set, network: link.far }));
});
afterAll(() => resources.disposeAsync());

test.each([
  { what: "1 % of loss", shape: "--loss 1", counted: "lost_packets" },
  { what: "5 % of loss", shape: "--loss 5", counted: "lost_packets" },
  { what: "10 % of loss in bursts", shape: "--loss 10 --burst 3", counted: "lost_packets" },
  { what: "2 % reordered", shape: "--reorder 2", counted: "reordered_packets" },
  { what: "5 % twice", shape: "--dup 5", counted: "duplicate_packets" },
  { what: "20 ms of jitter", shape: "--delay 30ms --jitter 20ms --unordered", counted: "reordered_packets" },
  { what: "all of it", shape: "--delay 20ms --jitter 5ms --loss 3 --reorder 2 --dup 2", counted: "lost_packets" },
])("with $what every picture that comes out is one that went in", async ({ what, shape, counted }) => {
  if (found === undefined) return;
  for (const { codec } of sources) {
    const file = folder.file(`${codec}.mkv`);
    const wanted = await frameHashes(file, "v:0");
    const stream = `live/${`${what} ${codec}`.replaceAll(/\W+/g, "-")}`;
    const input = ["-hide_banner", "-loglevel", "warning", "-re", "-i", file];
    const output = ["-c", "copy", "-f", "rtsp", "-rtsp_transport", "udp"];
    const to = `rtsp://${link.farAddress}:${server.rtspPort}/${stream}`;
    const before = (await server.stats()).rtsp;
    await using publisher = startCommand(...command(link.near, "ffmpeg", ...input, ...output, to));
    await waitFor(stream, async () => (await server.stats()).active_streams.includes(stream));
    const record = folder.file("record.nut");
    const quiet = ["-y", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp"];
    const decoded = ["-c:v", "rawvideo", "-vsync", "passthrough", record];
    await using player = startCommand(
      ...command(link.far, "ffmpeg", ...quiet, "-i", server.rtspUrl(stream), ...decoded),
    );
    await waitFor("the player", async () => (await server.stats()).subscribers === 1);
    await link.shape(shape);
    await waitFor("four seconds", async () => {
      const { streams } = await server.stats();
      const position = streams.find(({ name }) => name === stream)?.position_ms ?? Number.POSITIVE_INFINITY;
      return position > 4_500 || publisher.exitCode() !== null;
    });
    await link.shape("");
    await finished(publisher, "the publisher");
    await finished(player, "the player");
    const got = await frameHashes(record, "v:0");
    const after = (await server.stats()).rtsp;
    const at = got.map((hash) => wanted.indexOf(hash));
    expect(at, `${codec}: every picture is one of the source`).not.toContain(-1);
    expect(at, `${codec}: in its order, and once`).toEqual([...new Set(at)].sort((a, b) => a - b));
    expect(after[counted], `${codec}: the link did something`).toBeGreaterThan(before[counted] ?? 0);
    if (counted === "lost_packets") {
      expect(got.length, `${codec}: it goes on`).toBeGreaterThan(20);
    } else {
      expect(after["lost_packets"], `${codec}: nothing was lost`).toBe(before["lost_packets"]);
      expect(at, `${codec}: nothing is missing`).toEqual(wanted.slice(at[0]).map((_, index) => index + (at[0] ?? 0)));
    }
  }
});

test("losses and repetitions are counted as the link made them", async () => {
  if (found === undefined) return;
  await using sender = await RtpSender.start(`rtsp://${link.farAddress}:${server.rtspPort}/live/counted`);
  await sender.send(20);
  const [before, linkBefore] = [(await server.stats()).rtsp, await link.counters()];
  await link.shape("--loss 5 --dup 3 --reorder 2");
  await sender.send(1_000);
  await link.shape("");
  await sender.send(100);
  const linkAfter = await link.counters();
  // What is missing behind the last gap is given up a moment later.
  const after = await waitFor("the last packets", async () => {
    const { rtsp } = await server.stats();
    const received = (rtsp["udp_received_packets"] ?? 0) - (before["udp_received_packets"] ?? 0);
    const sent = linkAfter.in - linkBefore.in - (linkAfter.lost - linkBefore.lost);
    return received >= sent - 1 ? rtsp : undefined; // but for the acknowledgement of a request
  });
  const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  expect(grown("lost_packets")).toBe(linkAfter.lost - linkBefore.lost);
  expect(grown("duplicate_packets")).toBe(linkAfter.duplicated - linkBefore.duplicated);
  expect(grown("reordered_packets")).toBeGreaterThan(0);
  expect(grown("lost_packets")).toBeGreaterThan(20);
});

class RtpSender implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = "";

  static async start(url: string): Promise<RtpSender> {
    const program = resolve(import.meta.dirname, "../support/rtp-sender-program.ts");
    const [first, args] = command(link.near, process.execPath, program, url);
    const sender = new RtpSender(spawn(first, args, { stdio: ["pipe", "pipe", "inherit"] }));
    await sender.#waitFor("ready");
    return sender;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.on("data", (bytes: Buffer) => {
      this.#said += bytes.toString();
    });
  }

  async send(packetCount: number): Promise<void> {
    this.#said = "";
    this.#child.stdin!.write(`${packetCount}\n`);
    await this.#waitFor("sent");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await waitFor("the sender's end", () => this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  #waitFor(word: string): Promise<unknown> {
    return waitFor(`"${word}" of the sender`, () => this.#said.includes(word), 20_000);
  }
}

function command(network: string, ...line: readonly string[]): [string, string[]] {
  const [program = "", ...args] = [...inNetwork(network), ...line];
  return [program, args];
}

/**
 * FFmpeg and GStreamer at the session, over real sockets: what one publishes, the others play, with a password, over TCP, UDP and
 * through HTTP. A relay of a few lines stands in for the server.
 */

import { execFile, spawn, spawnSync } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testCrypto } from "./pair.cases.ts";
import type { RtspServerEvent } from "./server-events.ts";
import { RtspServerSession } from "./session.ts";
import { guessProtocol, RtspTunnelSession } from "./tunnel.ts";

const run = promisify(execFile);
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const hasGStreamer = spawnSync("gst-inspect-1.0", ["rtspsrc"]).status === 0;

/** One stream with one track. */
class Relay {
  readonly #server: Server;
  readonly #players = new Set<(kind: "rtp" | "rtcp", packet: Uint8Array) => void>();
  /** Cookie → where the bytes of a tunnel's POST go. */
  readonly #tunnels = new Map<string, (bytes: Uint8Array) => void>();
  readonly #udp: UdpSocket[] = [];
  #sdp: string | undefined;
  #packetCount = 0;
  /** Why sessions ended that did not end by themselves. */
  readonly errors: string[] = [];
  port = 0;

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get packetCount(): number {
    return this.#packetCount;
  }

  /** On a port that depends on the process, below those that the system gives away, and the two behind it for UDP. */
  async open(): Promise<void> {
    for (let port = 10_000 + 4 * (process.pid % 5_000); port < 32_000; port += 4) {
      const udp = [createSocket("udp4"), createSocket("udp4")];
      const areOpen = await Promise.all([
        isListening(this.#server, () => this.#server.listen(port, "127.0.0.1")),
        ...udp.map((socket, i) => isListening(socket, () => socket.bind(port + 1 + i, "127.0.0.1"))),
      ]);
      if (!areOpen.includes(false)) {
        this.port = port;
        for (const [i, socket] of udp.entries()) {
          socket.on("message", (packet) => this.#publish(i === 0 ? "rtp" : "rtcp", packet));
          this.#udp.push(socket);
        }
        return;
      }
      for (const socket of udp) socket.close();
      await new Promise((closed) => this.#server.close(closed));
    }
    throw new Error("no three ports in a row are free");
  }

  close(): void {
    this.#server.close();
    for (const udp of this.#udp) udp.close();
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    socket.once("data", (first: Uint8Array) => {
      if (guessProtocol(first) === "http") {
        this.#acceptTunnel(socket, first);
        return;
      }
      const handle = this.#open(socket);
      handle(first);
      socket.on("data", handle);
    });
  }

  #acceptTunnel(socket: Socket, first: Uint8Array): void {
    const tunnel = new RtspTunnelSession(performance.now());
    let input: ((bytes: Uint8Array) => void) | undefined;
    const handle = (bytes: Uint8Array): void => {
      tunnel.handle(bytes);
      for (let event = tunnel.pollEvent(); event !== undefined; event = tunnel.pollEvent()) {
        if (event.type === "get") {
          tunnel.accept();
          socket.write(tunnel.pollOutput() as Uint8Array);
          this.#tunnels.set(event.cookie, this.#open(socket));
        } else if (event.type === "post") {
          input = this.#tunnels.get(event.cookie);
        } else if (event.type === "data") {
          input?.(event.data);
        }
      }
    };
    handle(first);
    socket.on("data", handle);
  }

  /** A session whose output goes to `socket`; returns where its input comes in. */
  #open(socket: Socket): (bytes: Uint8Array) => void {
    const options = { crypto: testCrypto(), isTls: false, transports: { tcp: true, udp: true, multicast: false } };
    const session = new RtspServerSession(options, performance.now());
    const drain = (): void => {
      for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
        this.#decide(event, session, drain);
      }
      const output = session.pollOutput();
      if (output !== undefined && !socket.destroyed) socket.write(output);
    };
    socket.on("close", () => {
      session.close();
      drain();
    });
    return (bytes) => {
      session.handle(bytes, performance.now());
      drain();
    };
  }

  #decide(event: RtspServerEvent, session: RtspServerSession, drain: () => void): void {
    const now = performance.now();
    switch (event.type) {
      case "describe":
      case "announce": {
        const { credentials, requestId } = event;
        const isAllowed = credentials?.scheme === "digest" && credentials.isPassword("s3cret");
        if (!isAllowed) session.reject(requestId, 401, now);
        else if (event.type === "announce") {
          this.#sdp = event.sdp.replace(/a=control:.*/, "a=control:trackID=0");
          session.acceptAnnounce(requestId, { controls: ["streamid=0"] }, now);
        } else if (this.#sdp === undefined) session.reject(requestId, 404, now);
        else session.acceptDescribe(requestId, { sdp: this.#sdp, trackCount: 1 }, now);
        break;
      }
      case "setup":
        session.acceptSetup(event.requestId, { serverPorts: [this.port + 1, this.port + 2] }, now);
        break;
      case "record":
        session.acceptRecord(event.requestId, now);
        break;
      case "play": {
        session.acceptPlay(event.requestId, [], now);
        drain();
        const [track] = session.tracks;
        const send = (kind: "rtp" | "rtcp", packet: Uint8Array): void => {
          if (track?.transport.kind === "udp") {
            const i = kind === "rtp" ? 0 : 1;
            this.#udp[i]?.send(packet, track.transport.clientPorts[i], "127.0.0.1");
          } else {
            session.sendInterleaved(0, kind, packet);
            drain();
          }
        };
        this.#players.add(send);
        break;
      }
      case "closed":
        if (event.error !== undefined) this.errors.push(event.error.message);
        break;
      case "media":
        this.#publish(event.kind, event.data);
        break;
      default:
        break;
    }
  }

  #publish(kind: "rtp" | "rtcp", packet: Uint8Array): void {
    this.#packetCount += 1;
    for (const send of this.#players) send(kind, packet);
  }
}

/** False: the port is somebody else's. */
function isListening(socket: Server | UdpSocket, open: () => void): Promise<boolean> {
  return new Promise((done) => {
    socket.once("listening", () => done(true));
    socket.once("error", () => done(false));
    open();
  });
}

const relay = new Relay();
const publishers: ReturnType<typeof spawn>[] = [];

beforeAll(async () => {
  await relay.open();
});

afterAll(() => {
  for (const publisher of publishers) publisher.kill("SIGKILL");
  relay.close();
});

function addressOf(password = "s3cret"): string {
  return `rtsp://user:${password}@127.0.0.1:${relay.port}/live/cam`;
}

async function publish(transport: "tcp" | "udp"): Promise<void> {
  const source = "-re -f lavfi -i testsrc=size=160x120:rate=50 -c:v libx264 -preset ultrafast -tune zerolatency -g 5";
  const output = ["-rtsp_transport", transport, "-f", "rtsp", addressOf()];
  const publisher = spawn("ffmpeg", ["-v", "error", ...source.split(" "), ...output], { stdio: "ignore" });
  publishers.push(publisher);
  const before = relay.packetCount;
  await expect.poll(() => relay.packetCount, { timeout: 10_000 }).toBeGreaterThan(before);
}

async function frameCount(transport: string, address: string): Promise<number> {
  const options = ["-v", "error", "-rtsp_transport", transport, "-analyzeduration", "200000", "-i", address];
  const { stdout } = await run("ffmpeg", [...options, "-frames:v", "5", "-f", "framemd5", "-"], { timeout: 15_000 });
  return stdout.split("\n").filter((line) => /^0,/.test(line)).length;
}

for (const transport of ["tcp", "udp"] as const) {
  test(`FFmpeg publishes over ${transport}; FFmpeg and GStreamer play`, { timeout: 60_000 }, async () => {
    if (!hasFfmpeg) {
      process.stderr.write("ffmpeg is missing: one test of RTSP peers is left out\n");
      return;
    }
    await publish(transport);
    const counts = ["tcp", "udp", "http"].map((each) => frameCount(each, addressOf()));
    expect(await Promise.all(counts)).toEqual([5, 5, 5]);
    await expect(frameCount("tcp", addressOf("wrong"))).rejects.toThrow(/401/);
    if (hasGStreamer) await playWithGStreamer();
    publishers.pop()?.kill("SIGINT");
    expect(relay.errors).toEqual([]);
  });
}

/** Until a few pictures have come out: at its own end of a stream GStreamer fails now and then, in a way of its own. */
async function playWithGStreamer(): Promise<void> {
  for (const protocol of ["tcp", "udp"]) {
    const source = ["rtspsrc", `location=${addressOf()}`, `protocols=${protocol}`, "latency=0"];
    const player = spawn("gst-launch-1.0", ["-q", ...source, "!", "rtph264depay", "!", "fdsink"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let byteCount = 0;
    player.stdout.on("data", (bytes: Uint8Array) => {
      byteCount += bytes.length;
    });
    await expect.poll(() => byteCount, { timeout: 15_000 }).toBeGreaterThan(5_000);
    player.kill("SIGKILL");
    await once(player, "exit");
  }
}

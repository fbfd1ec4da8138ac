/** Bad datagrams, and what is asked for over UDP that must not be had: nobody else feels it, and nobody is flooded. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { corpusSeeds } from "../support/material.ts";
import { Canary } from "../support/raw-canary.ts";
import { announced, RawRtsp } from "../support/raw-rtsp.ts";
import { expectCounted, expectQuietLog, growthDuring } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["rtsp.session_timeout=5s", "streaming.publisher_timeout=1m"] }));
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

/** An even port and the next one, of an address of loopback; what comes is counted. */
class Ports implements Disposable {
  readonly sockets: readonly [Socket, Socket];
  readonly received: Buffer[] = [];
  #isClosed = false;

  static async open(address = "127.0.0.1"): Promise<Ports> {
    for (;;) {
      const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
      const rtpPort = 2 * Math.floor(5_000 + Math.random() * 8_000);
      try {
        for (const [index, socket] of sockets.entries()) {
          socket.bind(rtpPort + index, address);
          await once(socket, "listening");
        }
        return new Ports(sockets);
      } catch {
        for (const socket of sockets) socket.close();
      }
    }
  }

  private constructor(sockets: readonly [Socket, Socket]) {
    this.sockets = sockets;
    for (const socket of sockets) socket.on("message", (bytes) => this.received.push(bytes));
  }

  get transport(): string {
    const [rtp, rtcp] = this.sockets.map((socket) => socket.address().port);
    return `RTP/AVP;unicast;client_port=${rtp}-${rtcp}`;
  }

  /** Of G.711. */
  sendRtp(port: number, sequenceNumber: number, ssrc = 7): void {
    const packet = Buffer.alloc(12 + 160, 0xd5);
    packet.writeUInt16BE(0x8008, 0);
    packet.writeUInt16BE(sequenceNumber, 2);
    packet.writeUInt32BE(sequenceNumber * 160, 4);
    packet.writeUInt32BE(ssrc, 8);
    this.sockets[0].send(packet, port, "127.0.0.1");
  }

  /** Nobody listens any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const socket of this.sockets) socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function serverPortOf(answer: string): number {
  return Number(/server_port=(\d+)/.exec(answer)?.[1]);
}

/** A publisher over UDP, recording; the port that it sends to. */
async function recording(peer: RawRtsp, ports: Ports, name: string): Promise<number> {
  await announced(peer, name, `${ports.transport};mode=record`);
  await peer.ask(`RECORD rtsp://127.0.0.1/${name} RTSP/1.0`, 3);
  return serverPortOf(peer.received);
}

/** A player over UDP; the server's port. */
async function playing(peer: RawRtsp, ports: Ports): Promise<number> {
  const url = "rtsp://127.0.0.1/canary/bird";
  await peer.ask(`DESCRIBE ${url} RTSP/1.0`, 1);
  const answer = await peer.ask(`SETUP ${url}/trackID=0 RTSP/1.0\r\nTransport: ${ports.transport}`, 2);
  expect(answer).toContain(";timeout=5");
  await peer.ask(`PLAY ${url} RTSP/1.0`, 3);
  return serverPortOf(answer);
}

async function rtspCount(name: string): Promise<number> {
  return (await server.stats()).rtsp[name] ?? 0;
}

test("another address, and another port of the same one, add nothing to a publisher's stream", async () => {
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  const port = await recording(peer, ports, "live/owner");
  using neighbour = await Ports.open("127.0.0.2");
  using sibling = await Ports.open();
  const [strangersBefore, lostBefore] = [await rtspCount("udp_stranger_packets"), await rtspCount("lost_packets")];
  for (let sequence = 0; sequence < 50; sequence++) {
    ports.sendRtp(port, sequence);
    for (const spoofer of [neighbour, sibling]) {
      spoofer.sendRtp(port, sequence + 1);
      spoofer.sendRtp(port, sequence + 20_000, 9);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await waitFor("the strangers", async () => (await rtspCount("udp_stranger_packets")) >= strangersBefore + 200);
  const stream = await waitFor("the stream", async () =>
    (await server.stats()).streams.find(
      ({ name, totals }) => name === "live/owner" && totals["audio_frame_count"] === 50,
    ),
  );
  expect(stream.tracks).toHaveLength(1);
  expect(await rtspCount("lost_packets")).toBe(lostBefore);
});

test("a publisher that pauses adds nothing meanwhile", async () => {
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  const name = "live/pauses";
  await announced(peer, name, `${ports.transport};mode=record`);
  const port = serverPortOf(peer.received);
  let sequence = 0;
  for (const [at, method] of ["RECORD", "PAUSE", "RECORD"].entries()) {
    await peer.ask(`${method} rtsp://127.0.0.1/${name} RTSP/1.0`, 3 + at);
    const before = await rtspCount("udp_received_packets");
    for (let count = 0; count < 10; count++) ports.sendRtp(port, sequence++);
    await waitFor("the packets", async () => (await rtspCount("udp_received_packets")) >= before + 10);
  }
  const frameCount = async (): Promise<number | undefined> =>
    (await server.stats()).streams.find((stream) => stream.name === name)?.totals["audio_frame_count"];
  await waitFor("20 frames", async () => (await frameCount()) === 20);
});

test("media goes to the address that asked, whatever destination= says, and to no ports of the system", async () => {
  using third = await Ports.open("127.0.0.9");
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  const url = "rtsp://127.0.0.1/canary/bird";
  await peer.ask(`DESCRIBE ${url} RTSP/1.0`, 1);
  const [rtp] = third.sockets.map((socket) => socket.address().port);
  const elsewhere = `RTP/AVP;unicast;destination=127.0.0.9;source=127.0.0.9;client_port=${rtp}-${(rtp ?? 0) + 1}`;
  const low = await peer.ask(`SETUP ${url}/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=52-53`, 2);
  expect(low).toContain(" 461 ");
  const answer = await peer.ask(`SETUP ${url}/trackID=0 RTSP/1.0\r\nTransport: ${elsewhere}`, 3);
  expect(answer).toContain(" 200 OK");
  expect(answer).not.toContain("127.0.0.9");
  const sentBefore = await rtspCount("udp_sent_packets");
  await peer.ask(`PLAY ${url} RTSP/1.0`, 4);
  await waitFor("packets", async () => (await rtspCount("udp_sent_packets")) > sentBefore + 20);
  expect(third.received).toHaveLength(0);
  expect(ports.received).toHaveLength(0);
});

test("the ports of another session at the same address are not given twice", async () => {
  using ports = await Ports.open();
  using first = new RawRtsp(server.rtspPort);
  const shard = await recording(first, ports, "live/ports");
  await expectCounted(server, "ERR_RTSP_UDP_PORTS", 1, async () => {
    // Shards have ports of their own: some of these connections are on the first one's.
    for (let at = 0; at < 16; at++) {
      using other = new RawRtsp(server.rtspPort);
      const url = "rtsp://127.0.0.1/canary/bird";
      await other.ask(`DESCRIBE ${url} RTSP/1.0`, 1);
      const answer = await other.ask(`SETUP ${url}/trackID=0 RTSP/1.0\r\nTransport: ${ports.transport}`, 2);
      if (serverPortOf(answer) === shard) throw new Error("two sessions have one port");
    }
  });
});

test("a player that says nothing is given up, though nobody closed its connection", async () => {
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  await expectCounted(server, "ERR_RTSP_TIMEOUT", 1, async () => {
    await playing(peer, ports);
    await waitFor("packets", () => ports.received.length > 20);
    ports.close(); // the system says that nobody is there; that alone ends nothing
    const closedAtMs = performance.now();
    await peer.closed;
    expect(performance.now() - closedAtMs).toBeGreaterThan(3_000);
  });
  expect(await rtspCount("udp_players")).toBe(0);
});

test("receiver reports keep a player, other noise from its ports does not", async () => {
  using peers = new DisposableStack();
  const [kept, noisy] = [peers.use(new RawRtsp(server.rtspPort)), peers.use(new RawRtsp(server.rtspPort))];
  const [keptPorts, noisyPorts] = [peers.use(await Ports.open()), peers.use(await Ports.open())];
  const [keptPort, noisyPort] = [await playing(kept, keptPorts), await playing(noisy, noisyPorts)];
  const timer = setInterval(() => {
    keptPorts.sockets[1].send(Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 7), keptPort + 1, "127.0.0.1");
    noisyPorts.sockets[0].send(Uint8Array.of(0x80, 0, 0, 0), noisyPort, "127.0.0.1");
    noisyPorts.sockets[1].send(Uint8Array.of(1, 2, 3), noisyPort + 1, "127.0.0.1");
  }, 500);
  try {
    await expectCounted(server, "ERR_RTCP_PACKET", 5, () => noisy.closed);
    const { length } = keptPorts.received;
    await waitFor("more packets", () => keptPorts.received.length > length + 20);
  } finally {
    clearInterval(timer);
  }
});

test("200,000 datagrams from nowhere take no memory, and are counted", async () => {
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  const port = await recording(peer, ports, "live/flooded");
  using flood = await Ports.open("127.0.0.3");
  const before = await rtspCount("udp_stranger_packets");
  const growth = await growthDuring(server, async () => {
    for (let batch = 0; batch < 400; batch++) {
      for (let at = 0; at < 500; at++) flood.sendRtp(port + (at % 2), at);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  // What the system had no room for was never seen.
  expect(await rtspCount("udp_stranger_packets")).toBeGreaterThan(before + 20_000);
  expect(growth).toBeLessThan(64 * 2 ** 20);
});

test("every seed of the corpora as a publisher's RTP and RTCP", async () => {
  using peer = new RawRtsp(server.rtspPort);
  using ports = await Ports.open();
  const port = await recording(peer, ports, "live/seeds");
  for (const [half, folder] of ["rtp", "rtcp"].entries()) {
    let count = 0;
    for (const { bytes } of corpusSeeds(folder)) {
      if (bytes.length > 65_000) continue;
      ports.sockets[half as 0 | 1].send(bytes, port + half, "127.0.0.1");
      if (++count % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  expect(await peer.ask("OPTIONS * RTSP/1.0", 4)).toContain(" 200 OK");
});

/** RTSP players and our own session on a virtual clock: from OPTIONS to the end, in random pieces. */

import { setImmediate } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { CodedError } from "../../bytes/coded-error.ts";
import { writeRtcp } from "../../protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../../protocols/rtcp/ntp.ts";
import { writeRtpPacket } from "../../protocols/rtp/packet-writer.ts";
import { writeInterleaved } from "../../protocols/rtsp/interleaved.ts";
import { acceptAll, type Decision, randomPieces, ServerBench, seededRandom } from "../../protocols/rtsp/pair.cases.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import type { DatagramHandler, DatagramOptions, DatagramPeerHandler, DatagramSocket } from "../../runtime/datagrams.ts";
import type { Connection, Transport } from "../../runtime/transport.ts";
import { packetFigures } from "./media-verdict.ts";
import { type CheckedPlayers, openPlayers } from "./open-players.ts";
import type { BenchOptions } from "./options.ts";
import type { PlayerLink, PlayerProtocol } from "./player-protocol.ts";
import type { RtpChecks } from "./rtp-checks.ts";

const player = 1;

describe.each([1, 2, 3])("in pieces of seed %i", (seed) => {
  test("plays, checks what comes, keeps its session alive, and is told the end", () => {
    const pair = new Pair(seed);
    pair.join();
    for (let i = 0; i < 3_000; i++) pair.sendFrame(i); // two minutes
    expect(pair.server.errorCode).toBeUndefined();
    const { tagCount, backwardsCount, gapCount, longestGapMs } = pair.opened.checks;
    expect({ tagCount, backwardsCount, gapCount, longestGapMs }).toEqual({
      ...{ tagCount: 6_000, backwardsCount: 0, gapCount: 0, longestGapMs: 40 },
    });
    expect(pair.packetFigures()).toEqual([9_000, 0, 0, 0, 0, 48, 0]);
    expect(pair.sentText()).toContain("GET_PARAMETER");
    expect(pair.opened.checks.playSentAtMs[player]).toBeGreaterThan(0);

    pair.send(writeInterleaved(1, writeRtcp([{ kind: "bye", ssrcs: [1], reason: undefined }])));
    expect(() => pair.carry()).toThrow(expect.objectContaining({ code: "ERR_BENCH_CLOSED" }));
  });

  test.each([
    ["a channel that nobody set up", (frame: Uint8Array) => frame.with(1, 9)],
    ["a byte that is missing", (frame: Uint8Array) => frame.subarray(0, -1)],
    ["a byte too many", (frame: Uint8Array) => Uint8Array.of(...frame, 0)],
    ["a packet that is none", (frame: Uint8Array) => frame.with(4, 0)],
  ])("finds %s", (_what, tear) => {
    const pair = new Pair(seed);
    pair.join();
    pair.sendFrame(0);
    pair.send(tear(pair.frame(1)));
    expect(() => {
      pair.carry();
      pair.sendFrame(2);
    }).toThrow(expect.objectContaining({ code: "ERR_BENCH_FRAMING" }));
  });
});

describe("over UDP", () => {
  async function joined(network: FakeNetwork): Promise<Pair> {
    const pair = new Pair(1, describedAs(twoTracks), network);
    pair.carry();
    await setImmediate();
    pair.join();
    return pair;
  }

  test("has a pair of ports for each track, and checks what comes there", async () => {
    const network = new FakeNetwork([10_002, 10_005]);
    const pair = await joined(network);
    expect(network.ports).toEqual([10_000, 10_001, 10_004, 10_006, 10_007].map((port) => `127.0.0.9:${port}`));
    expect(pair.server.find("setup")).toMatchObject({ transport: { kind: "udp", clientPorts: [10_000, 10_001] } });
    const packet = (sequence: number): Uint8Array => pair.packet(0, sequence, sequence * 3_600, true);
    network.send("stranger:10000", packet(1)); // before the answer to PLAY
    for (const sequence of [2, 3, 5, 4, 7]) network.send(`${serverAddress}:8000:10000`, packet(sequence));
    network.send(`${serverAddress}:8001:10001`, pair.report(0, 40));
    expect(pair.packetFigures()).toEqual([6, 2, 1, 0, 0, 1, 0]);
    expect(pair.receivedBytes).toBeGreaterThan(6 * 700);
    expect(pair.opened.protocols.notes?.()).toEqual([expect.stringContaining("3 packets were lost in this generator")]);
    pair.close();
    expect(network.openCount).toBe(0);
    expect(pair.opened.protocols.notes?.()).toHaveLength(1);
  });

  test("what is no packet ends it, and ports that nobody can have", async () => {
    const network = new FakeNetwork();
    const pair = await joined(network);
    network.send(`${serverAddress}:8000:10000`, new Uint8Array(20));
    expect(pair.failure).toMatchObject({ code: "ERR_BENCH_FRAMING" });

    const none = new FakeNetwork(Array.from({ length: 22_000 }, (_, i) => 10_000 + i));
    const refused = new Pair(1, describedAs(twoTracks), none);
    refused.carry();
    await vi.waitFor(() => expect(refused.failure).toMatchObject({ code: "ERR_BENCH_REFUSED" }));
  });
});

test("is refused with the server's words", () => {
  const refuse: Decision = (event, session, now) => {
    if (event.type !== "describe") acceptAll(event, session, now);
    else session.reject(event.requestId, 404, now);
  };
  const pair = new Pair(4, refuse);
  expect(() => pair.carry()).toThrow(
    expect.objectContaining({ code: "ERR_RTSP_REFUSED", message: expect.stringContaining("404") }),
  );
});

test.each([
  ["with nothing in it that can be played", "m=text 0 RTP/AVP 96\r\na=rtpmap:96 t140/1000\r\n"],
  ["with nothing in it", ""],
])("a description %s is an error", (_what, media) => {
  const pair = new Pair(5, describedAs(media));
  expect(() => pair.carry()).toThrow(expect.objectContaining({ code: "ERR_BENCH_FRAMING" }));
});

/** A picture in two packets and a sound in one, each 40 ms; reports each 5 s. */
class Pair {
  readonly opened: CheckedPlayers;
  readonly server: ServerBench;
  readonly #protocol: PlayerProtocol;
  readonly #toServer: Uint8Array[] = [];
  readonly #toPlayer: Uint8Array[] = [];
  readonly #sent: Uint8Array[] = [];
  readonly #random: () => number;

  readonly network: FakeNetwork | undefined;
  receivedBytes = 0;
  failure: CodedError | undefined;

  constructor(seed: number, decide: Decision = describedAs(twoTracks), network?: FakeNetwork) {
    this.network = network;
    this.server = new ServerBench({}, decide);
    this.#random = seededRandom(seed);
    const { requestUrl: url, host, port } = parseRtspUrl("rtsp://host/live/cam");
    const options = { players: 3, maxGapMs: 500, rtspTransport: this.network === undefined ? "tcp" : "udp" };
    this.opened = openPlayers({
      address: { protocol: "rtsp", host, port, url },
      options: options as BenchOptions,
      host: serverAddress,
      transport: this.network as unknown as Transport,
    });
    const connection = { send: (bytes: Uint8Array) => this.#push(bytes) } as unknown as Connection;
    const link: PlayerLink = {
      localAddress: "127.0.0.9",
      received: (byteLength) => {
        this.receivedBytes += byteLength;
      },
      fail: (error) => {
        this.failure = error;
      },
    };
    this.#protocol = this.opened.protocols.start(player, connection, this.server.now, link);
  }

  #push(bytes: Uint8Array): void {
    this.#toServer.push(bytes.slice());
    this.#sent.push(bytes.slice());
  }

  join(): void {
    this.carry();
    expect(this.server.find("play")).toBeDefined();
  }

  frame(index: number): Uint8Array {
    return this.#packet(0, 2 * index, index * 3_600, false);
  }

  sendFrame(index: number): void {
    this.server.advance(40);
    if (index % 125 === 0) for (const track of [0, 1]) this.send(this.#report(track, index * 40));
    this.send(this.frame(index));
    this.send(this.#packet(0, 2 * index + 1, index * 3_600, true));
    this.send(this.#packet(1, index, index * 1_920, false));
    this.carry();
  }

  send(bytes: Uint8Array): void {
    this.#toPlayer.push(bytes);
  }

  sentText(): string {
    return this.#sent.map((bytes) => new TextDecoder().decode(bytes)).join("");
  }

  packetFigures(): number[] {
    return Object.values(packetFigures(this.opened.packets as RtpChecks));
  }

  /** Both ways, until nobody has anything to say. */
  carry(): void {
    for (;;) {
      this.server.handle(...this.#toServer.splice(0));
      const output = Buffer.concat([this.server.takeOutput(), ...this.#toPlayer.splice(0)]);
      if (output.length === 0 && this.#toServer.length === 0) return;
      for (const piece of randomPieces(new Uint8Array(output), this.#random))
        this.#protocol.handle(piece, this.server.now);
    }
  }

  close(): void {
    this.#protocol.close?.();
  }

  packet(track: number, sequence: number, timestamp: number, marker: boolean): Uint8Array {
    return this.#packet(track, sequence, timestamp, marker).subarray(4);
  }

  report(track: number, timeMs: number): Uint8Array {
    return this.#report(track, timeMs).subarray(4);
  }

  #packet(track: number, sequence: number, timestamp: number, marker: boolean): Uint8Array {
    const payload = new Uint8Array(track === 0 ? 700 : 30).fill(0x41);
    const numbers = { sequenceNumber: (65_000 + sequence) % 0x1_0000, timestamp, payloadType: 96 + track };
    return writeInterleaved(2 * track, writeRtpPacket({ ...numbers, ssrc: track + 1, marker, payload }));
  }

  #report(track: number, timeMs: number): Uint8Array {
    const rtpTimestamp = timeMs * (track === 0 ? 90 : 48);
    const counts = { packetCount: 0, octetCount: 0, reports: [] };
    const ntp = ntpOfUnixMs(1_800_000_000_000 + timeMs);
    return writeInterleaved(
      2 * track + 1,
      writeRtcp([{ kind: "senderReport", ssrc: track + 1, ntp, rtpTimestamp, ...counts }]),
    );
  }
}

/** Sockets that nothing is behind: packets are handed to their peers. */
class FakeNetwork {
  readonly ports: string[] = [];
  readonly taken: ReadonlySet<number>;
  readonly #peers = new Map<string, DatagramPeerHandler>();
  openCount = 0;

  constructor(taken: readonly number[] = []) {
    this.taken = new Set(taken);
  }

  async openDatagrams({ host, port }: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket> {
    if (this.taken.has(port)) throw Object.assign(new Error("taken"), { code: "EADDRINUSE" });
    this.ports.push(`${host}:${port}`);
    this.openCount++;
    this.#peers.set(`stranger:${port}`, {
      handleDatagram: (bytes) => handler.handleStranger(bytes, serverAddress, 8_000),
    });
    return {
      port,
      counters: { overflowedPackets: port === 10_000 ? 3 : 0 },
      openPeer: (address: string, from: number, peer: DatagramPeerHandler) =>
        this.#peers.set(`${address}:${from}:${port}`, peer),
      close: () => this.openCount--,
    } as unknown as DatagramSocket;
  }

  send(name: string, packet: Uint8Array): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) throw new Error(`nobody is open for ${name}: ${[...this.#peers.keys()].join(", ")}`);
    peer.handleDatagram(packet);
  }
}

const serverAddress = "127.0.0.1";

function describedAs(media: string): Decision {
  const sdp = `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n${media}`;
  return (event, session, now) => {
    if (event.type !== "describe") acceptAll(event, session, now);
    else session.acceptDescribe(event.requestId, { sdp, trackCount: 2 }, now);
  };
}

const twoTracks =
  "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n" +
  "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=control:trackID=1\r\n";

/** Datagrams without a system: sockets that tests put packets into, and plays that only remember where they go. */

import type { ReadableLog } from "../../src/kernel/readable-log.ts";
import type {
  DatagramCounters,
  DatagramHandler,
  DatagramOptions,
  DatagramPeer,
  DatagramPeerHandler,
  DatagramRoute,
  DatagramSocket,
  DatagramTransport,
} from "../../src/runtime/datagrams.ts";
import type { Play, PlayHandler, PlayOptions } from "../../src/runtime/play.ts";

export class FakeDatagrams implements DatagramTransport {
  readonly sockets: FakeSocket[] = [];
  readonly plays: FakePlay[] = [];
  /** Other programs have these. */
  readonly taken: Set<number> = new Set();
  #nextFreePort = 40_001;

  async openDatagrams(options: DatagramOptions, handler: DatagramHandler): Promise<FakeSocket> {
    await Promise.resolve();
    const port = options.port === 0 ? this.#nextFreePort++ : options.port;
    const isTaken = this.taken.has(port) || this.sockets.some((each) => !each.isClosed && each.port === port);
    if (isTaken) throw Object.assign(new Error(`port ${port}`), { code: "EADDRINUSE" });
    const socket = new FakeSocket(port, options, handler);
    this.sockets.push(socket);
    return socket;
  }

  playDatagrams(
    log: ReadableLog,
    routes: readonly DatagramRoute[],
    options: PlayOptions,
    handler: PlayHandler,
  ): Play | undefined {
    const play = new FakePlay(log, routes, options, handler);
    this.plays.push(play);
    return play;
  }

  get openPorts(): number[] {
    return this.sockets.filter(({ isClosed }) => !isClosed).map(({ port }) => port);
  }

  at(port: number): FakeSocket {
    const found = this.sockets.find((each) => !each.isClosed && each.port === port);
    if (found === undefined) throw new Error(`nobody listens on port ${port}`);
    return found;
  }
}

export class FakeSocket implements DatagramSocket {
  readonly port: number;
  readonly options: DatagramOptions;
  readonly receiveBufferBytes = 0;
  readonly sendBufferBytes = 0;
  readonly peers: Map<string, FakePeer> = new Map();
  isClosed = false;
  readonly #handler: DatagramHandler;
  #receivedPackets = 0;
  #strangerPackets = 0;

  constructor(port: number, options: DatagramOptions, handler: DatagramHandler) {
    this.port = port;
    this.options = options;
    this.#handler = handler;
  }

  /** As the system does when a path is narrow. */
  refuseSegmentation(): void {
    this.#handler.handleRefusedSegmentation?.("EMSGSIZE");
  }

  get counters(): DatagramCounters {
    return {
      receivedPackets: this.#receivedPackets,
      receivedBytes: 0,
      strangerPackets: this.#strangerPackets,
      sentPackets: 0,
      sentBytes: 0,
      droppedPackets: 0,
      overflowedPackets: 0,
      refusedSegmentations: 0,
    };
  }

  openPeer(address: string, port: number, handler: DatagramPeerHandler): FakePeer | undefined {
    const key = `${address} ${port}`;
    if (this.peers.has(key)) return undefined;
    const peer = new FakePeer(address, port, handler, () => this.peers.delete(key));
    this.peers.set(key, peer);
    return peer;
  }

  receive(address: string, port: number, ...bytes: readonly number[]): void {
    this.#receivedPackets++;
    const peer = this.peers.get(`${address} ${port}`);
    if (peer !== undefined) {
      peer.handler.handleDatagram(Uint8Array.from(bytes));
      return;
    }
    this.#strangerPackets++;
    this.#handler.handleStranger(Uint8Array.from(bytes), address, port);
  }

  close(): void {
    this.isClosed = true;
    for (const peer of this.peers.values()) peer.close();
  }
}

export class FakePeer implements DatagramPeer {
  readonly address: string;
  readonly port: number;
  readonly handler: DatagramPeerHandler;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly sent: Uint8Array[] = [];
  isClosed = false;
  readonly #forget: () => void;

  constructor(address: string, port: number, handler: DatagramPeerHandler, forget: () => void) {
    this.address = address;
    this.port = port;
    this.handler = handler;
    this.#forget = forget;
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  close(): void {
    this.isClosed = true;
    this.#forget();
  }
}

export class FakePlay implements Play {
  readonly log: ReadableLog;
  readonly routes: readonly DatagramRoute[];
  readonly options: PlayOptions;
  readonly handler: PlayHandler;
  readonly calls: string[] = [];
  isPaused = false;

  constructor(log: ReadableLog, routes: readonly DatagramRoute[], options: PlayOptions, handler: PlayHandler) {
    this.log = log;
    this.routes = routes;
    this.options = options;
    this.handler = handler;
  }

  /** `channel → address port`, one line for each. */
  get where(): string[] {
    return this.routes.map(({ channel, peer }) => `${channel} → ${peer.address} ${peer.port}`);
  }

  finish(): void {
    this.calls.push("finish");
  }

  stop(): void {
    this.calls.push("stop");
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.calls.push(isPaused ? "pause" : "go on");
  }
}

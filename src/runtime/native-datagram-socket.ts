/** A UDP socket of the native transport, its peers, and what is played to them. */

import { isIP } from "node:net";
import { assert } from "../bytes/assert.ts";
import { systemClock } from "./clock.ts";
import type {
  DatagramCounters,
  DatagramHandler,
  DatagramPeer,
  DatagramPeerHandler,
  DatagramSocket,
} from "./datagrams.ts";
import { maxDatagramPeers } from "./limits.ts";
import { type NativeShard, nativeDatagramCounters } from "./native-addon.ts";
import type { NativeLog } from "./native-log.ts";
import { canonicalAddress } from "./plain-address.ts";
import type { Play, PlayHandler } from "./play.ts";

/** Who is told of them, and carries out what they ask for. */
export interface NativeDatagramOwner {
  readonly shard: NativeShard;
  addPeer(peer: NativeDatagramPeer): void;
  removePeer(peer: NativeDatagramPeer): void;
  removeSocket(socket: NativeDatagramSocket): void;
  removePlay(play: NativePacketPlay): void;
  /** Handles events soon, but not inside of the call that caused them. */
  drainSoon(): void;
}

export class NativeDatagramSocket implements DatagramSocket {
  readonly id: number;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly handler: DatagramHandler;
  readonly #owner: NativeDatagramOwner;
  readonly #peers = new Set<NativeDatagramPeer>();
  readonly #counts = new Float64Array(Object.keys(nativeDatagramCounters).length);
  #isClosed = false;

  constructor(
    owner: NativeDatagramOwner,
    [id, port, receiveBufferBytes, sendBufferBytes]: ReturnType<NativeShard["openDatagrams"]>,
    handler: DatagramHandler,
  ) {
    this.#owner = owner;
    this.id = id;
    this.port = port;
    this.receiveBufferBytes = receiveBufferBytes;
    this.sendBufferBytes = sendBufferBytes;
    this.handler = handler;
  }

  get counters(): DatagramCounters {
    if (!this.#isClosed) this.#owner.shard.datagramCounters(this.id, this.#counts);
    const count = (name: keyof DatagramCounters): number => this.#counts[nativeDatagramCounters[name]] as number;
    return {
      receivedPackets: count("receivedPackets"),
      receivedBytes: count("receivedBytes"),
      strangerPackets: count("strangerPackets"),
      sentPackets: count("sentPackets"),
      sentBytes: count("sentBytes"),
      droppedPackets: count("droppedPackets"),
      overflowedPackets: count("overflowedPackets"),
      refusedSegmentations: count("refusedSegmentations"),
    };
  }

  openPeer(address: string, port: number, handler: DatagramPeerHandler): DatagramPeer | undefined {
    assert(isIP(address) !== 0, "a peer's address is an IP address");
    if (this.#isClosed) return undefined;
    const { shard } = this.#owner;
    const id = shard.openPeer(this.id, address, port, maxDatagramPeers);
    if (id < 0) return undefined;
    const peer = new NativeDatagramPeer(this.#owner, id, [canonicalAddress(address), port], handler, () =>
      this.#peers.delete(peer),
    );
    this.#peers.add(peer);
    this.#owner.addPeer(peer);
    return peer;
  }

  close(): void {
    if (this.#isClosed) return;
    for (const peer of this.#peers) peer.close();
    this.#owner.shard.datagramCounters(this.id, this.#counts); // the last word
    this.#isClosed = true;
    this.#owner.shard.closeDatagrams(this.id);
    this.#owner.removeSocket(this);
  }
}

export class NativeDatagramPeer implements DatagramPeer {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly handler: DatagramPeerHandler;
  /** What ends with it. */
  readonly plays: Set<NativePacketPlay> = new Set();
  readonly #owner: NativeDatagramOwner;
  readonly #onClosed: () => void;
  #bytes: readonly [received: number, sent: number] = [0, 0];
  #isClosed = false;

  constructor(
    owner: NativeDatagramOwner,
    id: number,
    [address, port]: readonly [string, number],
    handler: DatagramPeerHandler,
    onClosed: () => void,
  ) {
    this.#owner = owner;
    this.id = id;
    this.address = address;
    this.port = port;
    this.handler = handler;
    this.#onClosed = onClosed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get receivedBytes(): number {
    this.#count();
    return this.#bytes[0];
  }

  get sentBytes(): number {
    this.#count();
    return this.#bytes[1];
  }

  send(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#owner.shard.sendDatagram(this.id, bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    for (const play of this.plays) play.stop();
    this.#count();
    this.#isClosed = true;
    this.#owner.shard.closePeer(this.id);
    this.#owner.removePeer(this);
    this.#onClosed();
  }

  #count(): void {
    if (!this.#isClosed) this.#bytes = this.#owner.shard.peerBytes(this.id);
  }
}

/** A cursor, and the peers that its packets go to. */
export class NativePacketPlay implements Play {
  readonly handler: PlayHandler;
  readonly cursor: number;
  readonly log: NativeLog;
  readonly #owner: NativeDatagramOwner;
  readonly #player: number;
  readonly #peers: readonly NativeDatagramPeer[];
  #isPaused = false;
  #isOver = false;

  constructor(
    owner: NativeDatagramOwner,
    [player, cursor, log]: readonly [player: number, cursor: number, log: NativeLog],
    peers: readonly NativeDatagramPeer[],
    handler: PlayHandler,
  ) {
    this.#owner = owner;
    this.#player = player;
    this.cursor = cursor;
    this.log = log;
    this.#peers = peers;
    this.handler = handler;
    for (const peer of peers) peer.plays.add(this);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(isPaused: boolean): void {
    if (this.#isOver || this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.log.attach();
    this.#owner.shard.pausePackets(this.#player, isPaused, systemClock.monotonicMs());
    this.#owner.drainSoon();
  }

  finish(): void {
    if (this.#isOver) return;
    this.#isPaused = false;
    this.log.attach();
    this.#owner.shard.finishPackets(this.#player, systemClock.monotonicMs());
    this.#owner.drainSoon();
  }

  stop(): void {
    if (this.#isOver) return;
    this.#owner.shard.stopPackets(this.#player);
    this.ended();
    this.#owner.drainSoon();
  }

  /** The addon has let go of the cursor by itself. */
  ended(): void {
    this.#isOver = true;
    for (const peer of this.#peers) peer.plays.delete(this);
    this.#owner.removePlay(this);
  }
}

/** Datagrams of the native transport: what the addon says of sockets, peers and plays finds its way from here. */

import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { assert } from "../bytes/assert.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { systemClock } from "./clock.ts";
import type { DatagramHandler, DatagramOptions, DatagramRoute, DatagramSocket } from "./datagrams.ts";
import { maxDatagramPlays, packetTurnMs, wantedDatagramBufferBytes } from "./limits.ts";
import { type NativeShard, nativeEvents } from "./native-addon.ts";
import {
  type NativeDatagramOwner,
  NativeDatagramPeer,
  NativeDatagramSocket,
  NativePacketPlay,
} from "./native-datagram-socket.ts";
import type { NativeLog } from "./native-log.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";

/** What datagrams need of their transport. */
export interface NativeDatagramTransport {
  readonly shard: NativeShard;
  /** What events of bytes mean. */
  readonly received: Uint8Array;
  /** A place in the cursor table, and the addon's side of `log`. */
  openCursor(log: ReadableLog, options: PlayOptions): [cursor: number, known: NativeLog];
  closeCursor(known: NativeLog): void;
  /** Handles events now. */
  drain(): void;
  /** Handles events soon, but not inside of the call that caused them. */
  drainSoon(): void;
  /** A handler threw: a mistake of ours. */
  onFailure(error: unknown): void;
}

export class NativeDatagrams implements NativeDatagramOwner {
  readonly shard: NativeShard;
  readonly #transport: NativeDatagramTransport;
  readonly #sockets: (NativeDatagramSocket | undefined)[] = [];
  readonly #peers: (NativeDatagramPeer | undefined)[] = [];
  /** By their cursors. */
  readonly #plays = new Map<number, NativePacketPlay>();
  #spreadTimer: NodeJS.Timeout | undefined;

  constructor(transport: NativeDatagramTransport) {
    this.#transport = transport;
    this.shard = transport.shard;
  }

  /** @throws the system's error when the address can't be had */
  open(options: DatagramOptions, handler: DatagramHandler): DatagramSocket {
    const { port, multicastTtl = systemTtl, multicastInterface = "" } = options;
    const host = options.host === "localhost" ? "127.0.0.1" : options.host;
    const bind = (address: string): ReturnType<NativeShard["openDatagrams"]> =>
      this.shard.openDatagrams(address, port, wantedDatagramBufferBytes, multicastTtl, multicastInterface);
    let bound = bind(host);
    // No IPv6 on this machine: all addresses are those of IPv4.
    if (host === "" && withoutIPv6.has(bound[0])) bound = bind("0.0.0.0");
    const [result] = bound;
    if (result < 0) {
      const code = getSystemErrorName(result);
      const where = host === "" ? "all addresses" : host;
      throw Object.assign(new Error(`can't have UDP port ${port} of ${where}: ${code}`), { code });
    }
    const socket = new NativeDatagramSocket(this, bound, handler);
    this.#sockets[socket.id] = socket;
    return socket;
  }

  play(
    log: ReadableLog,
    routes: readonly DatagramRoute[],
    options: PlayOptions,
    handler: PlayHandler,
  ): Play | undefined {
    if (this.#plays.size >= maxDatagramPlays) return undefined;
    const peerIds = new Int32Array(Math.max(0, ...routes.map(({ channel }) => channel + 1))).fill(nobody);
    const peers: NativeDatagramPeer[] = [];
    for (const { channel, peer } of routes) {
      assert(peer instanceof NativeDatagramPeer, "packets go to peers of the transport's own sockets");
      if (peer.isClosed) return undefined;
      peerIds[channel] = peer.id;
      peers.push(peer);
    }
    const [cursor, known] = this.#transport.openCursor(log, options);
    const nowMs = systemClock.monotonicMs();
    const player = this.shard.playPackets(known.id, cursor, peerIds, nowMs);
    const play = new NativePacketPlay(this, [player, cursor, known], peers, handler);
    this.#plays.set(cursor, play);
    this.shard.startPackets(player, nowMs);
    this.drainSoon();
    return play;
  }

  /** An event whose id is no connection's. False: it concerns nobody here. */
  handleEvent(type: number, id: number, a: number, b: number): boolean {
    switch (type) {
      case nativeEvents.datagram:
        this.#tellPeer(this.#peers[id], a, b);
        return true;
      case nativeEvents.stranger:
        this.#tellOfStranger(this.#sockets[id], a, b);
        return true;
      case nativeEvents.segmentationRefused:
        this.#attempt(() => this.#sockets[id]?.handler.handleRefusedSegmentation?.(getSystemErrorName(-a)));
        return true;
      case nativeEvents.spread:
        this.#spreadTimer = setTimeout(() => {
          this.shard.continuePackets(systemClock.monotonicMs());
          this.#transport.drain();
        }, packetTurnMs);
        return true;
      default: {
        const play = id < 0 ? this.#plays.get(a) : undefined;
        return play !== undefined && this.#tellPlay(play, type, b);
      }
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket?.close();
    clearTimeout(this.#spreadTimer);
  }

  // For the sockets, the peers and the plays.

  addPeer(peer: NativeDatagramPeer): void {
    this.#peers[peer.id] = peer;
  }

  removePeer(peer: NativeDatagramPeer): void {
    this.#peers[peer.id] = undefined;
  }

  removeSocket(socket: NativeDatagramSocket): void {
    this.#sockets[socket.id] = undefined;
  }

  removePlay(play: NativePacketPlay): void {
    this.#plays.delete(play.cursor);
    this.#transport.closeCursor(play.log);
  }

  drainSoon(): void {
    this.#transport.drainSoon();
  }

  #tellPeer(peer: NativeDatagramPeer | undefined, offset: number, length: number): void {
    try {
      peer?.handler.handleDatagram(this.#transport.received.subarray(offset, offset + length));
    } catch (error) {
      peer?.close();
      this.#transport.onFailure(error);
    }
  }

  #tellOfStranger(socket: NativeDatagramSocket | undefined, offset: number, length: number): void {
    if (socket === undefined) return;
    const [address, port] = this.shard.strangerAddress(offset);
    const bytes = this.#transport.received.subarray(offset, offset + length);
    this.#attempt(() => socket.handler.handleStranger(bytes, address, port));
  }

  #tellPlay(play: NativePacketPlay, type: number, skippedBytes: number): boolean {
    const { handler } = play;
    if (type === nativeEvents.lag) {
      if (!this.#attempt(() => handler.handleLag(skippedBytes))) play.stop();
      return true;
    }
    if (type !== nativeEvents.evicted && type !== nativeEvents.finished) return false;
    play.ended();
    this.#attempt(() => (type === nativeEvents.evicted ? handler.handleEvicted() : handler.handlePlayed()));
    return true;
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#transport.onFailure(error);
      return false;
    }
  }
}

const withoutIPv6: ReadonlySet<number> = new Set([-constants.errno.EAFNOSUPPORT, -constants.errno.EADDRNOTAVAIL]);
/** As the addon is told. */
const systemTtl = -1;
const nobody = -1;

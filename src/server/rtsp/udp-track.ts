/**
 * One track of a session over UDP: where its packets come from, and where they go to. That is always the address of the
 * session's connection, whatever the client writes in `destination`, and there the ports that it named; on a pair of ports of
 * its own the client may turn out to be at others, behind a NAT: its first packet says so, once for each port.
 */

import { assert } from "../../bytes/assert.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import type { DatagramPeer, DatagramPeerHandler, DatagramRoute, DatagramSocket } from "../../runtime/datagrams.ts";
import type { UdpPair } from "./udp-ports.ts";

export interface UdpTrackHandler {
  /** `bytes` are valid during the call only. */
  handlePacket(kind: "rtp" | "rtcp", bytes: Uint8Array): void;
  /** The client is at another port than it said: what plays has to begin anew on other {@link UdpTrack.routes}. */
  handleMoved(): void;
  handleUnreachable(): void;
}

export class UdpTrack {
  readonly #pair: UdpPair;
  readonly #halves: readonly [TrackHalf, TrackHalf];

  /** Undefined when another session has one of the ports at this address; the pair is free then as before. */
  static open(pair: UdpPair, address: string, ports: NumberPair, handler: UdpTrackHandler): UdpTrack | undefined {
    const rtp = TrackHalf.open(pair, 0, address, ports[0], handler);
    const rtcp = rtp && TrackHalf.open(pair, 1, address, ports[1], handler);
    if (rtcp !== undefined) return new UdpTrack(pair, [rtp as TrackHalf, rtcp]);
    rtp?.close();
    return undefined;
  }

  private constructor(pair: UdpPair, halves: readonly [TrackHalf, TrackHalf]) {
    this.#pair = pair;
    this.#halves = halves;
    if (!pair.isOwn) return;
    pair.listenToStrangers((half, bytes, address, port) => halves[half].handleStranger(bytes, address, port));
  }

  /** Ours. */
  get ports(): NumberPair {
    return this.#pair.ports;
  }

  /** @param channel - of the track's packets in the log; that of its RTCP is one above */
  routes(channel: number): DatagramRoute[] {
    return this.#halves.map(({ peer }, half) => ({ channel: channel + half, peer }));
  }

  sendRtcp(packet: Uint8Array): void {
    this.#halves[1].peer.send(packet);
  }

  /** What plays on its routes has to be stopped before. */
  close(): void {
    for (const half of this.#halves) half.close();
    this.#pair.release();
  }
}

/** Its packets, or its RTCP. */
class TrackHalf implements DatagramPeerHandler {
  readonly #socket: DatagramSocket;
  readonly #kind: "rtp" | "rtcp";
  readonly #handler: UdpTrackHandler;
  #peer: DatagramPeer | undefined;
  /** Where the client is, is known for good. */
  #isFixed: boolean;

  /** Undefined when another session has the port at this address. */
  static open(
    pair: UdpPair,
    half: 0 | 1,
    address: string,
    port: number,
    handler: UdpTrackHandler,
  ): TrackHalf | undefined {
    const opened = new TrackHalf(pair.sockets[half], half === 0 ? "rtp" : "rtcp", handler, !pair.isOwn);
    opened.#peer = opened.#socket.openPeer(address, port, opened);
    return opened.#peer === undefined ? undefined : opened;
  }

  private constructor(socket: DatagramSocket, kind: "rtp" | "rtcp", handler: UdpTrackHandler, isFixed: boolean) {
    this.#socket = socket;
    this.#kind = kind;
    this.#handler = handler;
    this.#isFixed = isFixed;
  }

  get peer(): DatagramPeer {
    assert(this.#peer !== undefined, "half a track is used when it is open");
    return this.#peer;
  }

  handleDatagram(bytes: Uint8Array): void {
    this.#isFixed = true;
    this.#handler.handlePacket(this.#kind, bytes);
  }

  /** Anybody may have made the system say so: it ends nothing. */
  handleUnreachable(): void {
    this.#handler.handleUnreachable();
  }

  handleStranger(bytes: Uint8Array, address: string, port: number): void {
    if (this.#isFixed || address !== this.peer.address) return;
    const moved = this.#socket.openPeer(address, port, this);
    if (moved === undefined) return;
    const before = this.peer;
    this.#peer = moved;
    this.#handler.handleMoved();
    before.close();
    this.handleDatagram(bytes);
  }

  close(): void {
    this.peer.close();
  }
}

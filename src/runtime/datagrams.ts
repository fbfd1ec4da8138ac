/**
 * Datagrams, as the server sees them: sockets that many peers share, and cursors that send the packets of an egress log to
 * one peer each.
 *
 * The entries of a log of packets are records, one or more, each with the four bytes in front that RTSP's interleaving has
 * (RFC 2326 §10.12): "$", a channel, and the length of the packet, big-endian. So one log serves players over TCP, who get it
 * as it is, and players over UDP, who get the packets without those four bytes, each on the socket of its channel.
 */

import type { ReadableLog } from "../kernel/readable-log.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";

export interface DatagramOptions {
  /** An address to listen on; empty for all of them. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** How far packets to a multicast group go, in routers; undefined when nothing is sent to groups. */
  readonly multicastTtl?: number;
  /** The address of the interface that packets to groups leave through; the system chooses when undefined. */
  readonly multicastInterface?: string;
}

export interface DatagramHandler {
  /**
   * A datagram from an address that no peer is open for. `bytes` are valid during the call only. Anybody may send one, from any
   * address: nothing that lasts may come of it unless what is in it says why.
   */
  handleStranger(bytes: Uint8Array, address: string, port: number): void;
  /** Called once at the most: the system cuts no packets for one of the peers (GSO), so they go out one by one. Worth a line. */
  handleRefusedSegmentation?(errorName: string): void;
}

/** A bound UDP socket. */
export interface DatagramSocket {
  readonly port: number;
  readonly counters: DatagramCounters;
  /** What the system granted for datagrams that wait to be read, and to be sent; it may be less than was asked for. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /**
   * From now on what this address sends goes to `handler`. One at a time for each address: undefined when there is one, when the
   * socket has all the peers it may have, or when it can't reach addresses of this kind.
   *
   * @param address - an IP address, of the kind the socket is bound to
   */
  openPeer(address: string, port: number, handler: DatagramPeerHandler): DatagramPeer | undefined;
  /** With all its peers; their plays end without a word. */
  close(): void;
}

export interface DatagramPeerHandler {
  /** `bytes` are valid during the call only. */
  handleDatagram(bytes: Uint8Array): void;
  /**
   * The system says that nobody is there ("ECONNREFUSED" …), which a stranger may have made it say. Where it can be asked: neither
   * transport does yet (docs/decisions.md, 30).
   */
  handleUnreachable?(errorName: string): void;
}

/** One address at the other end of a socket. */
export interface DatagramPeer {
  readonly address: string;
  readonly port: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Sends at once, or drops and counts it: datagrams don't wait. */
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface DatagramCounters {
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  /** From addresses that no peer is open for. */
  readonly strangerPackets: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
  /** The system had no room for them, or no way to where they were to go. */
  readonly droppedPackets: number;
  /** Lost on their way in, because the receive buffer was full; 0 where the system does not tell. */
  readonly overflowedPackets: number;
  /** Sends that the kernel or a card refused to cut into packets (GSO); they went out one by one. */
  readonly refusedSegmentations: number;
}

/** Where the packets of a channel go. */
export interface DatagramRoute {
  readonly channel: number;
  readonly peer: DatagramPeer;
}

/** What the transport adds to {@link Transport} for datagrams. */
export interface DatagramTransport {
  /** @throws the system's error, with its name as `code`, when the address can't be had */
  openDatagrams(options: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket>;
  /**
   * Becomes a cursor on a log of packets: each packet goes to the peer of its channel, and packets of channels without a route
   * go nowhere. A key frame of many packets is spread over some milliseconds, so that it fits what lies on the way.
   *
   * A peer that is closed takes the plays that go to it along, without a word.
   *
   * @returns undefined when one of the peers is closed, or the transport has all the cursors of datagrams it may have
   */
  playDatagrams(
    log: ReadableLog,
    routes: readonly DatagramRoute[],
    options: PlayOptions,
    handler: PlayHandler,
  ): Play | undefined;
}

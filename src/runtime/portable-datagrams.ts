/** Datagrams on `node:dgram`. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { assert } from "../bytes/assert.ts";
import type {
  DatagramCounters,
  DatagramHandler,
  DatagramOptions,
  DatagramPeer,
  DatagramPeerHandler,
  DatagramSocket,
} from "./datagrams.ts";
import { maxDatagramPeers, maxQueuedDatagramBytes, wantedDatagramBufferBytes } from "./limits.ts";
import { canonicalAddress, plainAddress } from "./plain-address.ts";

/** What a socket tells its transport. */
export interface DatagramSocketOwner {
  /** A handler threw: a mistake of ours, which costs that peer. */
  onFailure(error: unknown): void;
  onOpened(socket: PortableDatagramSocket): void;
  onClosed(socket: PortableDatagramSocket): void;
}

/** @throws the system's error when the address can't be had */
export async function openPortableDatagrams(
  options: DatagramOptions,
  handler: DatagramHandler,
  owner: DatagramSocketOwner,
): Promise<PortableDatagramSocket> {
  const host = options.host === "localhost" ? "127.0.0.1" : options.host;
  let bound: Socket;
  try {
    bound = await bind(host === "" ? "::" : host, options);
  } catch (error) {
    // No IPv6 on this machine: all addresses are those of IPv4.
    const { code } = error as NodeJS.ErrnoException;
    if (host !== "" || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw error;
    bound = await bind("0.0.0.0", options);
  }
  const socket = new PortableDatagramSocket(bound, handler, owner);
  owner.onOpened(socket);
  return socket;
}

function bind(address: string, { port, multicastTtl, multicastInterface }: DatagramOptions): Promise<Socket> {
  const family = isIP(address);
  assert(family !== 0, "datagrams are bound to an IP address");
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    recvBufferSize: wantedDatagramBufferBytes,
    sendBufferSize: wantedDatagramBufferBytes,
    // Addresses are numbers here, and asking for them would make every packet wait for a turn.
    lookup: (host, _options, done) => done(null, host, family),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off("error", fail);
      try {
        if (multicastTtl !== undefined) socket.setMulticastTTL(multicastTtl);
        if (multicastInterface !== undefined) socket.setMulticastInterface(multicastInterface);
      } catch (error) {
        fail(error as Error);
        return;
      }
      resolve(socket);
    });
  });
}

export class PortableDatagramSocket implements DatagramSocket {
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly #counters: Writable<DatagramCounters> = {
    receivedPackets: 0,
    receivedBytes: 0,
    strangerPackets: 0,
    sentPackets: 0,
    sentBytes: 0,
    droppedPackets: 0,
    overflowedPackets: 0,
    refusedSegmentations: 0,
  };
  readonly #socket: Socket;
  readonly #isIPv6: boolean;
  readonly #handler: DatagramHandler;
  readonly #owner: DatagramSocketOwner;
  readonly #peers = new Map<string, PortableDatagramPeer>();
  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#counters.droppedPackets++;
  };
  #isClosed = false;

  constructor(socket: Socket, handler: DatagramHandler, owner: DatagramSocketOwner) {
    this.#socket = socket;
    this.#handler = handler;
    this.#owner = owner;
    const { port, family } = socket.address();
    this.port = port;
    this.#isIPv6 = family === "IPv6";
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.sendBufferBytes = socket.getSendBufferSize();
    socket.on("message", (bytes, from) => this.#received(bytes, from));
    // What a peer or the network made of one packet; the socket goes on.
    socket.on("error", () => {});
  }

  get counters(): DatagramCounters {
    return this.#counters;
  }

  openPeer(address: string, port: number, handler: DatagramPeerHandler): DatagramPeer | undefined {
    assert(isIP(address) !== 0, "a peer's address is an IP address");
    const plain = canonicalAddress(address);
    const isIPv4 = isIP(plain) === 4;
    const key = `${plain} ${port}`;
    const isRefused = this.#isClosed || this.#peers.has(key) || this.#peers.size >= maxDatagramPeers;
    if (isRefused || (!isIPv4 && !this.#isIPv6)) return undefined;
    const destination = isIPv4 && this.#isIPv6 ? `::ffff:${plain}` : plain;
    const peer = new PortableDatagramPeer(plain, port, handler, {
      send: (bytes) => this.#send(bytes, port, destination),
      forget: () => this.#peers.delete(key),
    });
    this.#peers.set(key, peer);
    return peer;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.close();
    this.#socket.close();
    this.#owner.onClosed(this);
  }

  #send(bytes: Uint8Array, port: number, address: string): boolean {
    if (this.#socket.getSendQueueSize() > maxQueuedDatagramBytes) {
      this.#counters.droppedPackets++;
      return false;
    }
    this.#counters.sentPackets++;
    this.#counters.sentBytes += bytes.length;
    this.#socket.send(bytes, port, address, this.#onSent);
    return true;
  }

  #received(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    if (this.#isClosed) return;
    this.#counters.receivedPackets++;
    this.#counters.receivedBytes += bytes.length;
    const plain = plainAddress(address);
    const peer = this.#peers.get(`${plain} ${port}`);
    try {
      if (peer !== undefined) {
        peer.received(bytes);
        return;
      }
      this.#counters.strangerPackets++;
      this.#handler.handleStranger(bytes, plain, port);
    } catch (error) {
      peer?.close();
      this.#owner.onFailure(error);
    }
  }
}

export class PortableDatagramPeer implements DatagramPeer {
  readonly address: string;
  readonly port: number;
  readonly #handler: DatagramPeerHandler;
  readonly #socket: { send(bytes: Uint8Array): boolean; forget(): void };
  /** What ends with it. */
  readonly plays: Set<{ stop(): void }> = new Set();
  #receivedBytes = 0;
  #sentBytes = 0;
  #isClosed = false;

  constructor(
    address: string,
    port: number,
    handler: DatagramPeerHandler,
    socket: { send(bytes: Uint8Array): boolean; forget(): void },
  ) {
    this.address = address;
    this.port = port;
    this.#handler = handler;
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#socket.send(bytes)) this.#sentBytes += bytes.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.forget();
    for (const play of this.plays) play.stop();
  }

  received(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length;
    this.#handler.handleDatagram(bytes);
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

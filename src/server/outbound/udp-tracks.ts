/**
 * The packets of one source that come over UDP, or those of a forward that go: two ports of ours for each track, RTP on the even one
 * and RTCP on the odd one behind it (RFC 3550 §11). What counts is what comes from the server's address, and there from the ports that it named; when it named
 * none, from the first that sends something.
 */

import { isIP } from "node:net";
import { CodedError } from "../../bytes/coded-error.ts";
import { writeRtcp } from "../../protocols/rtcp/compound.ts";
import type { ReadyTrack } from "../../protocols/rtsp/client-events.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import type { DatagramPeer, DatagramSocket, DatagramTransport } from "../../runtime/datagrams.ts";
import { ERR_UDP_PORTS } from "./errors.ts";
import { maxEarlyDatagrams, maxPortAttempts } from "./limits.ts";

export interface UdpTracksOptions {
  readonly transport: DatagramTransport;
  readonly trackCount: number;
  /** Of the connection, where packets may come from before the server has agreed; "" when none do. */
  readonly address: string;
  /** `packet` is valid during the call only. */
  readonly onPacket: (trackIndex: number, kind: "rtp" | "rtcp", packet: Uint8Array) => void;
}

export class UdpTracks {
  readonly #tracks: readonly UdpTrack[];

  /** @throws `ERR_UDP_PORTS` */
  static async open(options: UdpTracksOptions): Promise<UdpTracks> {
    const tracks: UdpTrack[] = [];
    try {
      for (let index = 0; index < options.trackCount; index++) tracks.push(await openTrack(options, index));
    } catch (error) {
      for (const track of tracks) track.close();
      throw error;
    }
    return new UdpTracks(tracks);
  }

  private constructor(tracks: readonly UdpTrack[]) {
    this.#tracks = tracks;
  }

  /** Of each track. */
  get ports(): readonly NumberPair[] {
    return this.#tracks.map(({ ports }) => ports);
  }

  /** RTP packets so far, of all tracks. */
  get packetCount(): number {
    return this.#tracks.reduce((sum, track) => sum + track.packetCount, 0);
  }

  get receivedBytes(): number {
    return this.#tracks.reduce((sum, track) => sum + track.receivedBytes, 0);
  }

  get sentBytes(): number {
    return this.#tracks.reduce((sum, track) => sum + track.sentBytes, 0);
  }

  /** The server, whose address this is, has agreed. What came in the meantime counts. */
  begin(ready: readonly ReadyTrack[], address: string): void {
    for (const [index, { transport }] of ready.entries()) {
      const track = this.#tracks[index];
      if (transport.kind === "udp") track?.begin(transport.serverPorts, transport.source ?? address);
      else track?.close();
    }
  }

  /** A packet from each port opens the way back through a NAT: for those who receive. */
  openWays(): void {
    for (const track of this.#tracks) track.openWays();
  }

  /** Where a track's RTP and RTCP go; undefined where the server named no ports. */
  peersOf(trackIndex: number): readonly [rtp: DatagramPeer, rtcp: DatagramPeer] | undefined {
    return this.#tracks[trackIndex]?.peers;
  }

  sendRtcp(trackIndex: number, packet: Uint8Array): void {
    this.#tracks[trackIndex]?.sendRtcp(packet);
  }

  close(): void {
    for (const track of this.#tracks) track.close();
  }
}

async function openTrack(options: UdpTracksOptions, trackIndex: number): Promise<UdpTrack> {
  const { transport } = options;
  for (let attempt = 1; ; attempt++) {
    const halves = [new TrackHalf(options, trackIndex, "rtp"), new TrackHalf(options, trackIndex, "rtcp")] as const;
    const open = (port: number, half: TrackHalf): Promise<DatagramSocket> =>
      transport.openDatagrams({ host: "", port }, half);
    let first: DatagramSocket | undefined;
    try {
      // The system gives any port; an odd one shows where there is room.
      const probe = await open(0, halves[0]);
      const { port } = probe;
      const isEven = port % 2 === 0;
      if (!isEven) probe.close();
      first = isEven ? probe : await open(port + 1, halves[0]);
      const second = await open(first.port + 1, halves[1]);
      return new UdpTrack([first, second], halves);
    } catch (error) {
      first?.close();
      if (attempt === maxPortAttempts) {
        const { code = "an unknown error" } = error as NodeJS.ErrnoException;
        throw new CodedError(ERR_UDP_PORTS, `no two UDP ports beside each other could be had: ${code}`);
      }
    }
  }
}

class UdpTrack {
  readonly #sockets: readonly [DatagramSocket, DatagramSocket];
  readonly #halves: readonly [TrackHalf, TrackHalf];

  constructor(sockets: readonly [DatagramSocket, DatagramSocket], halves: readonly [TrackHalf, TrackHalf]) {
    this.#sockets = sockets;
    this.#halves = halves;
  }

  get ports(): NumberPair {
    return [this.#sockets[0].port, this.#sockets[1].port];
  }

  get packetCount(): number {
    return this.#halves[0].packetCount;
  }

  get receivedBytes(): number {
    return this.#sockets[0].counters.receivedBytes + this.#sockets[1].counters.receivedBytes;
  }

  get sentBytes(): number {
    return this.#sockets[0].counters.sentBytes + this.#sockets[1].counters.sentBytes;
  }

  get peers(): readonly [DatagramPeer, DatagramPeer] | undefined {
    const [rtp, rtcp] = this.#halves.map(({ peer }) => peer);
    return rtp && rtcp && [rtp, rtcp];
  }

  openWays(): void {
    this.#halves[0].send(emptyRtp);
    this.#halves[1].send(emptyReport);
  }

  begin(serverPorts: NumberPair | undefined, source: string): void {
    for (const half of [0, 1] as const) this.#halves[half].begin(this.#sockets[half], serverPorts?.[half], source);
  }

  sendRtcp(packet: Uint8Array): void {
    this.#halves[1].send(packet);
  }

  close(): void {
    for (const half of this.#halves) half.close();
    for (const socket of this.#sockets) socket.close();
  }
}

/** Its packets, or its RTCP. */
class TrackHalf {
  readonly #options: UdpTracksOptions;
  readonly #trackIndex: number;
  readonly #kind: "rtp" | "rtcp";
  #socket: DatagramSocket | undefined;
  #peer: DatagramPeer | undefined;
  /** Where packets come from; the address of the connection unless the server says another. */
  #address: string;
  /** From before it was clear which port counts. */
  #early: { readonly port: number; readonly bytes: Uint8Array }[] = [];
  #isClosed = false;
  packetCount = 0;

  constructor(options: UdpTracksOptions, trackIndex: number, kind: "rtp" | "rtcp") {
    this.#options = options;
    this.#trackIndex = trackIndex;
    this.#kind = kind;
    this.#address = options.address;
  }

  get peer(): DatagramPeer | undefined {
    return this.#peer;
  }

  begin(socket: DatagramSocket, port: number | undefined, source: string): void {
    if (isIP(source) !== 0 && source !== this.#address) {
      this.#address = source;
      this.#early = [];
    }
    this.#socket = socket;
    const early = this.#early;
    this.#early = [];
    if (port !== undefined) this.#open(port);
    for (const packet of early) this.handleStranger(packet.bytes, this.#address, packet.port);
  }

  handleDatagram(bytes: Uint8Array): void {
    if (!isMeant(bytes, this.#kind)) return;
    this.packetCount++;
    this.#options.onPacket(this.#trackIndex, this.#kind, bytes);
  }

  handleStranger(bytes: Uint8Array, address: string, port: number): void {
    if (this.#isClosed || address !== this.#address) return;
    if (this.#socket === undefined) {
      if (this.#early.length < maxEarlyDatagrams) this.#early.push({ port, bytes: bytes.slice() });
      return;
    }
    if (this.#peer === undefined && isMeant(bytes, this.#kind)) this.#open(port);
    if (this.#peer?.port === port) this.handleDatagram(bytes);
  }

  send(packet: Uint8Array): void {
    this.#peer?.send(packet);
  }

  close(): void {
    this.#isClosed = true;
    this.#peer?.close();
  }

  #open(port: number): void {
    this.#peer = this.#socket?.openPeer(this.#address, port, this);
  }
}

/** Whether it is a packet at all: anything may arrive at a port that somebody else had a minute ago. */
function isMeant(bytes: Uint8Array, kind: "rtp" | "rtcp"): boolean {
  return bytes.length >= (kind === "rtp" ? 12 : 8) && ((bytes[0] as number) & 0xc0) === 0x80;
}

/** Opens ways, and carries nothing: version 2, and no more than a header. */
const emptyRtp: Uint8Array = Uint8Array.of(0x80, ...new Array<number>(11).fill(0));
const emptyReport: Uint8Array = writeRtcp([{ kind: "receiverReport", ssrc: 0, reports: [] }]);

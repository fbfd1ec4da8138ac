/**
 * The UDP ports of one shard: a pair that all its sessions share, or a range of which each track of a session takes a pair of
 * its own. RTP has the even port of a pair and RTCP the odd one behind it (RFC 3550 §11).
 */

import { CodedError } from "../../bytes/coded-error.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import type { DatagramCounters, DatagramHandler, DatagramSocket, DatagramTransport } from "../../runtime/datagrams.ts";
import { ERR_LISTEN } from "../../runtime/errors.ts";
import type { PortRange } from "../config/option.ts";
import type { ShardPosition } from "../shards/ports.ts";

/** A datagram from an address that nobody is expected at. `half`: 0 for the port of RTP, 1 for that of RTCP. */
export type StrangerHandler = (half: 0 | 1, bytes: Uint8Array, address: string, port: number) => void;

export interface UdpPair {
  /** For RTP and RTCP. */
  readonly sockets: readonly [DatagramSocket, DatagramSocket];
  readonly ports: NumberPair;
  /** Whether one track of one session has it alone; then strangers may turn out to be its client, behind a NAT. */
  readonly isOwn: boolean;
  /** Who hears of strangers from now on. */
  listenToStrangers(handler: StrangerHandler): void;
  /** Gives it back. */
  release(): void;
}

export interface UdpPortsOptions {
  readonly transport: DatagramTransport;
  /** The first shard's shared pair begins here; 0 takes free ports. */
  readonly port: number;
  /** When there is one, nothing is shared. */
  readonly range: PortRange | undefined;
  readonly position: ShardPosition;
}

export class UdpPorts {
  readonly #options: UdpPortsOptions;
  #address = "";
  #shared: UdpPair | undefined;
  /** First ports of pairs that nobody has, the longest unused first: what a session gets late was meant for the one before. */
  readonly #free: number[] = [];
  readonly #own = new Set<UdpPair>();
  #closed: DatagramCounters = noPackets;

  constructor(options: UdpPortsOptions) {
    this.#options = options;
  }

  /** Of the pair that is shared; undefined when there is none, and before the start. */
  get sharedPorts(): NumberPair | undefined {
    return this.#shared?.ports;
  }

  /** Of all sockets together, those that were closed included. */
  get counters(): DatagramCounters {
    const pairs = this.#shared === undefined ? [...this.#own] : [this.#shared];
    return sumOf([this.#closed, ...pairs.flatMap(({ sockets }) => sockets.map(({ counters }) => counters))]);
  }

  /**
   * @param address - to receive on; empty for all of them
   * @throws `ERR_LISTEN` when the pair that is shared can't be had
   */
  async start(address: string): Promise<void> {
    this.#address = address;
    const { port, range, position } = this.#options;
    if (range !== undefined) {
      // Each shard has every n-th pair, so that none needs to ask another.
      const first = range.first + (range.first % 2) + 2 * position.index;
      for (let at = first; at < range.last; at += 2 * position.count) this.#free.push(at);
    } else {
      this.#shared = port === 0 ? await this.#openAnywhere() : await this.#open(port + 2 * position.index, false);
    }
  }

  /**
   * Pairs for so many tracks; undefined when there are not enough, or other programs have them. All or none: clients come back over
   * TCP when their first track finds no pair, and give up when a later one does.
   */
  async take(count: number): Promise<UdpPair[] | undefined> {
    if (this.#shared !== undefined) return Array<UdpPair>(count).fill(this.#shared);
    if (this.#free.length < count) return undefined;
    const ports = this.#free.splice(0, count); // now: others may ask while these are opened
    const pairs: UdpPair[] = [];
    for (let refusals = 0; ports.length > 0 && refusals <= maxRefusals; ) {
      const port = ports.shift() as number;
      try {
        const pair = await this.#open(port, true);
        this.#own.add(pair);
        pairs.push(pair);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        refusals++;
        this.#free.push(port);
        if (this.#free.length > 1) ports.push(this.#free.shift() as number);
      }
    }
    if (pairs.length === count) return pairs;
    this.#free.push(...ports);
    for (const pair of pairs) pair.release();
    return undefined;
  }

  stop(): void {
    for (const socket of this.#shared?.sockets ?? []) socket.close();
    this.#shared = undefined;
    for (const pair of this.#own) pair.release();
    this.#free.length = 0;
  }

  async #openAnywhere(): Promise<UdpPair> {
    for (let attempt = 1; ; attempt++) {
      const probe = await this.#openSocket(0, ignoreStranger);
      const port = probe.port - (probe.port % 2) + 2;
      probe.close();
      try {
        return await this.#open(port, false);
      } catch (error) {
        if (attempt === maxRefusals) throw error; // the neighbours of a free port may be somebody's
      }
    }
  }

  async #open(port: number, isOwn: boolean): Promise<UdpPair> {
    let onStranger: StrangerHandler = ignoreStranger;
    const rtp = await this.#openSocket(port, (...datagram) => onStranger(0, ...datagram));
    let rtcp: DatagramSocket;
    try {
      rtcp = await this.#openSocket(port + 1, (...datagram) => onStranger(1, ...datagram));
    } catch (error) {
      rtp.close();
      throw error;
    }
    const pair: UdpPair = {
      sockets: [rtp, rtcp],
      ports: [port, port + 1],
      isOwn,
      listenToStrangers: (handler) => {
        onStranger = handler;
      },
      release: () => {
        if (!this.#own.delete(pair)) return;
        this.#closed = sumOf([this.#closed, rtp.counters, rtcp.counters]);
        rtp.close();
        rtcp.close();
        this.#free.push(port);
      },
    };
    return pair;
  }

  async #openSocket(port: number, handleStranger: DatagramHandler["handleStranger"]): Promise<DatagramSocket> {
    try {
      return await this.#options.transport.openDatagrams({ host: this.#address, port }, { handleStranger });
    } catch (error) {
      const { code = "an unknown error" } = error as NodeJS.ErrnoException;
      const where = this.#address === "" ? "all addresses" : this.#address;
      throw new CodedError(
        ERR_LISTEN,
        `can't receive on ${where}, UDP port ${port}: ${code}; give rtsp.udp_port another one, or set rtsp.udp = false`,
      );
    }
  }
}

/** What all of them counted together. */
export function sumOf(all: readonly DatagramCounters[]): DatagramCounters {
  const sum = (count: (counters: DatagramCounters) => number): number =>
    all.reduce((total, counters) => total + count(counters), 0);
  return {
    receivedPackets: sum(({ receivedPackets }) => receivedPackets),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    strangerPackets: sum(({ strangerPackets }) => strangerPackets),
    sentPackets: sum(({ sentPackets }) => sentPackets),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    droppedPackets: sum(({ droppedPackets }) => droppedPackets),
    overflowedPackets: sum(({ overflowedPackets }) => overflowedPackets),
    refusedSegmentations: sum(({ refusedSegmentations }) => refusedSegmentations),
  };
}

function ignoreStranger(): void {}

const noPackets: DatagramCounters = sumOf([]);

/** Pairs that can't be had, because other programs have one of their ports, before it is given up. */
const maxRefusals = 32;

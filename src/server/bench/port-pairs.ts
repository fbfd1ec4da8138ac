/**
 * Pairs of UDP ports for players, an even one for RTP and the next for RTCP (RFC 3550 §11). A server tells players apart by their
 * ports, so each track of each player has a pair; on loopback each local address has ports of its own.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import type { DatagramHandler, DatagramSocket, DatagramTransport } from "../../runtime/datagrams.ts";
import { ERR_BENCH_REFUSED } from "./errors.ts";
import { firstUdpPort, lastUdpPort } from "./limits.ts";

export interface PortPair {
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
}

export class PortPairs {
  readonly #transport: Pick<DatagramTransport, "openDatagrams">;
  readonly #nextPorts = new Map<string, number>();

  constructor(transport: Pick<DatagramTransport, "openDatagrams">) {
    this.#transport = transport;
  }

  /** @param host - an IP address of this machine; empty for all of them. Errors: ERR_BENCH_REFUSED when no pair is free */
  async open(host: string, rtp: DatagramHandler, rtcp: DatagramHandler): Promise<PortPair> {
    for (let tried = 0; tried < portCount; tried += 2) {
      const port = this.#nextPorts.get(host) ?? firstUdpPort;
      this.#nextPorts.set(host, port + 2 > lastUdpPort ? firstUdpPort : port + 2);
      const first = await this.#bind(host, port, rtp);
      if (first === undefined) continue;
      const second = await this.#bind(host, port + 1, rtcp).catch((error: unknown) => {
        first.close();
        throw error;
      });
      if (second !== undefined) return { rtp: first, rtcp: second };
      first.close();
    }
    throw new CodedError(ERR_BENCH_REFUSED, `no two UDP ports side by side are free at ${host || "this machine"}`);
  }

  /** undefined: somebody has it. */
  async #bind(host: string, port: number, handler: DatagramHandler): Promise<DatagramSocket | undefined> {
    try {
      return await this.#transport.openDatagrams({ host, port }, handler);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE") return undefined;
      throw new CodedError(ERR_BENCH_REFUSED, message);
    }
  }
}

const portCount: number = lastUdpPort - firstUdpPort + 1;

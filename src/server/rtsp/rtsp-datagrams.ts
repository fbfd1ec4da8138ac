/** What one shard has for RTSP over UDP: ports to receive on and send from, and multicast. */

import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import type { RtspServerOptions } from "../../protocols/rtsp/server-events.ts";
import type { DatagramCounters, DatagramTransport } from "../../runtime/datagrams.ts";
import type { Config } from "../config/schema.ts";
import type { ShardPosition } from "../shards/ports.ts";
import { MulticastPlays } from "./multicast-plays.ts";
import { sumOf, UdpPorts } from "./udp-ports.ts";

export class RtspDatagrams {
  readonly transport: DatagramTransport;
  /** Undefined when it is off. */
  readonly ports: UdpPorts | undefined;
  readonly multicast: MulticastPlays | undefined;
  /** How often the system said that nobody is there; any stranger can make it say so. */
  unreachableCount = 0;
  readonly #host: string;

  /** @param onRefusedSegmentation - told once: to some player the system sends packets one by one (no GSO), which costs more */
  constructor(
    transport: DatagramTransport,
    { host, udp, multicast }: Config["rtsp"],
    position: ShardPosition,
    onRefusedSegmentation: (errorName: string) => void,
  ) {
    this.transport = transport;
    this.#host = host;
    let isTold = false;
    const watched: DatagramTransport = {
      playDatagrams: (...play) => transport.playDatagrams(...play),
      openDatagrams: (options, handler) =>
        transport.openDatagrams(options, {
          handleStranger: (bytes, address, port) => handler.handleStranger(bytes, address, port),
          handleRefusedSegmentation: (errorName) => {
            if (!isTold) onRefusedSegmentation(errorName);
            isTold = true;
          },
        }),
    };
    if (udp.enabled) {
      this.ports = new UdpPorts({ transport: watched, port: udp.port, range: udp.ports, position });
    }
    if (multicast.enabled) {
      const { range, port, ttl } = multicast;
      this.multicast = new MulticastPlays({ transport: watched, range, port, ttl, position });
    }
  }

  /** What SETUP may choose from. RTP over UDP is in the clear: who asked for encryption gets none of it. */
  transportsFor(isEncrypted: boolean): RtspServerOptions["transports"] {
    return {
      tcp: true,
      udp: this.ports !== undefined && !isEncrypted,
      multicast: this.multicast !== undefined && !isEncrypted,
    };
  }

  get counters(): DatagramCounters {
    const multicast = this.multicast?.sockets.map(({ counters }) => counters) ?? [];
    return sumOf([...(this.ports === undefined ? [] : [this.ports.counters]), ...multicast]);
  }

  /** @throws `ERR_LISTEN`, and the system's error when the host has no address */
  async start(): Promise<void> {
    const host = this.#host;
    const address = host === "" || isIP(host) !== 0 ? host : (await lookup(host)).address;
    await this.ports?.start(address);
    await this.multicast?.start(isIPv4(address) && address !== "0.0.0.0" ? address : undefined);
  }

  stop(): void {
    this.ports?.stop();
    this.multicast?.stop();
  }
}

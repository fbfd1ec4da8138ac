/** What one shard has for RTSP over UDP: ports to receive on and send from, and multicast. */

import { isIPv4 } from "node:net";
import type { RtspServerOptions } from "../../protocols/rtsp/server-events.ts";
import type { DatagramCounters, DatagramTransport } from "../../runtime/datagrams.ts";
import type { Config } from "../config/schema.ts";
import type { ShardPosition } from "../shards/calls.ts";
import { MulticastPlays } from "./multicast-plays.ts";
import { sumOf, UdpPorts } from "./udp-ports.ts";

export class RtspDatagrams {
  readonly transport: DatagramTransport;
  /** Undefined when it is off. */
  readonly ports: UdpPorts | undefined;
  readonly multicast: MulticastPlays | undefined;
  unreachableCount = 0;

  constructor(transport: DatagramTransport, { host, udp, multicast }: Config["rtsp"], position: ShardPosition) {
    this.transport = transport;
    if (udp.enabled) {
      this.ports = new UdpPorts({ transport, host, port: udp.port, range: udp.ports, position });
    }
    if (multicast.enabled) {
      const { range, port, ttl } = multicast;
      const interfaceAddress = isIPv4(host) && host !== "0.0.0.0" ? host : undefined;
      this.multicast = new MulticastPlays({ transport, interfaceAddress, range, port, ttl, position });
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

  /** @throws `ERR_LISTEN` */
  async start(): Promise<void> {
    await this.ports?.start();
    await this.multicast?.start();
  }

  stop(): void {
    this.ports?.stop();
    this.multicast?.stop();
  }
}

/** The UDP sockets of one player, two for each track, and who may send to them. */

import type { DatagramHandler } from "../../runtime/datagrams.ts";
import type { PortPair, PortPairs } from "./port-pairs.ts";

export interface PacketHandler {
  /** `bytes` are valid during the call only. */
  handlePacket(trackIndex: number, isRtcp: boolean, bytes: Uint8Array): void;
}

export class PlayerDatagrams {
  readonly #pairs: PortPair[] = [];
  readonly #handler: PacketHandler;
  /** Whoever else sends is not listened to. */
  readonly #serverAddress: string;
  #isClosed = false;

  constructor(serverAddress: string, handler: PacketHandler) {
    this.#serverAddress = serverAddress;
    this.#handler = handler;
  }

  /** Lost because this process was late to read them. */
  get overflowedPackets(): number {
    return this.#pairs.reduce(
      (sum, { rtp, rtcp }) => sum + rtp.counters.overflowedPackets + rtcp.counters.overflowedPackets,
      0,
    );
  }

  /** The ports of each track; undefined when the player left meanwhile. Errors: ERR_BENCH_REFUSED. */
  async open(
    pairs: PortPairs,
    localAddress: string,
    trackCount: number,
  ): Promise<(readonly [number, number])[] | undefined> {
    for (let trackIndex = 0; trackIndex < trackCount; trackIndex++) {
      const pair = await pairs.open(localAddress, this.#reader(trackIndex, false), this.#reader(trackIndex, true));
      this.#pairs.push(pair);
      if (!this.#isClosed) continue;
      closePair(pair);
      return undefined;
    }
    return this.#pairs.map(({ rtp, rtcp }) => [rtp.port, rtcp.port] as const);
  }

  /** From now on what comes from these ports of the server is no stranger's, which costs less to read. */
  expect(trackIndex: number, [rtpPort, rtcpPort]: readonly [number, number], source: string | undefined): void {
    const pair = this.#pairs[trackIndex];
    if (pair === undefined) return;
    const address = source ?? this.#serverAddress;
    const handle = (isRtcp: boolean) => (bytes: Uint8Array) => this.#handler.handlePacket(trackIndex, isRtcp, bytes);
    pair.rtp.openPeer(address, rtpPort, { handleDatagram: handle(false) });
    pair.rtcp.openPeer(address, rtcpPort, { handleDatagram: handle(true) });
  }

  close(): void {
    this.#isClosed = true;
    for (const pair of this.#pairs) closePair(pair);
  }

  #reader(trackIndex: number, isRtcp: boolean): DatagramHandler {
    return {
      handleStranger: (bytes, address) => {
        if (address === this.#serverAddress) this.#handler.handlePacket(trackIndex, isRtcp, bytes);
      },
    };
  }
}

function closePair({ rtp, rtcp }: PortPair): void {
  rtp.close();
  rtcp.close();
}

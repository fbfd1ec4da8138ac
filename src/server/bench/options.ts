/** What a run is asked to do. */

import type { TransportChoice } from "../../runtime/open-transport.ts";

export interface BenchOptions {
  readonly address: string;
  /** Players; with `isChurn` the most at one time. */
  readonly players: number;
  /** Joins a second. */
  readonly rate: number;
  /** Of the measured window. */
  readonly seconds: number;
  /** Where to publish the synthetic stream; undefined when somebody else publishes. */
  readonly publishUrl: string | undefined;
  /** So many publishers instead of players. */
  readonly publishers: number | undefined;
  /** Of the synthetic stream, in bits a second. */
  readonly bitRate: number;
  /** What RTSP players get their packets over. */
  readonly rtspTransport: "tcp" | "udp";
  readonly stalled: number;
  readonly isChurn: boolean;
  /** Decoders beside the players. */
  readonly sample: number;
  readonly maxGapMs: number;
  /** The server's processes; found by the port when there are none. */
  readonly pids: readonly number[];
  readonly statsUrl: string | undefined;
  readonly allowRemote: boolean;
  readonly transport: TransportChoice;
}

/** The players of a run's protocol, and what is checked of them. */

import { FlvPlayers } from "./flv-players.ts";
import { MediaChecks } from "./media-checks.ts";
import type { PlayerProtocols } from "./player-protocol.ts";
import { PortPairs } from "./port-pairs.ts";
import { RtmpPlayers } from "./rtmp-players.ts";
import { RtpChecks } from "./rtp-checks.ts";
import { RtspPlayers } from "./rtsp-players.ts";
import type { BenchRun } from "./run.ts";

export interface CheckedPlayers {
  readonly protocols: PlayerProtocols;
  readonly checks: MediaChecks;
  /** Where media comes in RTP packets. */
  readonly packets: RtpChecks | undefined;
}

export function openPlayers({
  address,
  options,
  host,
  transport,
}: Pick<BenchRun, "address" | "options" | "host" | "transport">): CheckedPlayers {
  const { players: count, maxGapMs } = options;
  const checks = new MediaChecks(count, maxGapMs);
  if (address.protocol === "rtmp")
    return { protocols: new RtmpPlayers(address.url, count, checks), checks, packets: undefined };
  if (address.protocol !== "rtsp")
    return { protocols: new FlvPlayers(address, count, checks), checks, packets: undefined };
  const isUdp = options.rtspTransport === "udp";
  const packets = new RtpChecks(count, checks, isUdp);
  const overUdp = isUdp ? { host, pairs: new PortPairs(transport) } : undefined;
  return { protocols: new RtspPlayers(address.url, count, checks, packets, overUdp), checks, packets };
}

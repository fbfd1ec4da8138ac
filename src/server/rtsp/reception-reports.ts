/** What the receiver reports of a UDP player say of its reception: RFC 3550 §6.4.2. */

import { wrapDistance } from "../../bytes/wrap.ts";
import { parseRtcp } from "../../protocols/rtcp/compound.ts";
import { compactNtp, ntpOfUnixMs, roundTripMs } from "../../protocols/rtcp/ntp.ts";

/** A track that is played. */
export interface ReportedTrack {
  readonly ssrc: number;
  readonly clockRate: number;
}

export class ReceptionReports {
  readonly #tracks: readonly ReportedTrack[];
  readonly #lostCounts: number[];
  readonly #jitterMs: number[];
  readonly #beganAt: number;
  #roundTripMs: number | undefined;

  /** @param wallMs - now, when the player begins */
  constructor(tracks: readonly ReportedTrack[], wallMs: number) {
    this.#tracks = tracks;
    this.#lostCounts = tracks.map(() => 0);
    this.#jitterMs = tracks.map(() => 0);
    this.#beganAt = compactNtp(ntpOfUnixMs(wallMs));
  }

  /** Packets that the player says it has missed. */
  get lostPacketCount(): number {
    return this.#lostCounts.reduce((sum, count) => sum + count, 0);
  }

  /** Of the track where it is largest. */
  get jitterMs(): number {
    return Math.max(0, ...this.#jitterMs);
  }

  /** Undefined before it is known. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Errors: ERR_RTCP_PACKET. */
  handle(packet: Uint8Array, wallMs: number): void {
    for (const message of parseRtcp(packet)) {
      if (message.kind !== "receiverReport" && message.kind !== "senderReport") continue;
      for (const { ssrc, totalLost, jitter, lastSenderReport, delay } of message.reports) {
        const at = this.#tracks.findIndex((track) => track.ssrc === ssrc);
        const track = this.#tracks[at];
        if (track === undefined) continue;
        this.#lostCounts[at] = Math.max(totalLost, 0);
        this.#jitterMs[at] = (jitter * 1_000) / track.clockRate;
        // The first reports in a log are as old as the GOP that a player begins with, and say nothing of the way to it.
        if (wrapDistance(this.#beganAt, lastSenderReport, 32) < 0) continue;
        this.#roundTripMs = roundTripMs(ntpOfUnixMs(wallMs), lastSenderReport, delay) ?? this.#roundTripMs;
      }
    }
  }
}

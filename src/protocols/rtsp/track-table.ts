/** The tracks of one session as they are set up: which transport each has, and which channel belongs to whom. */

import { assert } from "../../bytes/assert.ts";
import { minClientPort } from "./limits.ts";
import type { NumberPair, RtspTransport } from "./message/transport.ts";
import type { RequestedTransport, RtspServerOptions, SetupAnswer } from "./server-events.ts";

export interface SetUpTrack {
  readonly trackIndex: number;
  /** As the client wrote it: RTP-Info says it back. */
  readonly url: string;
  readonly transport: RequestedTransport;
}

/** One of the alternatives that were offered, and what it comes down to. */
export interface ChosenTransport {
  readonly offered: RtspTransport;
  readonly transport: RequestedTransport;
}

export class TrackTable {
  #tracks: readonly SetUpTrack[] = [];

  get tracks(): readonly SetUpTrack[] {
    return this.#tracks;
  }

  /** All tracks have the same. */
  get transportKind(): RequestedTransport["kind"] | undefined {
    return this.#tracks[0]?.transport.kind;
  }

  isSetUp(trackIndex: number): boolean {
    return this.#tracks.some((track) => track.trackIndex === trackIndex);
  }

  add(track: SetUpTrack): void {
    assert(!this.isSetUp(track.trackIndex), "a track is set up twice");
    const { transport } = track;
    const kept = transport.kind === "tcp" ? { ...track, transport: tcpTransport(transport.channels) } : track;
    this.#tracks = this.#tracks.concat(kept); // of its length: an array that grows has room for 17
  }

  /**
   * 2 × track index, + 1 for RTCP; -1 for a channel that was never set up. A table of all channels would be a fifth of what a
   * player takes, and a session has two tracks.
   */
  findChannel(channel: number): number {
    for (const { trackIndex, transport } of this.#tracks) {
      if (transport.kind !== "tcp") continue;
      if (transport.channels[0] === channel) return 2 * trackIndex;
      if (transport.channels[1] === channel) return 2 * trackIndex + 1;
    }
    return -1;
  }

  /** The client's best alternative that we can do; undefined: none. */
  choose(
    alternatives: readonly RtspTransport[],
    role: "play" | "record",
    enabled: RtspServerOptions["transports"],
  ): ChosenTransport | undefined {
    for (const offered of alternatives) {
      const transport = this.#requested(offered, role, enabled);
      const isSameKind = this.transportKind === undefined || transport?.kind === this.transportKind;
      if (transport !== undefined && isSameKind) return { offered, transport };
    }
    return undefined;
  }

  /** The same with the channels that the driver wants, when they are free. */
  withChannels(chosen: ChosenTransport, channels: NumberPair | undefined): ChosenTransport {
    if (channels === undefined || chosen.transport.kind !== "tcp" || !this.#areFree(channels)) return chosen;
    return { ...chosen, transport: { kind: "tcp", channels } };
  }

  #areFree([rtp, rtcp]: NumberPair): boolean {
    return this.findChannel(rtp) === -1 && this.findChannel(rtcp) === -1;
  }

  #requested(
    offered: RtspTransport,
    role: "play" | "record",
    enabled: RtspServerOptions["transports"],
  ): RequestedTransport | undefined {
    // Without a mode "play" is meant, but publishers that leave it out exist: what was announced can only be recorded.
    if (offered.profile !== "RTP/AVP" || (offered.mode !== undefined && offered.mode !== role)) return undefined;
    if (offered.lower === "tcp") {
      return enabled.tcp ? { kind: "tcp", channels: this.#channelsFor(offered.interleaved) } : undefined;
    }
    // RFC 2326 takes multicast for the default; clients that name their ports mean unicast.
    if (offered.delivery === "multicast" || (offered.delivery === undefined && offered.clientPorts === undefined)) {
      return enabled.multicast && role === "play" ? { kind: "multicast" } : undefined;
    }
    const ports = offered.clientPorts;
    if (!enabled.udp || ports === undefined || ports[0] < minClientPort || ports[1] < minClientPort) return undefined;
    return { kind: "udp", clientPorts: ports };
  }

  /** The client's channels; the next pair that is free when it names none (Genetec) or some that are taken. */
  #channelsFor(asked: NumberPair | undefined): NumberPair {
    if (asked !== undefined && this.#areFree(asked)) return asked;
    let rtp = 0;
    while (!this.#areFree([rtp, rtp + 1])) rtp += 2;
    return [rtp, rtp + 1];
  }
}

/** The same object for all sessions with these channels, when they are a usual pair. */
function tcpTransport(channels: NumberPair): RequestedTransport {
  const [rtp, rtcp] = channels;
  const usual = rtcp === rtp + 1 ? usualTransports[rtp / 2] : undefined;
  return usual ?? { kind: "tcp", channels };
}

const usualTransports: readonly RequestedTransport[] = Array.from({ length: 128 }, (_, i) => {
  return { kind: "tcp", channels: [2 * i, 2 * i + 1] };
});

/** The Transport of the answer. */
export function answerTransport(chosen: ChosenTransport, role: "play" | "record", answer: SetupAnswer): RtspTransport {
  const { profile, lower, isLowerWritten } = chosen.offered;
  const base = { profile, lower, isLowerWritten, ssrc: answer.ssrc, mode: role === "record" ? role : undefined };
  const { transport } = chosen;
  switch (transport.kind) {
    case "tcp":
      return { ...base, delivery: "unicast", interleaved: transport.channels };
    case "udp": {
      const { serverPorts } = answer;
      assert(serverPorts !== undefined, "a UDP track is accepted without ports of ours");
      return { ...base, delivery: "unicast", clientPorts: transport.clientPorts, serverPorts };
    }
    case "multicast": {
      const { multicast } = answer;
      assert(multicast !== undefined, "a multicast track is accepted without a group");
      const { address, ports, ttl } = multicast;
      return { ...base, delivery: "multicast", destination: address, ports, ttl };
    }
  }
}

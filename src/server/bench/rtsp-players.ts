/**
 * RTSP players, over TCP or UDP. The client session joins as every player does, one round trip after the other, and keeps the session
 * alive; it is given messages only. Packets are the scanner's, or those of the player's own sockets, from the first one on.
 */

import { createHash, randomBytes } from "node:crypto";
import { CodedError } from "../../bytes/coded-error.ts";
import type { RtspClientEvent } from "../../protocols/rtsp/client-events.ts";
import { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_BENCH_CLOSED } from "./errors.ts";
import { tracksPerPlayer } from "./limits.ts";
import type { MediaChecks } from "./media-checks.ts";
import { type PacketHandler, PlayerDatagrams } from "./player-datagrams.ts";
import type { PlayerLink, PlayerProtocol, PlayerProtocols } from "./player-protocol.ts";
import type { PortPairs } from "./port-pairs.ts";
import { packetHeadBytes, type RtpChecks } from "./rtp-checks.ts";
import { type DescribedStream, readDescription } from "./rtsp-description.ts";
import { RtspScanner } from "./rtsp-scanner.ts";

/** For players over UDP. */
export interface UdpOptions {
  /** The server's IP address. */
  readonly host: string;
  readonly pairs: PortPairs;
}

export class RtspPlayers implements PlayerProtocols {
  readonly url: string;
  readonly udp: UdpOptions | undefined;
  readonly checks: MediaChecks;
  readonly packets: RtpChecks;
  readonly scanner: RtspScanner;
  readonly #players: (RtspPlayer | undefined)[] = [];
  /** The newest, which is everybody's. */
  #described: DescribedStream | undefined;
  #overflowedPackets = 0;

  constructor(url: string, playerCount: number, checks: MediaChecks, packets: RtpChecks, udp: UdpOptions | undefined) {
    this.url = url;
    this.udp = udp;
    this.checks = checks;
    this.packets = packets;
    this.scanner = new RtspScanner(playerCount, packets, (player, message, nowMs) =>
      this.#players[player]?.handleMessage(message, nowMs),
    );
  }

  start(player: number, connection: Connection, nowMs: number, link: PlayerLink): PlayerProtocol {
    this.scanner.reset(player);
    this.packets.reset(player);
    const created = new RtspPlayer(this, player, connection, nowMs, link);
    this.#players[player] = created;
    return created;
  }

  notes(): string[] {
    let lost = this.#overflowedPackets;
    for (const player of this.#players) lost += player?.overflowedPackets ?? 0;
    return lost === 0
      ? []
      : [`${lost} packets were lost in this generator's own buffers: it was too slow to read them`];
  }

  // For the players.

  describe(sdp: string): DescribedStream {
    if (this.#described?.sdp !== sdp) this.#described = readDescription(sdp);
    return this.#described;
  }

  closed(player: number, overflowedPackets: number): void {
    this.#overflowedPackets += overflowedPackets;
    this.#players[player] = undefined;
  }
}

class RtspPlayer implements PlayerProtocol, PacketHandler {
  readonly #players: RtspPlayers;
  readonly #player: number;
  readonly #connection: Connection;
  readonly #link: PlayerLink;
  readonly #session: RtspClientSession;
  readonly #datagrams: PlayerDatagrams | undefined;
  #timeoutMs: number | undefined;

  constructor(players: RtspPlayers, player: number, connection: Connection, nowMs: number, link: PlayerLink) {
    const { url, udp } = players;
    this.#players = players;
    this.#player = player;
    this.#connection = connection;
    this.#link = link;
    this.#datagrams = udp && new PlayerDatagrams(udp.host, this);
    const transport = udp === undefined ? "tcp" : "udp";
    this.#session = new RtspClientSession({ crypto: rtspCrypto, url, transport, userAgent: "millrace-bench" }, nowMs);
    this.#drain(nowMs);
  }

  get overflowedPackets(): number {
    return this.#datagrams?.overflowedPackets ?? 0;
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    this.#players.scanner.scan(this.#player, bytes, 0, bytes.length, nowMs);
    this.#keepAlive(nowMs);
  }

  handleMessage(message: Uint8Array, nowMs: number): void {
    this.#session.handle(message, nowMs);
    this.#drain(nowMs);
  }

  /** Of the player's sockets. */
  handlePacket(trackIndex: number, isRtcp: boolean, bytes: Uint8Array): void {
    const nowMs = performance.now();
    const { packets } = this.#players;
    const row = this.#player * tracksPerPlayer + trackIndex;
    this.#contained(() => {
      if (isRtcp) {
        packets.handleRtcp(row, bytes);
      } else {
        packets.begin(this.#player, row, bytes, 0, Math.min(bytes.length, packetHeadBytes), bytes.length, nowMs);
        packets.end(this.#player, row, nowMs);
      }
      this.#keepAlive(nowMs);
    });
    this.#link.received(bytes.length);
  }

  close(): void {
    this.#players.closed(this.#player, this.overflowedPackets);
    this.#datagrams?.close();
  }

  #keepAlive(nowMs: number): void {
    if (this.#timeoutMs === undefined || nowMs < this.#timeoutMs) return;
    this.#session.handleUdpActivity(nowMs); // packets, of which the session has not heard
    this.#session.handleTimeout(nowMs);
    this.#drain(nowMs);
  }

  #drain(nowMs: number): void {
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent())
      this.#handleEvent(event, nowMs);
    const output = this.#session.pollOutput();
    this.#timeoutMs = this.#session.nextTimeout();
    if (output === undefined) return;
    // One request is under way at a time, so it begins the output.
    if (output[0] === letterP && output[1] === letterL) this.#players.checks.playSentAtMs[this.#player] = nowMs;
    this.#connection.send(output);
  }

  #handleEvent(event: RtspClientEvent, nowMs: number): void {
    switch (event.type) {
      case "description":
        this.#setUp(this.#players.describe(event.sdp), nowMs);
        break;
      case "ready":
        this.#begin(event);
        break;
      case "redirect":
        throw new CodedError(ERR_BENCH_CLOSED, `the server sent this player to ${event.url}`);
      case "closed":
        throw event.error ?? new CodedError(ERR_BENCH_CLOSED, "the server ended the session");
      case "media":
        break; // the session is given no packets
    }
  }

  #setUp({ tracks, aggregateControl }: DescribedStream, nowMs: number): void {
    const { packets, udp } = this.#players;
    packets.setTracks(
      this.#player,
      tracks.map(({ promised }) => promised),
    );
    const datagrams = this.#datagrams;
    if (datagrams === undefined || udp === undefined) {
      this.#session.setUp(tracks, aggregateControl, nowMs);
      return;
    }
    datagrams
      .open(udp.pairs, this.#link.localAddress ?? "", tracks.length)
      .then((ports) => {
        if (ports === undefined) return;
        this.#contained(() => {
          const withPorts = tracks.map((track, i) => ({ ...track, clientPorts: ports[i] }));
          this.#session.setUp(withPorts, aggregateControl, performance.now());
          this.#drain(performance.now());
        });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #begin({ tracks }: Extract<RtspClientEvent, { type: "ready" }>): void {
    const channels: { rtp: number; rtcp: number }[] = [];
    for (const [i, { transport, ssrc }] of tracks.entries()) {
      if (ssrc !== undefined) this.#players.packets.expectSsrc(this.#player * tracksPerPlayer + i, ssrc);
      if ((transport.kind === "udp") !== (this.#datagrams !== undefined))
        throw new CodedError(ERR_BENCH_CLOSED, `the server chose ${transport.kind} by itself`);
      if (transport.kind === "tcp") channels.push({ rtp: transport.channels[0], rtcp: transport.channels[1] });
      else if (transport.serverPorts !== undefined) this.#datagrams?.expect(i, transport.serverPorts, transport.source);
    }
    this.#players.scanner.setChannels(this.#player, channels);
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Of what did not come through {@link handle}. */
  #fail(error: unknown): void {
    if (!(error instanceof CodedError)) throw error;
    this.#link.fail(error);
  }
}

/** For the credentials of an address. */
export const rtspCrypto: RtspCrypto = {
  randomBytes: (length) => randomBytes(length),
  md5: (data) => createHash("md5").update(data).digest(),
  sha256: (data) => createHash("sha256").update(data).digest(),
};
const letterP = 0x50;
const letterL = 0x4c;

/**
 * RTSP players over TCP. The client session joins as every player does, one round trip after the other, and keeps the session
 * alive; it is given messages only. Packets are the scanner's, from the first one on.
 */

import { createHash, randomBytes } from "node:crypto";
import { CodedError } from "../../bytes/coded-error.ts";
import type { RtspClientEvent } from "../../protocols/rtsp/client-events.ts";
import { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import type { Connection } from "../../runtime/transport.ts";
import { ERR_BENCH_CLOSED } from "./errors.ts";
import type { MediaChecks } from "./media-checks.ts";
import type { PlayerProtocol, PlayerProtocols } from "./player-protocol.ts";
import type { RtpChecks } from "./rtp-checks.ts";
import { type DescribedStream, readDescription } from "./rtsp-description.ts";
import { RtspScanner } from "./rtsp-scanner.ts";

export class RtspPlayers implements PlayerProtocols {
  readonly #url: string;
  readonly #checks: MediaChecks;
  readonly #packets: RtpChecks;
  readonly #scanner: RtspScanner;
  readonly #players: (RtspPlayer | undefined)[] = [];
  /** The newest, which is everybody's. */
  #described: DescribedStream | undefined;

  constructor(url: string, playerCount: number, checks: MediaChecks, packets: RtpChecks) {
    this.#url = url;
    this.#checks = checks;
    this.#packets = packets;
    this.#scanner = new RtspScanner(playerCount, packets, (player, message, nowMs) =>
      this.#players[player]?.handleMessage(message, nowMs),
    );
  }

  start(player: number, connection: Connection, nowMs: number): PlayerProtocol {
    this.#scanner.reset(player);
    this.#packets.reset(player);
    const created = new RtspPlayer(this, player, connection, nowMs);
    this.#players[player] = created;
    return created;
  }

  // For the players.

  get url(): string {
    return this.#url;
  }

  scan(player: number, bytes: Uint8Array, nowMs: number): void {
    this.#scanner.scan(player, bytes, 0, bytes.length, nowMs);
  }

  describe(sdp: string): DescribedStream {
    if (this.#described?.sdp !== sdp) this.#described = readDescription(sdp);
    return this.#described;
  }

  playIsSent(player: number, nowMs: number): void {
    this.#checks.playSentAtMs[player] = nowMs;
  }

  begin(player: number, { tracks }: DescribedStream, ready: Extract<RtspClientEvent, { type: "ready" }>): void {
    this.#packets.setTracks(
      player,
      tracks.map(({ promised }, i) => ({ ...promised, ssrc: ready.tracks[i]?.ssrc })),
    );
    this.#scanner.setChannels(
      player,
      ready.tracks.map(({ transport }) => {
        if (transport.kind !== "tcp") throw new CodedError(ERR_BENCH_CLOSED, "the server answered with UDP");
        const [rtp, rtcp] = transport.channels;
        return { rtp, rtcp };
      }),
    );
  }
}

class RtspPlayer implements PlayerProtocol {
  readonly #players: RtspPlayers;
  readonly #player: number;
  readonly #connection: Connection;
  readonly #session: RtspClientSession;
  #described: DescribedStream | undefined;
  #timeoutMs: number | undefined;

  constructor(players: RtspPlayers, player: number, connection: Connection, nowMs: number) {
    this.#players = players;
    this.#player = player;
    this.#connection = connection;
    this.#session = new RtspClientSession(
      { crypto: nodeCrypto, url: players.url, transport: "tcp", userAgent: "millrace-bench" },
      nowMs,
    );
    this.#drain(nowMs);
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    this.#players.scan(this.#player, bytes, nowMs);
    if (this.#timeoutMs === undefined || nowMs < this.#timeoutMs) return;
    this.#session.handleUdpActivity(nowMs); // packets, of which the session has not heard
    this.#session.handleTimeout(nowMs);
    this.#drain(nowMs);
  }

  handleMessage(message: Uint8Array, nowMs: number): void {
    this.#session.handle(message, nowMs);
    this.#drain(nowMs);
  }

  #drain(nowMs: number): void {
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent())
      this.#handleEvent(event, nowMs);
    const output = this.#session.pollOutput();
    this.#timeoutMs = this.#session.nextTimeout();
    if (output === undefined) return;
    // One request is under way at a time, so it begins the output.
    if (output[0] === letterP && output[1] === letterL) this.#players.playIsSent(this.#player, nowMs);
    this.#connection.send(output);
  }

  #handleEvent(event: RtspClientEvent, nowMs: number): void {
    switch (event.type) {
      case "description":
        this.#described = this.#players.describe(event.sdp);
        this.#session.setUp(this.#described.tracks, this.#described.aggregateControl, nowMs);
        break;
      case "ready":
        if (this.#described !== undefined) this.#players.begin(this.#player, this.#described, event);
        break;
      case "redirect":
        throw new CodedError(ERR_BENCH_CLOSED, `the server sent this player to ${event.url}`);
      case "closed":
        throw event.error ?? new CodedError(ERR_BENCH_CLOSED, "the server ended the session");
      case "media":
        break; // the session is given no packets
    }
  }
}

const nodeCrypto: RtspCrypto = {
  randomBytes: (length) => randomBytes(length),
  md5: (data) => createHash("md5").update(data).digest(),
  sha256: (data) => createHash("sha256").update(data).digest(),
};
const letterP = 0x50;
const letterL = 0x4c;

/**
 * Players in rows: each is a connection, its protocol, and a state. Who joins when is decided by whoever owns the load; what they
 * get is checked here.
 */

import { createConnection, type Socket } from "node:net";
import { CodedError } from "../../bytes/coded-error.ts";
import { PortableTransport } from "../../runtime/portable-transport.ts";
import type { Connection, ConnectionHandler, Transport } from "../../runtime/transport.ts";
import { ERR_BENCH_CLOSED, ERR_BENCH_TIMEOUT } from "./errors.ts";
import { FailureCounts } from "./failure-counts.ts";
import { Histogram } from "./histogram.ts";
import { joinTimeoutMs } from "./limits.ts";
import type { LocalAddresses } from "./local-addresses.ts";
import type { MediaChecks } from "./media-checks.ts";
import type { PlayerLink, PlayerProtocol, PlayerProtocols } from "./player-protocol.ts";

export interface LoadOptions {
  readonly transport: Transport;
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly playerCount: number;
  /** The first so many stop reading when they have joined. */
  readonly stalledCount: number;
  readonly localAddresses: LocalAddresses;
  readonly protocols: PlayerProtocols;
  readonly checks: MediaChecks;
  readonly onJoined: (player: number) => void;
  /** The row is free again. */
  readonly onOver: (player: number) => void;
}

export class Load {
  readonly failures: FailureCounts = new FailureCounts();
  /** From connect() to the first media byte, and to the first whole key frame. */
  readonly joinTimes: Histogram = new Histogram();
  /** From connect() until the connection stood, and from PLAY to the first media byte. */
  readonly connectTimes: Histogram = new Histogram();
  readonly firstTimes: Histogram = new Histogram();
  readonly keyTimes: Histogram = new Histogram();
  readonly #options: LoadOptions;
  /** For those who stop reading, which a socket of Node can. */
  readonly #portable: PortableTransport;
  readonly #connections: (Connection | undefined)[] = [];
  readonly #states: Uint8Array;
  readonly #startedAtMs: Float64Array;
  readonly #hasKey: Uint8Array;
  #joiningCount = 0;
  #playingCount = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#states = new Uint8Array(options.playerCount);
    this.#startedAtMs = new Float64Array(options.playerCount);
    this.#hasKey = new Uint8Array(options.playerCount);
    this.#portable = new PortableTransport();
  }

  get joiningCount(): number {
    return this.#joiningCount;
  }

  get playingCount(): number {
    return this.#playingCount;
  }

  isPlaying(player: number): boolean {
    return this.#states[player] === states.playing;
  }

  isStalled(player: number): boolean {
    return player < this.#options.stalledCount;
  }

  /** Puts a new player into a row that is free. */
  open(player: number): void {
    const { transport, host, port, protocols, checks, localAddresses } = this.#options;
    const nowMs = performance.now();
    checks.reset(player);
    this.#states[player] = states.joining;
    this.#startedAtMs[player] = nowMs;
    this.#hasKey[player] = 0;
    this.#joiningCount++;
    const localAddress = localAddresses.next();
    const options = { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
    const socket = this.isStalled(player) ? createConnection({ ...options, noDelay: true }) : undefined;
    const createHandler = (connection: Connection): PlayerHandler => {
      this.#connections[player] = connection;
      const handler = new PlayerHandler(this, player, localAddress, socket);
      handler.protocol = protocols.start(player, connection, nowMs, handler);
      return handler;
    };
    if (socket === undefined) transport.connect(options, createHandler);
    else this.#portable.adopt(socket, createHandler);
  }

  /** Closes a player's connection: nothing that it does from now on is a failure. */
  leave(player: number): void {
    this.#setState(player, states.leaving);
    this.#connections[player]?.destroy();
  }

  /** Looks for players that wait for media for too long; about once a second. */
  sweep(): void {
    const latestMs = performance.now() - joinTimeoutMs;
    for (let player = 0; player < this.#states.length; player++) {
      if (this.#states[player] !== states.joining || (this.#startedAtMs[player] as number) > latestMs) continue;
      this.fail(player, new CodedError(ERR_BENCH_TIMEOUT, `no media within ${joinTimeoutMs / 1000} s`));
    }
  }

  async close(): Promise<void> {
    for (const [player, connection] of this.#connections.entries()) if (connection !== undefined) this.leave(player);
    await this.#portable.close();
  }

  // For the handlers.

  connected(player: number): void {
    this.connectTimes.add(performance.now() - (this.#startedAtMs[player] as number));
  }

  /** Bytes of media, perhaps the first ones. Returns whether the player plays. */
  received(player: number, byteLength: number): boolean {
    const { checks } = this.#options;
    checks.receivedBytes[player] = (checks.receivedBytes[player] as number) + byteLength;
    const startedAtMs = this.#startedAtMs[player] as number;
    if (this.#states[player] === states.joining && checks.firstMediaAtMs[player] !== 0) {
      this.#setState(player, states.playing);
      const firstAtMs = checks.firstMediaAtMs[player] as number;
      const playSentAtMs = checks.playSentAtMs[player] as number;
      this.joinTimes.add(firstAtMs - startedAtMs);
      if (playSentAtMs !== 0) this.firstTimes.add(firstAtMs - playSentAtMs);
      this.#options.onJoined(player);
    }
    if (this.#hasKey[player] === 0 && checks.firstKeyAtMs[player] !== 0) {
      this.#hasKey[player] = 1;
      this.keyTimes.add((checks.firstKeyAtMs[player] as number) - startedAtMs);
    }
    return this.#states[player] === states.playing;
  }

  fail(player: number, error: CodedError): void {
    if (this.#states[player] === states.joining || this.#states[player] === states.playing) {
      this.failures.add(error.code, error.message);
    }
    this.leave(player);
  }

  closed(player: number, errorName: string | undefined): void {
    const state = this.#states[player];
    if (state === states.joining || state === states.playing) {
      const when = state === states.joining ? "before it sent media" : "while it was to play";
      if (errorName === undefined) this.failures.add(ERR_BENCH_CLOSED, `the server closed a connection ${when}`);
      else this.failures.add(errorName, `the system said ${errorName} of a connection ${when}`);
    }
    this.#setState(player, states.none);
    this.#connections[player] = undefined;
    this.#options.onOver(player);
  }

  #setState(player: number, state: number): void {
    const before = this.#states[player];
    if (before === states.joining) this.#joiningCount--;
    if (before === states.playing) this.#playingCount--;
    if (state === states.playing) this.#playingCount++;
    this.#states[player] = state;
  }
}

class PlayerHandler implements ConnectionHandler, PlayerLink {
  readonly localAddress: string | undefined;
  /** Set right after it was made. */
  protocol: PlayerProtocol | undefined;
  readonly #load: Load;
  readonly #player: number;
  /** Of a player that is to stop reading. */
  readonly #socket: Socket | undefined;

  constructor(load: Load, player: number, localAddress: string | undefined, socket: Socket | undefined) {
    this.localAddress = localAddress;
    this.#load = load;
    this.#player = player;
    this.#socket = socket;
  }

  handleConnect(): void {
    this.#load.connected(this.#player);
  }

  handleBytes(bytes: Uint8Array): void {
    try {
      this.protocol?.handle(bytes, performance.now());
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#load.fail(this.#player, error);
      return;
    }
    if (this.#load.received(this.#player, bytes.length)) this.#socket?.pause();
  }

  handleClose(errorName?: string): void {
    this.protocol?.close?.();
    this.#load.closed(this.#player, errorName);
  }

  received(byteLength: number): void {
    this.#load.received(this.#player, byteLength);
  }

  fail(error: CodedError): void {
    this.#load.fail(this.#player, error);
  }
}

const states = { none: 0, joining: 1, playing: 2, leaving: 3 } as const;

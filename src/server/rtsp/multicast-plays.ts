/**
 * Multicast: one play for each stream and description of it, however many players listen. A shard's players share a play; those
 * of other shards have another one, with groups of its own: who asks which shard is the kernel's choice.
 *
 * Each track has a group and ports of its own: Linux gives a socket that is bound to no address all that comes to its port,
 * whichever group it was sent to (IP_MULTICAST_ALL).
 */

import { type RtspTrack, writeRtspBye } from "../../bridges/rtsp-egress.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import type { DatagramPeer, DatagramRoute, DatagramSocket, DatagramTransport } from "../../runtime/datagrams.ts";
import { ERR_LISTEN } from "../../runtime/errors.ts";
import type { Play, PlayHandler, PlayOptions } from "../../runtime/play.ts";
import type { MulticastRange } from "../config/option.ts";
import type { ShardPosition } from "../shards/ports.ts";

export interface MulticastOptions {
  readonly transport: DatagramTransport;
  readonly range: MulticastRange;
  /** RTP of the first group; each further one has the next two. */
  readonly port: number;
  readonly ttl: number;
  readonly position: ShardPosition;
}

/** What players are told of a track. */
export interface MulticastGroup {
  readonly address: string;
  readonly ports: NumberPair;
  readonly ttl: number;
}

export class MulticastPlays {
  readonly #options: MulticastOptions;
  readonly #plays = new Map<string, MulticastPlay>();
  /** The sockets that everything leaves through, of RTP and of RTCP. */
  #sockets: readonly [DatagramSocket, DatagramSocket] | undefined;
  /** Numbers of groups that were used before, the next one, and how many of ours never were. */
  readonly #free: number[] = [];
  #unusedCount: number;
  #nextNumber: number;

  constructor(options: MulticastOptions) {
    const { range, position } = options;
    this.#options = options;
    this.#nextNumber = position.index;
    this.#unusedCount = Math.max(Math.ceil((range.count - position.index) / position.count), 0);
  }

  get sockets(): readonly DatagramSocket[] {
    return this.#sockets ?? [];
  }

  /**
   * @param interfaceAddress - of the interface that packets leave through; undefined: the system's choice
   * @throws `ERR_LISTEN`
   */
  async start(interfaceAddress: string | undefined): Promise<void> {
    const { transport, ttl } = this.#options;
    // Members' reports go to their group, and nothing is expected here.
    const open = (): Promise<DatagramSocket> =>
      transport.openDatagrams(
        {
          host: interfaceAddress ?? "0.0.0.0",
          port: 0,
          multicastTtl: ttl,
          ...(interfaceAddress === undefined ? {} : { multicastInterface: interfaceAddress }),
        },
        { handleStranger: () => {} },
      );
    try {
      this.#sockets = [await open(), await open()];
    } catch (error) {
      const { code = "an unknown error" } = error as NodeJS.ErrnoException;
      throw new CodedError(ERR_LISTEN, `can't open a socket for multicast: ${code}`);
    }
  }

  stop(): void {
    for (const socket of this.sockets) socket.close();
    this.#sockets = undefined;
  }

  /**
   * Joins the play of a stream. Undefined when there are no groups left.
   *
   * @param key - of the stream and its description
   */
  join(key: string, tracks: readonly RtspTrack[]): MulticastMember | undefined {
    const play = this.#plays.get(key) ?? this.#create(key, tracks);
    return play && new MulticastMember(play);
  }

  #create(key: string, tracks: readonly RtspTrack[]): MulticastPlay | undefined {
    if (this.#sockets === undefined || this.#free.length + this.#unusedCount < tracks.length) return undefined;
    const [rtp, rtcp] = this.#sockets;
    const opened: DatagramPeer[] = [];
    const numbers: number[] = [];
    const members = tracks.map((track): PlayedTrack => {
      const number = this.#takeNumber();
      const group = this.#groupOf(number);
      const halves = [rtp, rtcp].map((socket, half) =>
        socket.openPeer(group.address, group.ports[half as 0 | 1], ignoreAnswers),
      );
      numbers.push(number);
      opened.push(...halves.filter((peer) => peer !== undefined));
      return { track, group };
    });
    const retire = (): void => {
      if (this.#plays.get(key) === play) this.#plays.delete(key);
    };
    const close = (): void => {
      retire();
      for (const peer of opened) peer.close();
      this.#free.push(...numbers);
    };
    const play = new MulticastPlay(this.#options.transport, members, opened, { retire, close });
    if (opened.length < 2 * tracks.length) {
      close();
      return undefined;
    }
    this.#plays.set(key, play);
    return play;
  }

  #takeNumber(): number {
    if (this.#unusedCount === 0) return this.#free.shift() as number;
    const number = this.#nextNumber;
    this.#nextNumber += this.#options.position.count;
    this.#unusedCount--;
    return number;
  }

  #groupOf(number: number): MulticastGroup {
    const { range, port: firstPort, ttl } = this.#options;
    const address = range.base + number;
    const port = firstPort + 2 * (number % multicastPairCount);
    return {
      address: [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join("."),
      ports: [port, port + 1],
      ttl,
    };
  }
}

/** One player's part in a play. As a {@link Play} it can't stop or pause the others. */
export class MulticastMember implements Play {
  readonly #play: MulticastPlay;
  handler: PlayHandler | undefined;
  isPaused = false;
  #hasLeft = false;

  constructor(play: MulticastPlay) {
    this.#play = play;
    play.members.add(this);
  }

  /** @param trackIndex - in the description */
  groupOf(trackIndex: number): MulticastGroup | undefined {
    return this.#play.tracks[trackIndex]?.group;
  }

  /** Begins the play, unless it has begun. */
  begin(log: ReadableLog, options: PlayOptions, handler: PlayHandler): Play {
    this.handler = handler;
    this.#play.begin(log, options);
    return this;
  }

  finish(): void {
    this.#play.finish();
  }

  /** Takes part no more; the last one ends the play. */
  stop(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#play.leave(this);
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
  }
}

interface PlayOwner {
  /** Nobody joins it any more. */
  retire(): void;
  /** Gives its groups back. */
  close(): void;
}

interface PlayedTrack {
  readonly track: RtspTrack;
  readonly group: MulticastGroup;
}

class MulticastPlay implements PlayHandler {
  readonly members: Set<MulticastMember> = new Set();
  readonly tracks: readonly PlayedTrack[];
  readonly #transport: DatagramTransport;
  /** RTP and RTCP of the first track, of the second, and so on. */
  readonly #peers: readonly DatagramPeer[];
  readonly #owner: PlayOwner;
  #play: Play | undefined;
  #isFinishing = false;

  constructor(
    transport: DatagramTransport,
    tracks: readonly PlayedTrack[],
    peers: readonly DatagramPeer[],
    owner: PlayOwner,
  ) {
    this.#transport = transport;
    this.tracks = tracks;
    this.#peers = peers;
    this.#owner = owner;
  }

  begin(log: ReadableLog, options: PlayOptions): void {
    if (this.#play !== undefined) return;
    const routes = this.tracks.flatMap(({ track }, index): DatagramRoute[] => [
      { channel: track.channel, peer: this.#peers[2 * index] as DatagramPeer },
      { channel: track.channel + 1, peer: this.#peers[2 * index + 1] as DatagramPeer },
    ]);
    this.#play = this.#transport.playDatagrams(log, routes, options, this);
  }

  /** All members' stream ends at the same time: it is the same. */
  finish(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#owner.retire(); // who comes now means what is published next
    this.#play?.finish();
  }

  leave(member: MulticastMember): void {
    this.members.delete(member);
    if (this.members.size > 0) return;
    this.#play?.stop();
    this.#owner.close();
  }

  handlePlayed(): void {
    for (const [index, { track }] of this.tracks.entries()) this.#peers[2 * index + 1]?.send(writeRtspBye(track));
    for (const { handler } of [...this.members]) handler?.handlePlayed();
  }

  handleLag(skippedBytes: number): void {
    for (const { handler } of this.members) handler?.handleLag(skippedBytes);
  }

  handleEvicted(): void {
    for (const { handler } of [...this.members]) handler?.handleEvicted();
  }
}

const ignoreAnswers = { handleDatagram: (): void => {} };

/** Tracks at the same time that all have ports of their own; the option leaves room for them. */
const multicastPairCount = 256;

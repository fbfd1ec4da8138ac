/** What one session has over UDP: its tracks, or its part in a multicast play; and what a player reports of its reception. */

import type { RtspTrack } from "../../bridges/rtsp-egress.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import type { Play, PlayHandler, PlayOptions } from "../../runtime/play.ts";
import type { MulticastGroup, MulticastMember } from "./multicast-plays.ts";
import { ReceptionReports } from "./reception-reports.ts";
import type { RtspDatagrams } from "./rtsp-datagrams.ts";
import type { UdpPair } from "./udp-ports.ts";
import { UdpTrack } from "./udp-track.ts";

export interface SessionDatagramsHandler {
  /** `bytes` are valid during the call only. */
  handlePacket(trackIndex: number, kind: "rtp" | "rtcp", bytes: Uint8Array): void;
  /** The client is at other ports than it said: what plays has to begin anew. */
  handleMoved(): void;
}

/** A track as it was described, and where in the description. */
export interface PlayedTrack {
  readonly trackIndex: number;
  readonly track: RtspTrack;
}

export class SessionDatagrams {
  readonly #shared: RtspDatagrams;
  readonly #address: string;
  readonly #handler: SessionDatagramsHandler;
  readonly #tracks = new Map<number, UdpTrack>();
  /** Pairs for tracks that may still be set up. */
  #reserved: UdpPair[] | undefined;
  #member: MulticastMember | undefined;
  #reports: ReceptionReports | undefined;
  #isClosed = false;

  /** @param address - of the session's connection: media comes from there and goes there, and nowhere else */
  constructor(shared: RtspDatagrams, address: string, handler: SessionDatagramsHandler) {
    this.#shared = shared;
    this.#address = address;
    this.#handler = handler;
  }

  /** Nothing was set up. */
  get isEmpty(): boolean {
    return this.#tracks.size === 0 && this.#member === undefined;
  }

  get isMulticast(): boolean {
    return this.#member !== undefined;
  }

  /** Of a player, from its first PLAY on. */
  get reports(): ReceptionReports | undefined {
    return this.#reports;
  }

  /**
   * Resolves to our ports for the track; undefined when there are none left, or the client's are another session's.
   *
   * @param trackCount - of the stream: the client may want to set up as many, and has ports for all of them from its first one on
   */
  async setUp(trackIndex: number, clientPorts: NumberPair, trackCount: number): Promise<NumberPair | undefined> {
    this.#reserved ??= await this.#shared.ports?.take(trackCount);
    if (this.#isClosed) this.begin();
    const pair = this.#reserved?.shift();
    if (pair === undefined) return undefined;
    const track = UdpTrack.open(pair, this.#address, clientPorts, {
      handlePacket: (kind, bytes) => this.#handler.handlePacket(trackIndex, kind, bytes),
      handleMoved: () => this.#handler.handleMoved(),
      handleUnreachable: () => {
        this.#shared.unreachableCount++;
      },
    });
    if (track === undefined) {
      this.#reserved?.unshift(pair);
      return undefined;
    }
    this.#tracks.set(trackIndex, track);
    return track.ports;
  }

  /** All tracks are set up that the client wants. */
  begin(): void {
    for (const pair of this.#reserved?.splice(0) ?? []) pair.release();
  }

  /** @param key - of the stream and its description, whose tracks are `tracks`. Undefined when there are no groups left. */
  setUpMulticast(key: string, tracks: readonly RtspTrack[], trackIndex: number): MulticastGroup | undefined {
    this.#member ??= this.#shared.multicast?.join(key, tracks);
    return this.#member?.groupOf(trackIndex);
  }

  play(
    tracks: readonly PlayedTrack[],
    log: ReadableLog,
    options: PlayOptions,
    handler: PlayHandler,
    wallMs: number,
  ): Play | undefined {
    if (this.#isClosed) return undefined;
    this.begin();
    if (this.#member !== undefined) return this.#member.begin(log, options, handler);
    this.#reports = new ReceptionReports(
      tracks.map(({ track }) => track),
      wallMs,
    );
    const routes = tracks.flatMap(({ trackIndex, track }) => this.#tracks.get(trackIndex)?.routes(track.channel) ?? []);
    return this.#shared.transport.playDatagrams(log, routes, options, handler);
  }

  sendRtcp(trackIndex: number, packet: Uint8Array): void {
    this.#tracks.get(trackIndex)?.sendRtcp(packet);
  }

  /** What plays has to be stopped before. */
  close(): void {
    this.#isClosed = true;
    this.begin();
    for (const track of this.#tracks.values()) track.close();
    this.#tracks.clear();
    this.#member?.stop();
  }
}

/**
 * Which packets of a track go on as they came, without waiting for their frames, and which can't: those then wait for the frame,
 * which is cut to packets anew.
 *
 * That is decided once for each access unit, when its picture begins: only then is it known whether it is key. What stands before
 * the picture (delimiter, parameter sets, SEI) is held until then, which is until the packet behind it. Sound has no such units;
 * each of its packets is for itself.
 *
 * What was lost on the way in is a gap in the sequence numbers on the way out: players see the loss, as behind any router.
 */

import type { RtpTrack } from "../rtp-payload-format.ts";
import { maxHeldBytes, maxHeldPackets, maxRelayedPayloadBytes } from "./limits.ts";
import type { RtpPayloadReader, UnitProgress } from "./payload.ts";

/** What such packets are called between the publisher's side and the players'. */
export const rtpProtocol = "rtp";

/** A packet on its way from a publisher to players; one object serves all packets of a track. */
export interface RelayedPacket {
  /** As it was described by the publisher: who has described it otherwise to players can't send it to them. */
  readonly source: RtpTrack;
  /** A view that is valid during the call only. */
  readonly payload: Uint8Array;
  readonly marker: boolean;
  /** Its time, as the caller counts it. */
  readonly ticks: number;
  /** Packets that are missing between the one before it and this. */
  readonly lostBefore: number;
  /** The first of its access unit. */
  readonly startsUnit: boolean;
  readonly isKey: boolean;
  /** A key unit without parameter sets: they stand in the description alone, and players expect them in band. */
  readonly lacksConfig: boolean;
}

/** What a packet's access unit waits for, or how it goes on. */
type Way = "undecided" | "packets" | "frame" | "broken off";

export class PacketRelay {
  readonly #source: RtpTrack;
  readonly #onPacket: (packet: RelayedPacket) => void;
  readonly #packet: Writable<RelayedPacket>;
  readonly #held: HeldPacket[] = [];
  #heldBytes = 0;
  #way: Way = "frame";
  #isFirstOfUnit = true;
  #lostBefore = 0;
  /** A packet has come that players could not be sent: from then on frames are. */
  #isUnfit = false;
  /** Behind a new beginning, what comes refers to pictures that nobody has. */
  #needsKey = false;

  /** @param onPacket - given each packet that goes on, in order */
  constructor(source: RtpTrack, onPacket: (packet: RelayedPacket) => void) {
    this.#source = source;
    this.#onPacket = onPacket;
    const state = { marker: false, ticks: 0, lostBefore: 0, startsUnit: false, isKey: false, lacksConfig: false };
    this.#packet = { source, payload: noBytes, ...state };
  }

  /** Whether the unit of the packet that came last goes on in packets, so that its frame has gone already when it is whole. */
  get isRelaying(): boolean {
    return this.#way === "packets" || this.#way === "broken off";
  }

  /** So many packets are missing in front of the next one. */
  addLost(count: number): void {
    this.#lostBefore += count;
  }

  /**
   * A packet that is not empty, which `reader` has handled already.
   *
   * @param isReadable - the reader made something of it; what it refused is as good as lost
   * @param isDescribed - players have been told of the track; before, nothing of it goes on
   */
  handle(
    payload: Uint8Array,
    marker: boolean,
    ticks: number,
    { reader, isReadable, isDescribed }: { reader: RtpPayloadReader; isReadable: boolean; isDescribed: boolean },
  ): void {
    if (payload.length > maxRelayedPayloadBytes || reader.isPlain === false) this.#isUnfit = true;
    const progress = reader.progress ?? soundProgress;
    if (progress.isFirst) this.#begin();
    if (this.#way === "undecided") {
      if (!progress.isKnown && isReadable && this.#hold(payload, marker, ticks)) return;
      this.#decide(progress, isDescribed);
    }
    if (this.#way === "packets" && this.#isUnfit) this.#way = "broken off";
    if (this.#way === "frame") this.#lostBefore = 0;
    else if (this.#way === "broken off" || !isReadable) this.#lostBefore++;
    else this.#send(payload, marker, ticks, this.#lostBefore);
  }

  /** The source starts anew: what is next does not go on with what was before. */
  restart(): void {
    this.#begin();
    this.#lostBefore = 0;
    this.#needsKey = true;
  }

  #begin(): void {
    this.#way = "undecided";
    this.#isFirstOfUnit = true;
    this.#held.length = 0;
    this.#heldBytes = 0;
  }

  /** False when there is too much of it for what stands before a picture. */
  #hold(payload: Uint8Array, marker: boolean, ticks: number): boolean {
    this.#heldBytes += payload.length;
    if (this.#held.length === maxHeldPackets || this.#heldBytes > maxHeldBytes) {
      this.#isUnfit = true;
      return false;
    }
    this.#held.push({ payload: payload.slice(), marker, ticks, lostBefore: this.#lostBefore });
    this.#lostBefore = 0;
    return true;
  }

  #decide({ isKnown, isKey, hasConfig }: UnitProgress, isDescribed: boolean): void {
    const lacksConfig = isKey && !hasConfig;
    if (isKey) this.#needsKey = false;
    const isFit = isKnown && isDescribed && !this.#isUnfit && !this.#needsKey;
    const canAddConfig = withParameterSets.has(this.#source.payloadFormat.name);
    this.#way = isFit && (!lacksConfig || canAddConfig) ? "packets" : "frame";
    if (this.#way === "packets") {
      this.#packet.isKey = isKey;
      this.#packet.lacksConfig = lacksConfig;
      for (const { payload, marker, ticks, lostBefore } of this.#held) this.#send(payload, marker, ticks, lostBefore);
    }
    this.#held.length = 0;
  }

  #send(payload: Uint8Array, marker: boolean, ticks: number, lostBefore: number): void {
    const packet = this.#packet;
    packet.payload = payload;
    packet.marker = marker;
    packet.ticks = ticks;
    packet.lostBefore = lostBefore;
    packet.startsUnit = this.#isFirstOfUnit;
    this.#isFirstOfUnit = false;
    this.#lostBefore = 0;
    this.#onPacket(packet);
  }
}

interface HeldPacket {
  readonly payload: Uint8Array;
  readonly marker: boolean;
  readonly ticks: number;
  readonly lostBefore: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const soundProgress: UnitProgress = { isFirst: true, isKnown: true, isKey: true, hasConfig: true };

/** Formats whose writers can put the configuration into packets of its own. */
const withParameterSets: ReadonlySet<RtpTrack["payloadFormat"]["name"]> = new Set(["h264", "h265", "vvc"]);

const noBytes = new Uint8Array(0);

/**
 * Which packets of a track go on as they came, without waiting for their frames, and which can't: those then wait for the frame,
 * which is cut to packets anew.
 *
 * That is decided once for each access unit, when its picture begins: only then is it known whether it is key. What stands before
 * the picture (delimiter, parameter sets, SEI) is held until then, which is until the packet behind it. Sound has no such units;
 * each of its packets is for itself.
 *
 * A unit of which a packet is lost is broken off, and what its beginning has become at a player is the player's affair. So that it
 * remains a rarity, a line that has lost something is not trusted for a while: then pictures go on when they are whole.
 */

import type { RtpTrack } from "../rtp-payload-format.ts";
import { maxHeldBytes, maxHeldPackets, maxRelayedPayloadBytes, trustDelayMs } from "./limits.ts";
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
  /** The first of its access unit. */
  readonly startsUnit: boolean;
  readonly isKey: boolean;
  /** The unit before it that went this way was broken off. */
  readonly isBehindGap: boolean;
  /** A key unit without parameter sets: they stand in the description alone, and players expect them in band. */
  readonly lacksConfig: boolean;
}

/** What a packet's access unit waits for, or how it goes on. */
type Way = "undecided" | "packets" | "frame" | "broken off";

export class PacketRelay {
  readonly #source: RtpTrack;
  readonly #reader: RtpPayloadReader;
  readonly #onPacket: (packet: RelayedPacket) => void;
  readonly #packet: Writable<RelayedPacket>;
  readonly #held: HeldPacket[] = [];
  #heldBytes = 0;
  #way: Way = "frame";
  #isFirstOfUnit = true;
  #isBehindGap = false;
  #trustedFromMs = Number.NEGATIVE_INFINITY;
  /** A packet has come that players could not be sent: from then on frames are. */
  #isUnfit = false;

  /**
   * @param reader - has handled each packet that is handed over here
   * @param onPacket - given each packet that goes on, in order
   */
  constructor(source: RtpTrack, reader: RtpPayloadReader, onPacket: (packet: RelayedPacket) => void) {
    this.#source = source;
    this.#reader = reader;
    this.#onPacket = onPacket;
    const place = { marker: false, ticks: 0, startsUnit: false, isBehindGap: false };
    this.#packet = { source, payload: noBytes, ...place, isKey: false, lacksConfig: false };
  }

  /** Whether the unit of the packet that came last goes on in packets, so that its frame has gone already when it is whole. */
  get isRelaying(): boolean {
    return this.#way === "packets" || this.#way === "broken off";
  }

  /** Packets are missing, or the source has started anew, or it is not known yet whether the line loses any. */
  distrust(nowMs: number): void {
    this.#trustedFromMs = nowMs + trustDelayMs;
    if (this.#way === "packets") this.#breakOff();
  }

  /**
   * A packet that is not empty.
   *
   * @param isReadable - the reader made something of it; what it refused is as good as lost
   * @param isDescribed - players may have been told of the track; before, nothing of it goes on
   */
  handle(
    payload: Uint8Array,
    marker: boolean,
    ticks: number,
    nowMs: number,
    isReadable: boolean,
    isDescribed: boolean,
  ): void {
    const progress = this.#reader.progress ?? soundProgress;
    if (progress.isFirst) this.#begin();
    if (!isReadable) this.distrust(nowMs);
    if (payload.length > maxRelayedPayloadBytes || this.#reader.isPlain === false) this.#isUnfit = true;
    if (this.#way === "undecided") {
      if (!progress.isKnown && isReadable && this.#hold(payload, marker, ticks)) return;
      this.#decide(progress, isDescribed && nowMs >= this.#trustedFromMs);
    }
    if (this.#way !== "packets") return;
    if (this.#isUnfit) this.#breakOff();
    else this.#send(payload, marker, ticks);
  }

  #breakOff(): void {
    this.#way = "broken off";
    this.#isBehindGap = true;
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
    this.#held.push({ payload: payload.slice(), marker, ticks });
    return true;
  }

  #decide({ isKnown, isDecodable, isKey, hasConfig }: UnitProgress, isWanted: boolean): void {
    const lacksConfig = isKey && !hasConfig;
    const canAddConfig = withParameterSets.has(this.#source.payloadFormat.name);
    const isFit = isKnown && isDecodable && !this.#isUnfit && (!lacksConfig || canAddConfig);
    this.#way = isWanted && isFit ? "packets" : "frame";
    if (this.#way === "packets") {
      this.#packet.isKey = isKey;
      this.#packet.lacksConfig = lacksConfig;
      for (const { payload, marker, ticks } of this.#held) this.#send(payload, marker, ticks);
    }
    this.#held.length = 0;
  }

  #send(payload: Uint8Array, marker: boolean, ticks: number): void {
    const packet = this.#packet;
    packet.payload = payload;
    packet.marker = marker;
    packet.ticks = ticks;
    packet.startsUnit = this.#isFirstOfUnit;
    packet.isBehindGap = this.#isBehindGap;
    this.#isFirstOfUnit = false;
    this.#isBehindGap = false;
    this.#onPacket(packet);
  }
}

interface HeldPacket {
  readonly payload: Uint8Array;
  readonly marker: boolean;
  readonly ticks: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const soundProgress: UnitProgress = { isFirst: true, isKnown: true, isDecodable: true, isKey: true, hasConfig: true };

/** Formats whose writers can put the configuration into packets of its own. */
const withParameterSets: ReadonlySet<RtpTrack["payloadFormat"]["name"]> = new Set(["h264", "h265", "vvc"]);

const noBytes = new Uint8Array(0);

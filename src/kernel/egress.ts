/** Wire formats: how a stream's frames become an egress log, and the lease that keeps the log while somebody plays it. */

import type { EgressLog } from "./egress-log.ts";
import type { Frame, Track, TrackFormat } from "./frame.ts";
import type { StreamMetadata } from "./metadata.ts";
import type { StreamName } from "./stream-name.ts";

/** Turns frames into entries of one log. One for each stream and wire format, made on the first subscriber. */
export interface Packetizer {
  /**
   * Appends what the frame becomes; the frame is lent for the call. `isRandomAccess` as the stream sees it; a packetizer that leaves
   * out video decides anew. `cameAsPackets`: its packets were handed to {@link handlePacket} before; whoever has taken them all
   * leaves the frame out.
   */
  handleFrame(frame: Frame, isRandomAccess: boolean, cameAsPackets: boolean): void;
  /** Appends a packet of a frame that is not whole yet. Left out by those who can send nothing but what they made of frames. */
  handlePacket?(packet: Packet): void;
  /** The publisher's description changed. */
  handleMetadata(metadata: StreamMetadata): void;
}

/**
 * A part of a frame as the publisher sent it, for logs whose protocol carries the same parts: they need not wait for the frame.
 * Lent for the duration of the call. The frame follows behind its last packet, unless it was damaged on its way.
 */
export interface Packet {
  readonly track: Track;
  /** Presentation time of its frame in ticks of the track's timescale. */
  readonly ptsTicks: number;
  /** The first of its frame that is handed over: who has missed it waits for the frame, and for the next first one. */
  readonly startsFrame: boolean;
  /** Whether decoding may start at its frame. */
  readonly isKey: boolean;
  /** Whose packet it is, such as `rtp`. */
  readonly protocol: string;
  /** What that protocol says of it, for those who know it. */
  readonly content: unknown;
}

/**
 * A wire format. `key` names it among the formats of a stream: two subscribers with the same key share one log, so everything
 * that changes a byte on the wire must be in it.
 */
export interface WireFormat {
  readonly key: string;
  /**
   * @param formats - the tracks known so far, as they were at the start of the GOP that is appended next
   * @param newestMs - decoding time of that GOP's newest frame, which came last
   */
  createPacketizer(
    log: EgressLog,
    formats: ReadonlyMap<Track, TrackFormat>,
    metadata: StreamMetadata,
    newestMs: number,
  ): Packetizer;
}

/** What can be known of a stream wherever it is: what a wire format is chosen by. */
export interface StreamView {
  readonly name: StreamName;
  readonly tracks: readonly Track[];
  /** Media since its publisher's first frame, in milliseconds: the tracks of a young stream may not be all there yet. */
  readonly mediaMs: number;
}

/** A wire format by name, as it can be sent to the thread that has the stream. */
export interface FormatRequest {
  /** Which {@link FormatFamily} knows it. */
  readonly family: string;
  /** Names it among the family's: two requests with the same key are the same. */
  readonly key: string;
  /** The family's own; can be cloned. */
  readonly parameters: unknown;
}

/** The wire formats of one kind of player. */
export interface FormatFamily {
  /** @throws a CodedError when such a player can be given nothing of these tracks */
  choose(tracks: readonly Track[], request: FormatRequest): ChosenFormat;
}

export interface ChosenFormat {
  readonly format: WireFormat;
  /** What this player can't be given, as sentences for a person. */
  readonly leftOut: readonly string[];
}

/** Wire formats: how a stream's frames become an egress log, and the lease that keeps the log while somebody plays it. */

import type { EgressLog } from "./egress-log.ts";
import type { Frame, Track, TrackFormat } from "./frame.ts";
import type { StreamMetadata } from "./metadata.ts";

/** Turns frames into entries of one log. One for each stream and wire format, made on the first subscriber. */
export interface Packetizer {
  /** Appends what the frame becomes. `isRandomAccess` as the stream sees it; a packetizer that leaves out video decides anew. */
  handleFrame(frame: Frame, isRandomAccess: boolean): void;
  /** The publisher's description changed. */
  handleMetadata(metadata: StreamMetadata): void;
}

/**
 * A wire format. `key` names it among the formats of a stream: two subscribers with the same key share one log, so everything
 * that changes a byte on the wire must be in it.
 */
export interface WireFormat {
  readonly key: string;
  /** `formats`: the tracks known so far, as they were at the start of the GOP that is appended next. */
  createPacketizer(log: EgressLog, formats: ReadonlyMap<Track, TrackFormat>, metadata: StreamMetadata): Packetizer;
}

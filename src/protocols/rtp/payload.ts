/**
 * What every payload format of RTP offers, whatever its codec: a writer that cuts frames into payloads, and a reader that
 * puts them together again. One file each in payload/. What the bytes of a frame are: docs/frames.md.
 */

/** Where a payload writer puts payloads: one `begin` for each packet, then exactly `payloadBytes` bytes. */
export interface PayloadSink {
  /**
   * `isLastOfFrame` is what most formats send as the marker bit. `timestampOffset` is the packet's time after the frame's, in
   * ticks of the RTP clock, where a frame of sound fills several packets; left out it is 0.
   */
  begin(payloadBytes: number, isLastOfFrame: boolean, timestampOffset?: number): void;
  /** Appends `bytes[start, end)`. */
  write(bytes: Uint8Array, start?: number, end?: number): void;
}

/** Splits frames into RTP payloads of at most `maxPayloadBytes`, an argument of its constructor. No allocation per packet. */
export interface RtpPayloadWriter {
  writeFrame(data: Uint8Array, isKey: boolean, sink: PayloadSink): void;
  /** Writes the configuration alone, to go before a key frame in packets of somebody else that lacks it. Left out: there is no such form. */
  writeConfig?(sink: PayloadSink): void;
}

/** One access unit out of packets. */
export interface RtpFrame {
  /** As it stood in the packets: 32 bits of the payload format's clock. */
  readonly timestamp: number;
  /** The frame's own memory. */
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** As TrackFormat.config; set when the stream told a new decoder configuration in band, with this frame or before it. */
  readonly config?: Uint8Array;
  /** As TrackFormat.description. */
  readonly description?: Uint8Array;
}

/** How far the access unit is that a packet belongs to, for those who send packets on before their unit is whole. */
export interface UnitProgress {
  /** The packet is the first of its unit that came. */
  readonly isFirst: boolean;
  /** Whether the unit is key is known: its picture has begun, or its beginning is lost. */
  readonly isKnown: boolean;
  readonly isKey: boolean;
  /** Nothing of it is missing up to now, nor of what it refers to. */
  readonly isDecodable: boolean;
  /** All that a decoder needs to begin there has come in the unit. */
  readonly hasConfig: boolean;
}

/**
 * Takes packets of one payload type, in order of their sequence numbers, and gives frames.
 *
 * A damaged access unit is dropped whole and counted; after a loss that hits references, video goes on at the next key frame.
 * A payload that is malformed is a CodedError: the packet and its access unit are lost, and the reader takes the next one as
 * after any other loss.
 */
export interface RtpPayloadReader {
  /** `payload` is a view that is valid during the call only. `isLossBefore`: packets are missing between the last one and this. */
  handle(payload: Uint8Array, timestamp: number, marker: boolean, isLossBefore: boolean): void;
  /** The next complete frame; to be called until undefined after each `handle`. */
  poll(): RtpFrame | undefined;
  /** Damaged frames, and those left out behind them. */
  readonly droppedFrameCount: number;
  /** Of these the whole ones that refer to what is missing. */
  readonly waitingFrameCount?: number;
  /** Of the packet that was handled last, which was not empty. Sound has no units: each packet is for itself. */
  readonly progress?: UnitProgress;
  /** False from the first packet on that not every receiver can be expected to understand: then only frames go on. */
  readonly isPlain?: boolean;
}

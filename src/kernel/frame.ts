/** Frames and tracks: what the kernel carries. It knows neither codecs nor protocols; which bytes a frame holds is written in docs/frames.md. */

export type TrackKind = "video" | "audio" | "data";

/**
 * How to read a track's frames, from one frame on. Immutable: when a publisher changes its codec configuration in
 * mid-stream, later frames carry another object, so `frame.format !== previous.format` is the whole test.
 */
export interface TrackFormat {
  /** The codec's short name, such as `h264` or `aac`. */
  readonly codec: string;
  /** Ticks per second of the frames' time stamps. */
  readonly timescale: number;
  /** The decoder configuration (parameter sets); empty when the codec needs none. */
  readonly config: Uint8Array;
  /** A further description in the codec's own form, such as the colour information of Enhanced RTMP (AMF0); see docs/frames.md. */
  readonly description?: Uint8Array | undefined;
  /** RFC 6381, such as `avc1.64001f`; empty when unknown. */
  readonly codecString: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly fps?: number | undefined;
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
}

/** One elementary stream. `number` counts within its kind: video 0 and audio 0 are what a player without a choice gets. */
export interface Track {
  readonly kind: TrackKind;
  readonly number: number;
  /** The format of the newest frame. */
  readonly format: TrackFormat;
}

/** One access unit. Immutable; its bytes are its own memory and stay valid for as long as somebody holds them. */
export interface Frame {
  readonly type: "frame";
  readonly track: Track;
  readonly format: TrackFormat;
  /** Presentation time in ticks of `format.timescale`; 0 is the start of the stream. */
  readonly ptsTicks: number;
  /** Decoding time; never less than that of the track's frame before. */
  readonly dtsTicks: number;
  /** Whether decoding may start here. Always true for audio and data. */
  readonly isKey: boolean;
  readonly data: Uint8Array;
}

/** How frames are cut to RTP packets, as far as that is agreed on outside of them: SDP tells it, RTP does it. */

import type { StreamMuxConfig } from "../codecs/aac/stream-mux-config.ts";
import type { CodecName } from "../codecs/codec-name.ts";

/** What a payload type of a session carries. */
export interface RtpTrack {
  readonly payloadType: number;
  readonly codec: CodecName;
  /** Ticks a second of the RTP timestamps, which is the track's timescale. */
  readonly clockRate: number;
  /** As TrackFormat.config; empty when it is not known yet, or the codec needs none. */
  readonly config: Uint8Array;
  readonly payloadFormat: RtpPayloadFormat;
}

export type RtpPayloadFormat =
  | { readonly name: "h264" | "h265" | "vvc" | "av1" | "vp8" | "vp9" | "opus" | "mpeg-audio" | "ac3" | "eac3" }
  | { readonly name: "aac-generic"; readonly fields: AacHeaderFields; readonly frameTicks: number }
  /** `muxConfig` is undefined when it comes in the stream. */
  | { readonly name: "aac-latm"; readonly muxConfig: StreamMuxConfig | undefined }
  /** `tickBytes`: bytes of one tick of the clock, all channels together. */
  | { readonly name: "pcm"; readonly tickBytes: number };

/** Which fields an AU-header of "mpeg4-generic" has (RFC 3640 §3.2.1, §4.1): each is a number of bits, 0 when it is absent. */
export interface AacHeaderFields {
  readonly sizeLength: number;
  readonly indexLength: number;
  readonly indexDeltaLength: number;
  readonly ctsDeltaLength: number;
  readonly dtsDeltaLength: number;
  /** 1 or 0. */
  readonly randomAccessIndication: number;
  readonly streamStateIndication: number;
  readonly auxiliaryDataSizeLength: number;
  /** Bytes of every access unit, where AU-headers have no size; 0 when it is not told. */
  readonly constantSize: number;
}

/** RFC 3640 §3.3.6: what nearly everybody sends. */
export const aacHbr: AacHeaderFields = {
  sizeLength: 13,
  indexLength: 3,
  indexDeltaLength: 3,
  ctsDeltaLength: 0,
  dtsDeltaLength: 0,
  randomAccessIndication: 0,
  streamStateIndication: 0,
  auxiliaryDataSizeLength: 0,
  constantSize: 0,
};

/** §3.3.5: access units of at most 63 bytes. */
export const aacLbr: AacHeaderFields = { ...aacHbr, sizeLength: 6, indexLength: 2, indexDeltaLength: 2 };

/** Ticks a second of MPEG audio, whatever its sample rate: RFC 3551 §4.5.13. */
export const mpegAudioClockRate = 90_000;

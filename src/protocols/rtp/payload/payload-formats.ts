/** The reader and the writer of each payload format. */

import { aacFrameTicks } from "../../../codecs/aac/frame-ticks.ts";
import type { AacHeaderFields, RtpPayloadFormat, RtpTrack } from "../../rtp-payload-format.ts";
import type { RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { AacGenericReader, AacGenericWriter } from "./aac-generic.ts";
import { AacLatmReader, AacLatmWriter } from "./aac-latm.ts";
import { Ac3Reader, Ac3Writer } from "./ac3.ts";
import { openAv1Reader } from "./av1-depacketizer.ts";
import { openAv1Writer } from "./av1-writer.ts";
import { MpegAudioReader, MpegAudioWriter } from "./mpeg-audio.ts";
import { openH264Reader, openH265Reader, openVvcReader } from "./nal-depacketizer.ts";
import { openH264Writer, openH265Writer, openVvcWriter } from "./nal-writer.ts";
import { OpusReader, OpusWriter } from "./opus.ts";
import { PcmReader, PcmWriter } from "./pcm.ts";
import { openVp8Reader } from "./vp8-depacketizer.ts";
import { openVp9Reader } from "./vp9-depacketizer.ts";
import { openVp8Writer, openVp9Writer } from "./vpx-writer.ts";

/** For the packets of `track`; what its configuration says need not come in the stream. */
export function openPayloadReader({ payloadFormat, clockRate, config }: RtpTrack): RtpPayloadReader {
  const known = config.length > 0 ? config : undefined;
  switch (payloadFormat.name) {
    case "h264":
      return openH264Reader(known);
    case "h265":
      return openH265Reader(known);
    case "vvc":
      return openVvcReader(known);
    case "av1":
      return openAv1Reader(known);
    case "vp8":
      return openVp8Reader();
    case "vp9":
      return openVp9Reader(known);
    case "aac-generic":
      return new AacGenericReader(payloadFormat.fields, payloadFormat.frameTicks);
    case "aac-latm":
      return new AacLatmReader(payloadFormat.muxConfig, (found) => aacFrameTicks(found, clockRate));
    case "opus":
      return new OpusReader();
    case "mpeg-audio":
      return new MpegAudioReader();
    case "ac3":
    case "eac3":
      return new Ac3Reader(payloadFormat.name, clockRate);
    case "pcm":
      return new PcmReader(payloadFormat.tickBytes);
  }
}

export interface PayloadWriterOptions {
  readonly maxPayloadBytes: number;
  /** Puts the configuration of the track before key frames that do not have it. */
  readonly repeatsConfig: boolean;
  /** Of VP8 and VP9, 15 bits: random. */
  readonly initialPictureId: number;
}

/** For frames of `track`, whose configuration must be known; another configuration needs another writer. */
export function openPayloadWriter(track: RtpTrack, options: PayloadWriterOptions): RtpPayloadWriter {
  const { payloadFormat, clockRate, config } = track;
  const { maxPayloadBytes, repeatsConfig, initialPictureId } = options;
  const nalOptions = { maxPayloadBytes, config, repeatsParameterSets: repeatsConfig };
  switch (payloadFormat.name) {
    case "h264":
      return openH264Writer(nalOptions);
    case "h265":
      return openH265Writer(nalOptions);
    case "vvc":
      return openVvcWriter(nalOptions);
    case "av1":
      return openAv1Writer({ maxPayloadBytes, config, repeatsSequenceHeader: repeatsConfig });
    case "vp8":
      return openVp8Writer({ maxPayloadBytes, initialPictureId });
    case "vp9":
      return openVp9Writer({ maxPayloadBytes, initialPictureId });
    case "aac-generic":
      return new AacGenericWriter(maxPayloadBytes);
    case "aac-latm":
      return new AacLatmWriter(maxPayloadBytes);
    case "opus":
      return new OpusWriter(maxPayloadBytes);
    case "mpeg-audio":
      return new MpegAudioWriter(maxPayloadBytes);
    case "ac3":
    case "eac3":
      return new Ac3Writer(payloadFormat.name, clockRate, maxPayloadBytes);
    case "pcm":
      return new PcmWriter(payloadFormat.tickBytes, maxPayloadBytes);
  }
}

/**
 * Whether the marker bit says "the frame ends here", as it does for pictures and for sound in several packets. In plain samples,
 * Opus and MPEG audio it says that sound begins after silence (RFC 3551 §4.1, RFC 7587 §4.1, RFC 2250 §3.3), which nobody here knows.
 */
export function marksFrameEnd({ name }: RtpPayloadFormat): boolean {
  return name !== "pcm" && name !== "opus" && name !== "mpeg-audio";
}

/** Whether packets of one format can be told as those of the other: the same names and numbers in their descriptions. */
export function isSamePayloadFormat(a: RtpPayloadFormat, b: RtpPayloadFormat): boolean {
  if (a.name === "aac-generic" && b.name === "aac-generic") {
    const names = Object.keys(a.fields) as (keyof AacHeaderFields)[];
    return a.frameTicks === b.frameTicks && names.every((name) => a.fields[name] === b.fields[name]);
  }
  // The configuration of LATM is told anew in our description, in a form of its own.
  if (a.name === "aac-latm") return false;
  return a.name === "pcm" && b.name === "pcm" ? a.tickBytes === b.tickBytes : a.name === b.name;
}

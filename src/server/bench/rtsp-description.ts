/** What an RTSP server says of a stream, as far as it can be held to it. */

import { CodedError } from "../../bytes/coded-error.ts";
import { codecKind } from "../../codecs/codec-name.ts";
import { parseAvcConfig } from "../../codecs/h264/avc-config.ts";
import { parseH264Sps } from "../../codecs/h264/sps.ts";
import { reorderDepthOf } from "../../codecs/reorder-depth.ts";
import { marksFrameEnd } from "../../protocols/rtp/payload/payload-formats.ts";
import type { RtpTrack } from "../../protocols/rtp-payload-format.ts";
import type { RtspClientTrack } from "../../protocols/rtsp/client-events.ts";
import { supportedTracksOf } from "../../protocols/sdp/rtp-track.ts";
import { parseSessionDescription } from "../../protocols/sdp/session-description.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import { tracksPerPlayer } from "./limits.ts";
import type { PromisedTrack } from "./rtp-checks.ts";

export interface DescribedStream {
  readonly sdp: string;
  readonly aggregateControl: string | undefined;
  /** What is set up: pictures and sound, up to {@link tracksPerPlayer}. */
  readonly tracks: readonly DescribedTrack[];
}

export interface DescribedTrack extends RtspClientTrack {
  readonly promised: PromisedTrack;
}

/** Errors: those of the description, and ERR_BENCH_FRAMING when there is nothing in it that can be checked. */
export function readDescription(sdp: string): DescribedStream {
  const { control: aggregateControl, media } = parseSessionDescription(sdp);
  const tracks = media.flatMap((section) => {
    const [track] = supportedTracksOf(section);
    if (track === undefined || section.kind !== codecKind(track.codec)) return [];
    return [{ control: section.control, promised: promisesOf(track) }];
  });
  if (tracks.length === 0)
    throw new CodedError(
      ERR_BENCH_FRAMING,
      "expected pictures or sound in the description, it has none that are known",
    );
  return { sdp, aggregateControl, tracks: tracks.slice(0, tracksPerPlayer) };
}

function promisesOf(track: RtpTrack): PromisedTrack {
  const { payloadType, clockRate, payloadFormat, codec } = track;
  return {
    payloadType,
    clockRate,
    marksFrameEnd: marksFrameEnd(payloadFormat),
    maxBackMs: keepsOrder(track) ? 0 : maxReorderMs,
    pictures: codec === "h264" || codec === "h265" ? codec : undefined,
  };
}

/** Whether frames are sent in the order of showing, as the configuration promises. */
function keepsOrder({ codec, config }: RtpTrack): boolean {
  if (codec !== "h264" && codec !== "h265" && codec !== "vvc") return true;
  if (codec === "vvc" || config.length === 0) return false;
  try {
    if (reorderDepthOf(codec, config) > 0) return false;
    if (codec === "h265") return true;
    const [sps] = parseAvcConfig(config).sps;
    if (sps === undefined) return false;
    const { maxNumReorderFrames, profileIdc } = parseH264Sps(sps);
    return maxNumReorderFrames === 0 || profileIdc === baselineProfile;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

/** Sixteen pictures at 25 a second, and half as much again. */
const maxReorderMs = 1_000;
/** H.264 §A.2.1: no B slices. */
const baselineProfile = 66;

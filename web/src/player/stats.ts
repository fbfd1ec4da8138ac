/** The figures the page shows, sampled twice a second. */

import type { Transport } from "../address.ts";
import type { MediaSession, TrackSet } from "../media/media-session.ts";
import type { MediaInfo } from "../media/mse-sink.ts";

export interface PlayerStats {
  readonly transport: Transport;
  readonly videoCodec: string | undefined;
  readonly audioCodec: string | undefined;
  readonly width: number;
  readonly height: number;
  /** Sent by the publisher, over about two seconds. */
  readonly framesPerSecond: number | undefined;
  /** Received, over one second. */
  readonly bitsPerSecond: number | undefined;
  readonly receivedBytes: number;
  /** The end of the browser's buffer minus the playing position. */
  readonly delaySeconds: number | undefined;
  readonly decodedFrames: number;
  readonly droppedFrames: number;
  /** Chromium only: what else says that sound is decoded while muted. */
  readonly decodedAudioBytes: number | undefined;
}

export interface StatsSource {
  readonly transport: Transport;
  readonly tracks: TrackSet | undefined;
  readonly info: MediaInfo | undefined;
  readonly session: MediaSession | undefined;
  readonly element: HTMLVideoElement | undefined;
}

export function sampleStats(source: StatsSource, nowMs: number): PlayerStats {
  const { element, session, tracks, info } = source;
  const quality = element?.getVideoPlaybackQuality?.();
  const isOpen = session !== undefined && element !== undefined && element.buffered.length > 0;
  return {
    transport: source.transport,
    videoCodec: tracks?.video && joinWords(tracks.video.label, info?.profile, info?.level && `L${info.level}`),
    audioCodec: tracks?.audio && joinWords(tracks.audio.label, sampleRate(info), channels(info)),
    width: element?.videoWidth ?? 0,
    height: element?.videoHeight ?? 0,
    framesPerSecond: session?.meter.framesPerSecond(),
    bitsPerSecond: session?.meter.bitsPerSecond(nowMs),
    receivedBytes: session?.meter.receivedBytes ?? 0,
    delaySeconds: isOpen ? Math.max(0, newestSecond(element) - element.currentTime) : undefined,
    decodedFrames: quality?.totalVideoFrames ?? 0,
    droppedFrames: quality?.droppedVideoFrames ?? 0,
    decodedAudioBytes: (element as { webkitAudioDecodedByteCount?: number } | undefined)?.webkitAudioDecodedByteCount,
  };
}

/** The end of the newest buffered range; the element must have one. */
export function newestSecond(element: HTMLMediaElement): number {
  return element.buffered.end(element.buffered.length - 1);
}

function sampleRate(info: MediaInfo | undefined): string | undefined {
  return info?.sampleRateHz ? `${info.sampleRateHz / 1_000} kHz` : undefined;
}

function channels(info: MediaInfo | undefined): string | undefined {
  switch (info?.channelCount) {
    case undefined:
      return undefined;
    case 1:
      return "mono";
    case 2:
      return "stereo";
    default:
      return `${info?.channelCount} channels`;
  }
}

function joinWords(...words: (string | undefined)[]): string {
  return words.filter((word) => word).join(" ");
}

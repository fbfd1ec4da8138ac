/** What tests of RTSP encode, and how: small pictures with B-frames, key frames at known places. */

import { publishFile, type RunningCommand } from "./ffmpeg.ts";
import type { TestServer } from "./server.ts";

/** Pictures between two key frames. */
export const gop = 50;

/** Colours and a tone. */
export function testSources(seconds: number): string[] {
  const picture = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"];
  return [...picture, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", `${seconds}`];
}

export const x264: readonly string[] = [
  "-c:v",
  "libx264",
  "-preset",
  "ultrafast",
  "-pix_fmt",
  "yuv420p",
  "-bf",
  "2",
  "-sc_threshold",
  "0",
];
export const x265: readonly string[] = [
  "-c:v",
  "libx265",
  "-preset",
  "ultrafast",
  "-x265-params",
  "log-level=none:bframes=2:keyint=50:min-keyint=50",
];
export const vp9: readonly string[] = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", `${gop}`];

/** For those that are published over RTMP, and played over RTSP. */
export const overRtmp: RtmpPublisher = {
  name: "ffmpeg over RTMP",
  missingSounds: 0,
  mayHang: false,
  start: (file: string, to: TestServer, stream: string): RunningCommand => publishFile(file, to.rtmpUrl(stream)),
};

interface RtmpPublisher {
  readonly name: string;
  /** Packets of sound that it does not send. */
  readonly missingSounds: number;
  readonly mayHang: boolean;
  start(file: string, to: TestServer, stream: string): RunningCommand;
}

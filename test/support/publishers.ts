/** Encoders that people use, as commands that publish a prepared file in real time without changing a frame. */

import { publishFile, type RunningCommand, startCommand } from "./ffmpeg.ts";

export interface Publisher {
  readonly name: string;
  /** Frames of sound at the end that it does not send. */
  readonly missingSounds: number;
  /** Indexes of pictures that it sends with the decoding time of the one before. */
  readonly equalTimes: readonly number[];
  /** @param file - H.264 and AAC in FLV */
  start(file: string, url: string): RunningCommand;
}

export const publishers: readonly Publisher[] = [
  { name: "ffmpeg", missingSounds: 0, equalTimes: [], start: (file, url) => publishFile(file, url) },
  gstreamer("rtmpsink"),
  gstreamer("rtmp2sink"),
];

/**
 * Its flvmux holds the newest buffer of each track back until the next one comes, and drops the last sound at the end. Its
 * time starts at 0, so that the room for B-frames is cut off the first picture's decoding time.
 */
function gstreamer(element: string): Publisher {
  return {
    name: `GStreamer ${element}`,
    missingSounds: 1,
    equalTimes: [1],
    start: (file, url) => {
      const pipeline = [
        `flvmux name=mux streamable=true ! ${element} sync=true location=${url}`,
        `filesrc location=${file} ! flvdemux name=demux`,
        "demux.video ! queue ! h264parse ! mux.video",
        "demux.audio ! queue ! aacparse ! mux.audio",
      ];
      return startCommand("gst-launch-1.0", ["-q", ...pipeline.join(" ").split(" ")]);
    },
  };
}

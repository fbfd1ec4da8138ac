/** Encoders and players that people use over RTSP, as commands. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  finished,
  frameHashes,
  packetHashes,
  playRtsp,
  publishFileRtsp,
  type RunningCommand,
  recordStream,
  startCommand,
} from "./ffmpeg.ts";
import type { TestServer } from "./server.ts";

export interface RtspPublisher {
  readonly name: string;
  /** Frames of sound at the end that it may not send. */
  readonly missingSounds: number;
  /** @param file - H.264 and AAC in Matroska */
  start(file: string, server: TestServer, stream: string): RunningCommand;
}

/** It collects sounds for its next packet, and drops what it has at its end: at most half a second of AAC. */
export const ffmpegMissingSounds = 24;

export const rtspPublishers: readonly RtspPublisher[] = publishersOver("tcp");
export const rtspUdpPublishers: readonly RtspPublisher[] = publishersOver("udp");

function publishersOver(transport: "tcp" | "udp"): readonly RtspPublisher[] {
  const over = transport === "udp" ? " over UDP" : "";
  return [
    {
      name: `ffmpeg${over}`,
      missingSounds: ffmpegMissingSounds,
      start: (file, server, stream) => publishFileRtsp(file, server.rtspUrl(stream), transport),
    },
    {
      name: `GStreamer rtspclientsink${over}`,
      missingSounds: 0,
      start: (file, server, stream) => {
        const sink = `rtspclientsink name=sink protocols=${transport} location=${server.rtspUrl(stream)}`;
        const pipeline = [
          `filesrc location=${file} ! matroskademux name=demux`,
          `demux.video_0 ! queue ! h264parse ! ${sink}`,
          "demux.audio_0 ! queue ! aacparse ! sink.",
        ];
        return startCommand("gst-launch-1.0", ["-q", ...pipeline.join(" ").split(" ")]);
      },
    },
  ];
}

export interface RtspPlayer {
  readonly name: string;
  start(server: TestServer, stream: string, folder: string): RtspPlaying;
}

export interface RtspPlaying extends AsyncDisposable {
  /** Waits for the player to end and gives the hash of every picture it decoded. */
  pictures(): Promise<string[]>;
  /** The hash of every packet of sound it took, for players that record them. */
  sounds?(): Promise<string[]>;
}

export const rtspPlayers: readonly RtspPlayer[] = [
  ffmpeg("ffmpeg over RTSP", (server, stream, folder) => {
    const file = `${folder}/rtsp.nut`;
    return [file, playRtsp(server.rtspUrl(stream), file)];
  }),
  ffmpeg("ffmpeg over RTSP, UDP first", (server, stream, folder) => {
    const file = `${folder}/any.nut`;
    return [file, playRtsp(server.rtspUrl(stream), file, [])];
  }),
  rtspsrc("GStreamer rtspsrc", "tcp"),
  mpv("mpv over RTSP", "tcp"),
  ffmpeg("ffmpeg over RTMP", (server, stream, folder) => {
    const file = `${folder}/rtmp.mkv`;
    return [file, recordStream(server.rtmpUrl(stream), file)];
  }),
  ffmpeg("ffmpeg over HTTP-FLV", (server, stream, folder) => {
    const file = `${folder}/flv.mkv`;
    return [file, recordStream(server.httpUrl(`/${stream}.flv`), file)];
  }),
];

export const rtspUdpPlayers: readonly RtspPlayer[] = [
  ffmpeg("ffmpeg over UDP", (server, stream, folder) => {
    const file = `${folder}/udp.nut`;
    return [file, playRtsp(server.rtspUrl(stream), file, ["-rtsp_transport", "udp"])];
  }),
  rtspsrc("GStreamer rtspsrc over UDP", "udp"),
  mpv("mpv over UDP", "udp"),
];

/** Its pictures only. */
function rtspsrc(name: string, protocols: "tcp" | "udp"): RtspPlayer {
  return {
    name,
    start: (server, stream, folder) => {
      const file = `${folder}/rtspsrc-${protocols}.yuv`;
      const pipeline = [
        `rtspsrc location=${server.rtspUrl(stream)} protocols=${protocols} name=source`,
        "source. ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420",
        `! filesink location=${file}`,
      ];
      const command = startCommand("gst-launch-1.0", ["-q", ...pipeline.join(" ").split(" ")]);
      return playing(name, command, () => rawPictureHashes(file));
    },
  };
}

function mpv(name: string, transport: "tcp" | "udp"): RtspPlayer {
  return {
    name,
    start: (server, stream, folder) => {
      const file = `${folder}/mpv-${transport}.nut`;
      const output = [`--o=${file}`, "--of=nut", "--ovc=rawvideo", "--audio=no", `--rtsp-transport=${transport}`];
      const command = startCommand("mpv", ["--no-config", "--really-quiet", ...output, server.rtspUrl(stream)]);
      return playing(name, command, () => frameHashes(file, "v:0"));
    },
  };
}

function ffmpeg(
  name: string,
  start: (server: TestServer, stream: string, folder: string) => readonly [file: string, command: RunningCommand],
): RtspPlayer {
  return {
    name,
    start: (server, stream, folder) => {
      const [file, command] = start(server, stream, folder);
      return {
        ...playing(name, command, () => frameHashes(file, "v:0")),
        sounds: async () => {
          await finished(command, name);
          return packetHashes(file, "a:0");
        },
      };
    },
  };
}

function playing(what: string, command: RunningCommand, read: () => Promise<string[]>): RtspPlaying {
  return {
    pictures: async () => {
      await finished(command, what);
      return read();
    },
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  };
}

/** Pictures of 320 × 240 in I420, one behind the other. */
async function rawPictureHashes(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  const pictureBytes = (320 * 240 * 3) / 2;
  return Array.from({ length: Math.floor(bytes.length / pictureBytes) }, (_, index) =>
    createHash("md5")
      .update(bytes.subarray(index * pictureBytes, (index + 1) * pictureBytes))
      .digest("hex"),
  );
}

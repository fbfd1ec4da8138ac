/** Players that people use, as commands that record what they decode. */

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { finished, frameHashes, packetHashes, type RunningCommand, recordStream, startCommand } from "./ffmpeg.ts";
import { FlvClient } from "./flv-client.ts";
import type { TestServer } from "./server.ts";

/** A player at work on one stream. */
export interface Playing extends AsyncDisposable {
  /** Waits for the player to end and gives the hash of every picture it decoded. */
  pictures(): Promise<string[]>;
  /** The hash of every packet of sound it took, for players that record them. */
  sounds?(): Promise<string[]>;
}

export interface Player {
  readonly name: string;
  /** Pictures at the end that it decodes but does not write out. */
  readonly missingAtEnd?: number;
  /** Leaves out a picture whose decoding time is that of the one before. */
  readonly dropsEqualTimes?: boolean;
  start(server: TestServer, stream: string, folder: string): Playing;
}

/** The size that `GStreamer` is told of; all streams of the matrix have it. */
const pictureSize = { width: 320, height: 240 } as const;

export const players: readonly Player[] = [
  {
    name: "ffmpeg over RTMP",
    start: (server, stream, folder) => {
      const file = `${folder}/ffmpeg-rtmp.mkv`;
      return recorded("ffmpeg over RTMP", recordStream(server.rtmpUrl(stream), file), file);
    },
  },
  {
    name: "ffmpeg over HTTP-FLV",
    start: (server, stream, folder) => {
      const file = `${folder}/ffmpeg-http.mkv`;
      return recorded("ffmpeg over HTTP-FLV", recordStream(server.httpUrl(`/${stream}.flv`), file), file);
    },
  },
  gstreamer("rtmpsrc", (location) => `${location} live=1`),
  gstreamer("rtmp2src", (location) => location),
  {
    name: "rtmpdump",
    start: (server, stream, folder) => {
      const file = `${folder}/rtmpdump.flv`;
      return recorded(
        "rtmpdump",
        startCommand("rtmpdump", ["-q", "-v", "-r", server.rtmpUrl(stream), "-o", file]),
        file,
      );
    },
  },
  {
    // mpv as encoder writes the pictures it decoded, raw.
    name: "mpv over RTMP",
    start: (server, stream, folder) => {
      const file = `${folder}/mpv.nut`;
      const output = [`--o=${file}`, "--of=nut", "--ovc=rawvideo", "--audio=no"];
      const command = startCommand("mpv", ["--no-config", "--really-quiet", ...output, server.rtmpUrl(stream)]);
      return playing("mpv", command, () => frameHashes(file, "v:0"));
    },
  },
  {
    // Its AVI writer keeps the last picture for itself, and pads the frame size in the head: packets are the pictures.
    name: "VLC over HTTP-FLV",
    missingAtEnd: 1,
    dropsEqualTimes: true,
    start: (server, stream, folder) => {
      const file = `${folder}/vlc.avi`;
      const output = `#transcode{vcodec=I420,acodec=none}:standard{access=file,mux=avi,dst=${file}}`;
      const url = server.httpUrl(`/${stream}.flv`);
      const command = startVlc(["--sout", output, url, "vlc://quit"], folder);
      return playing("VLC", command, () => packetHashes(file, "v:0"));
    },
  },
  {
    name: "curl over HTTP-FLV",
    start: (server, stream, folder) => {
      const file = `${folder}/curl.flv`;
      return recorded("curl", startCommand("curl", ["-sS", "-o", file, server.httpUrl(`/${stream}.flv`)]), file);
    },
  },
  {
    name: "a WebSocket",
    start: (server, stream, folder) => {
      const file = `${folder}/websocket.flv`;
      const client = FlvClient.webSocket(server.httpUrl(`/${stream}.flv`));
      const save = async (): Promise<void> => {
        await client.ended;
        await writeFile(file, Buffer.concat(client.pieces));
      };
      return {
        pictures: async () => {
          await save();
          return frameHashes(file, "v:0");
        },
        sounds: () => packetHashes(file, "a:0"),
        [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
      };
    },
  },
];

function gstreamer(element: string, location: (url: string) => string): Player {
  return {
    name: `GStreamer ${element}`,
    start: (server, stream, folder) => {
      const file = `${folder}/${element}.yuv`;
      const decode = "flvdemux ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420 ! filesink";
      const source = [element, `location=${location(server.rtmpUrl(stream))}`];
      const command = startCommand("gst-launch-1.0", ["-q", ...source, "!", ...decode.split(" "), `location=${file}`]);
      return playing(element, command, () => rawPictureHashes(file));
    },
  };
}

/** A player that records packets: its file is decoded afterwards. */
function recorded(what: string, command: RunningCommand, file: string): Playing {
  return {
    ...playing(what, command, () => frameHashes(file, "v:0")),
    sounds: async () => {
      await finished(command, what);
      return packetHashes(file, "a:0");
    },
  };
}

function playing(what: string, command: RunningCommand, read: () => Promise<string[]>): Playing {
  return {
    pictures: async () => {
      await finished(command, what);
      return read();
    },
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  };
}

/** VLC refuses to run as root; then it runs as nobody. */
function startVlc(args: readonly string[], home: string): RunningCommand {
  const vlc = ["cvlc", "-q", "-I", "dummy", ...args];
  if (process.getuid?.() !== 0) return startCommand("env", [`HOME=${home}`, ...vlc]);
  const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return startCommand("setpriv", [...asNobody, "env", `HOME=${home}`, ...vlc]);
}

async function rawPictureHashes(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  const pictureBytes = (pictureSize.width * pictureSize.height * 3) / 2; // I420
  const hashes: string[] = [];
  for (let at = 0; at + pictureBytes <= bytes.length; at += pictureBytes) {
    hashes.push(
      createHash("md5")
        .update(bytes.subarray(at, at + pictureBytes))
        .digest("hex"),
    );
  }
  return hashes;
}

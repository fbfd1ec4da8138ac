/** The programs that the tests talk to, and the Debian packages that they come in (`.ci/run` installs these). */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Peer {
  /** What is missed, in words. */
  readonly name: string;
  readonly aptPackage: string;
  isPresent(): boolean;
}

/** What is not installed of the peers that `stage` needs. */
export function missingPeers(stage: string): Peer[] {
  return (peersOfStage[stage] ?? []).filter((peer) => !peer.isPresent());
}

const program = (name: string, aptPackage: string): Peer => ({
  name,
  aptPackage,
  // nginx lies where a user's PATH does not lead.
  isPresent: () => [...pathFolders(), "/usr/sbin", "/sbin"].some((folder) => existsSync(join(folder, name))),
});

const gstreamerElement = (name: string, aptPackage: string): Peer => ({
  name: `GStreamer's ${name}`,
  aptPackage,
  isPresent: () => spawnSync("gst-inspect-1.0", ["--exists", name]).status === 0,
});

const file = (name: string, path: string, aptPackage: string): Peer => ({
  name,
  aptPackage,
  isPresent: () => existsSync(path),
});

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter);
}

const ffmpeg = program("ffmpeg", "ffmpeg");

const interopPeers: readonly Peer[] = [
  ffmpeg,
  program("gst-launch-1.0", "gstreamer1.0-tools"),
  gstreamerElement("videotestsrc", "gstreamer1.0-plugins-base"),
  gstreamerElement("flvmux", "gstreamer1.0-plugins-good"),
  gstreamerElement("rtmp2sink", "gstreamer1.0-plugins-bad"),
  gstreamerElement("x264enc", "gstreamer1.0-plugins-ugly"),
  gstreamerElement("avdec_h264", "gstreamer1.0-libav"),
  gstreamerElement("rtspclientsink", "gstreamer1.0-rtsp"),
  program("rtmpdump", "rtmpdump"),
  program("mpv", "mpv"),
  program("nginx", "nginx"),
  file("nginx's RTMP module", "/usr/lib/nginx/modules/ngx_rtmp_module.so", "libnginx-mod-rtmp"),
  program("cvlc", "vlc-bin"),
  program("curl", "curl"),
  program("openssl", "openssl"),
  program("ip", "iproute2"),
  program("prlimit", "util-linux"),
  program("python3", "python3"),
];

export const peersOfStage: Readonly<Record<string, readonly Peer[]>> = {
  unit: [ffmpeg, program("openssl", "openssl")],
  interop: interopPeers,
  shards: interopPeers,
  portable: interopPeers,
  "portable-shards": interopPeers,
  browser: [ffmpeg, program("chromium", "chromium")],
};

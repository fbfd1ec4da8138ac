/** ZLMediaKit, which no distribution has: `ZLMEDIAKIT` names the MediaServer of whoever has built one. One thread, RTMP and RTSP. */

import { mkdir, writeFile } from "node:fs/promises";
import { freePort } from "../../test/support/free-port.ts";
import { startPeer } from "./peer.ts";
import type { MeasuredServer, Source } from "./servers.ts";

/** undefined where `ZLMEDIAKIT` names no program. */
export async function startZlMediaKit(source: Source | undefined, folder: string): Promise<MeasuredServer | undefined> {
  const program = process.env["ZLMEDIAKIT"] ?? "";
  if (program === "") return undefined;
  const [rtmpPort, rtspPort] = [await freePort(), await freePort()];
  const home = `${folder}/zlmediakit`;
  await mkdir(home, { recursive: true });
  // Port 0 closes a protocol: HTTP-FLV has other addresses there. What is not measured is not made: HLS, MPEG-TS and MP4.
  const configuration = `
    [api]
    apiDebug=0
    [general]
    listen_ip=127.0.0.1
    mergeWriteMS=0
    [protocol]
    enable_hls=0
    enable_hls_fmp4=0
    enable_mp4=0
    enable_ts=0
    enable_fmp4=0
    enable_rtsp=1
    enable_rtmp=1
    [hls]
    broadcastRecordTs=0
    [http]
    port=0
    sslport=0
    rootPath=${home}
    [rtmp]
    port=${rtmpPort}
    sslport=0
    [rtsp]
    port=${rtspPort}
    sslport=0
    [rtp_proxy]
    port=0
    [shell]
    port=0
    [srt]
    port=0
    [rtc]
    port=0
    tcpPort=0
    [onvif]
    port=0`;
  await writeFile(`${home}/config.ini`, configuration.replace(/^ +/gm, ""));
  const args = ["-c", `${home}/config.ini`, "-l", "4", "-t", "1", "--affinity", "0", "--log-dir", `${home}/log`];
  return startPeer(source, { rtmpPort, rtspPort }, program, args);
}

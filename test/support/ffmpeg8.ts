/** The newer FFmpeg as publisher and player, for what Debian's does not know: Enhanced RTMP. */

import { resolve } from "node:path";
import { type RunningCommand, startCommand } from "./ffmpeg.ts";

const program = resolve(import.meta.dirname, "ffmpeg8-program.ts");

/** What FFmpeg 8.1 announces over RTMP when its user says so. */
const enhancedCodecs = "hvc1,av01,vp09,vvc1,ac-3,ec-3,Opus,fLaC,.mp3,mp4a,avc1";

/** Publishes a file as it is, in real time; codecs without a codec id of their own go by FourCC, further tracks as multitrack. */
export function publishWithFfmpeg8(file: string, url: string): RunningCommand {
  return startCommand(process.execPath, [program, "publish", file, url]);
}

/** Records a stream until it ends. Over RTMP it announces the enhanced codecs, unless told otherwise. */
export function recordWithFfmpeg8(url: string, file: string, isEnhanced = true): RunningCommand {
  const options = url.startsWith("rtmp") && isEnhanced ? { rtmp_enhanced_codecs: enhancedCodecs } : {};
  return startCommand(process.execPath, [program, "record", url, file, JSON.stringify(options)]);
}

/** GStreamer's RTSP server as a camera: plays a file at `/cam`, from its beginning for each client. */

import { resolve } from "node:path";
import { type RunningCommand, startCommand } from "./ffmpeg.ts";
import { waitFor } from "./wait.ts";

export interface GstRtspServerOptions {
  readonly port: number;
  /** H.264 and AAC in Matroska. */
  readonly file: string;
  readonly protocols?: "tcp" | "udp" | "any";
  /** `name:password`, for Digest. */
  readonly user?: string;
}

/** Resolves when it listens. */
export async function startGstRtspServer({
  port,
  file,
  protocols,
  user,
}: GstRtspServerOptions): Promise<RunningCommand> {
  const program = resolve(import.meta.dirname, "gst-rtsp-server.py");
  let isListening = false;
  const command = startCommand(
    "python3",
    [
      ...[program, `${port}`, file],
      ...(protocols === undefined ? [] : ["--protocols", protocols]),
      ...(user === undefined ? [] : ["--user", user]),
    ],
    () => {
      isListening = true;
    },
  );
  await waitFor("GStreamer's RTSP server", () => isListening, 20_000);
  return command;
}

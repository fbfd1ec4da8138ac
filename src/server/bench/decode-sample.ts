/** Real players among the load: ffmpeg decodes what it gets, and says what it thinks of it. */

import { spawn } from "node:child_process";
import type { BenchAddress } from "./address.ts";

export interface DecodedSample {
  readonly asked: number;
  /** Those that got pictures and found nothing wrong. */
  readonly decoded: number;
  readonly pictureCount: number;
  /** What the others said, a line each. */
  readonly complaints: readonly string[];
}

/** undefined: ffmpeg is not on the PATH. */
export async function decodeSample(
  address: BenchAddress,
  rtspTransport: "tcp" | "udp",
  count: number,
): Promise<DecodedSample | undefined> {
  // It knows no WebSocket-FLV: the same server has the same stream over HTTP.
  const url = address.url.replace(/^ws:/, "http:");
  const transport = address.protocol === "rtsp" ? ["-rtsp_transport", rtspTransport] : [];
  const input = [...transport, timeoutOptions[address.protocol], String(timeoutMs * 1000), "-i", url];
  const results = await Promise.all(Array.from({ length: count }, () => decode(input)));
  const found = results.filter((result) => result !== undefined);
  if (found.length === 0) return undefined;
  return {
    asked: count,
    decoded: found.filter(({ complaint }) => complaint === undefined).length,
    pictureCount: found.reduce((sum, { pictureCount }) => sum + pictureCount, 0),
    complaints: found.flatMap(({ complaint }) => complaint ?? []),
  };
}

interface Decoded {
  readonly pictureCount: number;
  readonly complaint: string | undefined;
}

function decode(input: readonly string[]): Promise<Decoded | undefined> {
  const output = ["-t", String(sampleSeconds), "-f", "null", "-progress", "pipe:1", "-"];
  const args = ["-nostdin", "-v", "error", ...input, ...output];
  const child = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  let pictureCount = 0;
  let complaint = "";
  child.stdout.on("data", (bytes: Buffer) => {
    for (const match of bytes.toString().matchAll(/^frame=\s*(\d+)/gm)) pictureCount = Number(match[1]);
  });
  child.stderr.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes.toString()).slice(0, maxComplaintLength);
  });
  return new Promise((resolve) => {
    child.on("error", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const [line = ""] = complaint.trim().split("\n", 1);
      if (line !== "") resolve({ pictureCount, complaint: line });
      else if (code !== 0) resolve({ pictureCount, complaint: `ffmpeg ended with ${signal ?? code}` });
      else resolve({ pictureCount, complaint: pictureCount === 0 ? "no picture came" : undefined });
    });
  });
}

const sampleSeconds = 3;
/** From start to end: ffmpeg probes for up to 5 s. */
const timeoutMs = 15_000;
/** In microseconds. */
const timeoutOptions: Readonly<Record<BenchAddress["protocol"], string>> = {
  rtmp: "-rw_timeout",
  "http-flv": "-rw_timeout",
  "ws-flv": "-rw_timeout",
  rtsp: "-timeout",
};
const maxComplaintLength = 2_000;

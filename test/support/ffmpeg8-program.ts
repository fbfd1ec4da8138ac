/**
 * FFmpeg 8.1, which is inside the npm package node-av, as a program: its command line is not in the package, its
 * libraries are. `publish <file> <url> <options>` sends a file in real time, `record <url> <file> <options>` takes a
 * stream until it ends; nothing is decoded or encoded. `options` is JSON with AVOptions of the network side.
 */

import { Demuxer, Muxer } from "node-av/api";
import { AV_LOG_ERROR } from "node-av/constants";
import { Log, type Packet, type Stream } from "node-av/lib";

const [mode, from, to, optionsJson = "{}"] = process.argv.slice(2) as [string, string, string, string?];
const options = JSON.parse(optionsJson) as Record<string, string>;
const isPublishing = mode === "publish";

Log.setLevel(AV_LOG_ERROR);
{
  await using input = await Demuxer.open(from, isPublishing ? {} : { format: "flv", options });
  await using output = await Muxer.open(to, isPublishing ? { format: "flv", options } : { format: "matroska" });
  const indexes = input.streams.map((stream) => output.addStream(stream));
  const startedAtMs = performance.now();
  let firstMs: number | undefined;
  for await (using packet of input.packets()) {
    if (packet === null) continue;
    if (isPublishing) {
      const timeMs = decodingTimeMs(packet, input.streams[packet.streamIndex]!);
      firstMs ??= timeMs;
      if (timeMs !== undefined) await until(startedAtMs + timeMs - firstMs!);
    }
    await output.writePacket(packet, indexes[packet.streamIndex]!);
  }
}

/** Undefined for AV_NOPTS_VALUE: the first pictures of Matroska with B-frames have no decoding time. */
function decodingTimeMs(packet: Packet, { timeBase }: Stream): number | undefined {
  if (packet.dts === -(2n ** 63n)) return undefined;
  return (Number(packet.dts) * timeBase.num * 1000) / timeBase.den;
}

async function until(timeMs: number): Promise<void> {
  const waitMs = timeMs - performance.now();
  if (waitMs > 5) await new Promise((resolve) => setTimeout(resolve, waitMs));
}

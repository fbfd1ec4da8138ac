/**
 * ffmpeg sends sound over RTP: its session description is understood, and the frames in its packets are, byte for byte, what its
 * encoders wrote. It sends no AC-3.
 */

import { execFile, spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { RtpPacket } from "../rtp/packet.ts";
import { openPayloadReader } from "../rtp/payload/payload-formats.ts";
import type { RtpFrame } from "../rtp/payload.ts";
import type { RtpTrack } from "../rtp-payload-format.ts";
import { trackOf } from "./rtp-track.ts";
import { parseSessionDescription } from "./session-description.ts";

const maxPacketBytes = 1_472; // ffmpeg's own

/** Encoders, what the track is called here, and how long a frame lasts by the RTP clock, where all last alike. */
const sounds: readonly { args: readonly string[]; codec: string; format: string; frameTicks?: number }[] = [
  { args: ["-c:a", "aac"], codec: "aac", format: "aac-generic", frameTicks: 1_024 },
  { args: ["-c:a", "aac", "-b:a", "800k"], codec: "aac", format: "aac-generic", frameTicks: 1_024 },
  { args: ["-c:a", "aac", "-rtpflags", "latm"], codec: "aac", format: "aac-latm", frameTicks: 1_024 },
  { args: ["-c:a", "libopus"], codec: "opus", format: "opus", frameTicks: 960 },
  { args: ["-c:a", "libmp3lame"], codec: "mp3", format: "mpeg-audio", frameTicks: 2_160 },
  { args: ["-ar", "16000", "-c:a", "g722"], codec: "g722", format: "pcm" },
  { args: ["-ar", "44100", "-c:a", "pcm_s16be"], codec: "lpcm", format: "pcm" },
  { args: ["-ar", "8000", "-ac", "1", "-c:a", "pcm_alaw"], codec: "g711a", format: "pcm" },
  { args: ["-ar", "16000", "-ac", "1", "-c:a", "pcm_mulaw"], codec: "g711u", format: "pcm" },
];

test("sound of ffmpeg is read as it was encoded", async () => {
  if (spawnSync("ffmpeg", ["-version"]).status !== 0) {
    process.stderr.write("no ffmpeg: its RTP is left out of this run\n");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "rtp-sound-"));
  const receivers = await Promise.all(sounds.map(() => openReceiver()));
  try {
    // Noise, because the encoders make nothing long of a tone; at the speed of life, so that no socket overflows.
    const source = "anoisesrc=sample_rate=48000:duration=0.6:seed=7:amplitude=0.3,aformat=channel_layouts=stereo";
    const outputs = sounds.flatMap(({ args }, i) => [
      ...["-map", "0:a", "-flags", "+bitexact", ...args, "-f", "rtp", `rtp://127.0.0.1:${receivers[i]!.port}`],
      ...["-map", "0:a", "-flags", "+bitexact", ...args.filter((each) => each !== "-rtpflags" && each !== "latm")],
      ...["-f", "data", join(folder, `${i}`)],
    ]);
    const sdp = join(folder, "sdp");
    const input = ["-v", "error", "-readrate", "1", "-f", "lavfi", "-i", source];
    await promisify(execFile)("ffmpeg", [...input, ...outputs, "-sdp_file", sdp]);
    const { media } = parseSessionDescription(readFileSync(sdp, "utf8"));
    expect(media).toHaveLength(sounds.length);
    for (const [i, { codec, format, frameTicks }] of sounds.entries()) {
      const section = media[i]!;
      const track = trackOf(section, section.payloadTypes[0]!);
      expect([track.codec, track.payloadFormat.name, section.port]).toEqual([codec, format, receivers[i]!.port]);
      const frames = readFrames(track, receivers[i]!.packets);
      const whole = Buffer.concat(frames.map(({ data }) => data));
      const encoded = readFileSync(join(folder, `${i}`));
      // What ffmpeg still collects for a packet of several frames when it ends, it does not send.
      expect(encoded.length - whole.length, `${codec} in ${format}`).toBeLessThan(maxPacketBytes);
      expect(whole.equals(encoded.subarray(0, whole.length)), `${codec} in ${format}`).toBe(true);
      if (frameTicks === undefined) continue;
      const steps = frames.slice(1).map(({ timestamp }, at) => (timestamp - frames[at]!.timestamp) >>> 0);
      expect(new Set(steps), `${codec} in ${format}`).toEqual(new Set([frameTicks]));
    }
  } finally {
    for (const { socket } of receivers) socket.close();
    rmSync(folder, { recursive: true });
  }
});

function readFrames(track: RtpTrack, packets: readonly Uint8Array[]): RtpFrame[] {
  const reader = openPayloadReader(track);
  const header = new RtpPacket();
  const frames: RtpFrame[] = [];
  for (const bytes of packets) {
    const { payloadStart, payloadEnd, timestamp, marker } = header.parse(bytes);
    reader.handle(bytes.subarray(payloadStart, payloadEnd), timestamp, marker, false);
    for (let frame = reader.poll(); frame !== undefined; frame = reader.poll()) frames.push(frame);
  }
  expect(reader.droppedFrameCount).toBe(0);
  return frames;
}

interface Receiver {
  readonly socket: Socket;
  readonly port: number;
  readonly packets: Uint8Array[];
}

async function openReceiver(): Promise<Receiver> {
  const packets: Uint8Array[] = [];
  const socket = createSocket("udp4", (packet) => packets.push(packet));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { socket, port: socket.address().port, packets };
}

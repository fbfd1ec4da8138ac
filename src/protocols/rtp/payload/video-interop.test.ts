/**
 * FFmpeg as the other side: what it sends over UDP are the frames of its file, and what our writers make of these it decodes to
 * the same pictures. The newer one inside node-av is the peer for AV1, which the older one can't put into RTP.
 */

import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ffmpeg, finished, frameHashes, packetHashes, startCommand } from "../../../../test/support/ffmpeg.ts";
import { TestFolder } from "../../../../test/support/folder.ts";
import { framesOf, payloadsOf } from "../../../../test/support/rtp-payloads.ts";
import { waitFor } from "../../../../test/support/wait.ts";
import { parseAnnexB } from "../../../codecs/nal/annex-b.ts";
import { NalUnitWalker } from "../../../codecs/nal/length-prefixed.ts";
import { parseTrackInfo } from "../../../codecs/track-info.ts";
import { parseRtcp, type RtcpMessage } from "../../rtcp/compound.ts";
import { isRtcpPacket, RtpPacket, rtpHeaderLength, writeRtpHeader } from "../packet.ts";
import type { RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { ReceiveQueue } from "../receive-queue.ts";
import { openAv1Reader } from "./av1-depacketizer.ts";
import { openAv1Writer } from "./av1-writer.ts";
import { openH264Reader, openH265Reader } from "./nal-depacketizer.ts";
import { openH264Writer, openH265Writer } from "./nal-writer.ts";
import { openVp8Reader } from "./vp8-depacketizer.ts";
import { openVp9Reader } from "./vp9-depacketizer.ts";
import { openVp8Writer, openVp9Writer } from "./vpx-writer.ts";

const frameCount = 25;
const maxPayloadBytes = 1_188;

interface Peer {
  readonly codec: "h264" | "h265" | "vp8" | "vp9";
  readonly rtpmap: string;
  readonly encoder: readonly string[];
  /** For codecs with NAL units: the filter and format that put them behind start codes, parameter sets included. */
  readonly annexB?: readonly [filter: string, format: string];
  readonly read: () => RtpPayloadReader;
  readonly write: (config: Uint8Array) => RtpPayloadWriter;
}

const peers: readonly Peer[] = [
  {
    codec: "h264",
    rtpmap: "H264/90000\r\na=fmtp:96 packetization-mode=1",
    encoder: ["libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10", "-slices", "2"],
    annexB: ["h264_mp4toannexb", "h264"],
    read: openH264Reader,
    write: (config) => openH264Writer({ maxPayloadBytes, config, repeatsParameterSets: true }),
  },
  {
    codec: "h265",
    rtpmap: "H265/90000",
    encoder: [
      "libx265",
      "-preset",
      "ultrafast",
      "-x265-params",
      "log-level=none:keyint=10:bframes=0",
      "-pix_fmt",
      "yuv420p",
    ],
    annexB: ["hevc_mp4toannexb", "hevc"],
    read: openH265Reader,
    write: (config) => openH265Writer({ maxPayloadBytes, config, repeatsParameterSets: true }),
  },
  {
    codec: "vp8",
    rtpmap: "VP8/90000",
    encoder: ["libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k", "-g", "10", "-auto-alt-ref", "0"],
    read: openVp8Reader,
    write: () => openVp8Writer({ maxPayloadBytes, initialPictureId: 0x7ff0 }),
  },
  {
    codec: "vp9",
    rtpmap: "VP9/90000",
    encoder: [
      "libvpx-vp9",
      "-deadline",
      "realtime",
      "-cpu-used",
      "8",
      "-b:v",
      "600k",
      "-g",
      "10",
      "-lag-in-frames",
      "0",
    ],
    read: () => openVp9Reader(),
    write: () => openVp9Writer({ maxPayloadBytes, initialPictureId: 0x7ff0 }),
  },
];

let folder: TestFolder;
beforeAll(() => {
  folder = new TestFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

describe("FFmpeg and we understand each other's packets", () => {
  it.each(peers)("of $codec", async ({ codec, rtpmap, encoder, annexB, read, write }) => {
    const file = folder.file(`${codec}.mkv`);
    await encode(file, encoder);

    const { frames, reports } = await receive(read(), async (url) => {
      const filter = annexB === undefined ? [] : ["-bsf:v", annexB[0]];
      const sending = ["-i", file, "-c", "copy", ...filter, "-strict", "-2", "-f", "rtp", "-rtpflags", "send_bye", url];
      const command = startCommand("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", ...sending]);
      expect(await finished(command, "the sender"), command.output()).toBe(0);
    });
    expect(frames).toHaveLength(frameCount);
    expect(frames.filter(({ isKey }) => isKey).length).toBeGreaterThanOrEqual(3);
    expect(reports[0]).toMatchObject({ kind: "senderReport" });
    if (annexB === undefined) {
      expect(frames.map(({ data }) => md5(data))).toEqual(await packetHashes(file, "v:0"));
    } else {
      const raw = folder.file(`raw.${annexB[1]}`);
      await ffmpeg(["-i", file, "-c", "copy", "-bsf:v", annexB[0], "-f", annexB[1], raw]);
      expect(frames.flatMap(({ data }) => unitsOf(data))).toEqual(
        parseAnnexB(readFileSync(raw)).map((unit) => md5(unit)),
      );
    }
    const config = frames.find((frame) => frame.config !== undefined)?.config ?? new Uint8Array(0);
    expect(frames.filter((frame) => frame.config !== undefined).length).toBe(codec === "vp8" ? 0 : 1);
    expect(parseTrackInfo(codec, config, frames[0]!.data)).toMatchObject({ width: 320, height: 240 });

    const played = await play(rtpmap, packetsOf(write(config), frames));
    expect(played).toEqual((await frameHashes(file, "v:0")).slice(0, played.length));
    expect(played.length).toBe(frameCount - 1);
  });

  it("of AV1, with its newer version", async () => {
    const { Demuxer, Muxer } = await import("node-av/api");
    const file = folder.file("av1.mkv");
    await encode(file, ["libsvtav1", "-preset", "12", "-g", "10"]);
    const sent: string[] = [];
    const { frames } = await receive(openAv1Reader(), async (url) => {
      await using input = await Demuxer.open(file);
      await using output = await Muxer.open(url, { format: "rtp", options: { rtpflags: "send_bye", strict: "-2" } });
      const index = output.addStream(input.streams[0]!);
      for await (using packet of input.packets()) {
        if (packet === null) continue;
        sent.push(md5(withoutDelimiter(packet.data!)));
        await output.writePacket(packet, index);
      }
    });
    expect(frames.map(({ data }) => md5(data))).toEqual(sent);
    expect(frames).toHaveLength(frameCount);
    const { config } = frames[0]!;
    expect(parseTrackInfo("av1", config!, frames[0]!.data)).toMatchObject({ width: 320, height: 240 });

    const writer = openAv1Writer({ maxPayloadBytes, config: config!, repeatsSequenceHeader: true });
    const { port, sdp } = await sessionDescription("AV1/90000");
    const sender = createSocket("udp4");
    const opening = Demuxer.open(sdp, { options: { protocol_whitelist: "file,udp,rtp", fpsprobesize: "0" } });
    await waitForUdpPort(port);
    for (const packet of packetsOf(writer, frames)) await send(sender, packet, port);
    await using input = await opening;
    const received: string[] = [];
    for await (using packet of input.packets()) {
      if (packet === null) break;
      received.push(md5(withoutDelimiter(packet.data!)));
      if (received.length === frameCount - 1) break;
    }
    sender.close();
    expect(received).toEqual(sent.slice(0, frameCount - 1));
  });
});

async function encode(file: string, encoder: readonly string[]): Promise<void> {
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=50", "-frames:v", String(frameCount)];
  await ffmpeg([...source, "-c:v", ...encoder, "-bf", "0", file]);
}

/** What comes from a sender until its goodbye. */
async function receive(
  reader: RtpPayloadReader,
  sendTo: (url: string) => Promise<void>,
): Promise<{ frames: RtpFrame[]; reports: RtcpMessage[] }> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 }).bind(0, "127.0.0.1");
  await once(socket, "listening");
  const queue = new ReceiveQueue({ clockRate: 90_000 });
  const packet = new RtpPacket();
  const frames: RtpFrame[] = [];
  const reports: RtcpMessage[] = [];
  socket.on("message", (bytes) => {
    if (isRtcpPacket(bytes)) {
      reports.push(...parseRtcp(bytes));
      return;
    }
    queue.handle(packet.parse(bytes), 0);
    for (let next = queue.poll(0); next !== undefined; next = queue.poll(0)) {
      reader.handle(next.payload(), next.timestamp, next.marker, queue.lostBefore > 0);
      frames.push(...framesOf(reader));
    }
  });
  const { port } = socket.address();
  await sendTo(`rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`);
  await waitFor("the sender's goodbye", () => reports.some(({ kind }) => kind === "bye"));
  socket.close();
  return { frames, reports };
}

/** The pictures that FFmpeg decodes from packets; one fewer than were sent, because it waits for what follows. */
async function play(rtpmap: string, packets: readonly Uint8Array[]): Promise<string[]> {
  const { port, sdp } = await sessionDescription(rtpmap);
  const input = ["-protocol_whitelist", "file,udp,rtp", "-fpsprobesize", "0", "-threads", "1", "-i", sdp];
  const output = ["-frames:v", String(frameCount - 1), "-vsync", "passthrough", "-f", "framehash", "-hash", "md5", "-"];
  let hashes = "";
  const command = startCommand("ffmpeg", ["-hide_banner", "-loglevel", "error", ...input, ...output], (bytes) => {
    hashes += new TextDecoder().decode(bytes);
  });
  await waitForUdpPort(port);
  const sender = createSocket("udp4");
  for (const packet of packets) await send(sender, packet, port);
  expect(await finished(command, "the player"), command.output()).toBe(0);
  sender.close();
  return hashes
    .split("\n")
    .flatMap((line) => (line === "" || line.startsWith("#") ? [] : [line.split(",")[5]!.trim()]));
}

function packetsOf(writer: RtpPayloadWriter, frames: readonly RtpFrame[]): Uint8Array[] {
  let sequenceNumber = 65_530;
  return frames.flatMap(({ data, isKey, timestamp }) =>
    payloadsOf(writer, data, isKey).map(({ bytes, marker }) => {
      const packet = new Uint8Array(rtpHeaderLength + bytes.length);
      writeRtpHeader(packet, 0, marker, 96, sequenceNumber++ & 0xffff, timestamp, 0x1234_5678);
      packet.set(bytes, rtpHeaderLength);
      return packet;
    }),
  );
}

async function sessionDescription(rtpmap: string): Promise<{ port: number; sdp: string }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  const lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", `m=video ${port} RTP/AVP 96`];
  const sdp = folder.file(`${port}.sdp`);
  writeFileSync(sdp, [...lines, `a=rtpmap:96 ${rtpmap}`, ""].join("\r\n"));
  return { port, sdp };
}

async function waitForUdpPort(port: number): Promise<void> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  await waitFor("the player's port", () => readFileSync("/proc/net/udp", "latin1").includes(hex));
}

async function send(socket: Socket, packet: Uint8Array, port: number): Promise<void> {
  await new Promise((sent) => socket.send(packet, port, "127.0.0.1", sent));
}

function unitsOf(frame: Uint8Array): string[] {
  const walker = new NalUnitWalker().reset(frame, 4);
  const units: string[] = [];
  while (walker.next()) units.push(md5(frame.subarray(walker.start, walker.end)));
  return units;
}

function withoutDelimiter(unit: Uint8Array): Uint8Array {
  return unit[0] === 0x12 && unit[1] === 0 ? unit.subarray(2) : unit;
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/**
 * Files of FFmpeg: every tag is understood, and what is written from what was understood is the same file. The older
 * one on the machine writes FLV without FourCC; the newer one inside node-av writes Enhanced RTMP's form.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { type AudioTagHeaderOptions, audioTagHeaderLength, parseAudioTag, writeAudioTagHeader } from "./audio-tag.ts";
import { FlvReader, type FlvTag } from "./flv-reader.ts";
import { parseScriptData } from "./script-tag.ts";
import {
  flvHeaderLength,
  flvTagHeaderLength,
  flvTagTrailerLength,
  flvTagType,
  writeFlvHeader,
  writeFlvTagHeader,
  writeFlvTagTrailer,
} from "./tag.ts";
import { parseVideoTag, type VideoTagHeaderOptions, videoTagHeaderLength, writeVideoTagHeader } from "./video-tag.ts";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const nodeAv = await import("node-av/api").catch(() => undefined); // its binary is one package for each platform

test("ffmpeg: H.264 with B-frames and AAC", () => {
  if (isMissing("ffmpeg", hasFfmpeg)) return;
  const tags = rewrite(ffmpeg("flv", ["-c:v", "libx264", "-bf", "2", "-g", "10", "-c:a", "aac"]));
  expect(summary(tags)).toEqual({
    "legacy h264 0 sequence-start": [1, "01 configuration"],
    "legacy h264 0 frame": [25, ""],
    "legacy h264 0 sequence-end": [1, ""],
    "legacy aac 0 sequence-start": [1, "configuration"],
    "legacy aac 0 frame": [expect.any(Number), ""],
  });
});

test("ffmpeg: MP3 alone, 22 kHz mono", () => {
  if (isMissing("ffmpeg", hasFfmpeg)) return;
  const tags = rewrite(ffmpeg("flv", ["-vn", "-c:a", "libmp3lame", "-ar", "22050", "-ac", "1"]), false);
  expect(summary(tags)).toEqual({ "legacy mp3 0 frame": [expect.any(Number), ""] });
});

test("FFmpeg 8: HEVC, H.264, VP9, AV1, Opus, AAC, FLAC, AC-3, E-AC-3 as tracks", async () => {
  if (isMissing("ffmpeg", hasFfmpeg) || isMissing("node-av", nodeAv !== undefined)) return;
  const maps = ["-map", "0:v", "-map", "0:v", "-map", "0:v", "-map", "0:v", ...Array(5).fill(["-map", "1:a"]).flat()];
  const codecs = ["libx265", "libx264", "libvpx-vp9", "libsvtav1"].flatMap((codec, i) => [`-c:v:${i}`, codec]);
  const sounds = ["libopus", "aac", "flac", "ac3", "eac3"].flatMap((codec, i) => [`-c:a:${i}`, codec]);
  const quick = ["-x265-params", "log-level=none:bframes=2:keyint=10", "-deadline", "realtime", "-preset:v:3", "12"];
  const file = await remux(ffmpeg("matroska", [...maps, ...codecs, ...sounds, ...quick, "-pix_fmt", "yuv420p"]));
  const found = summary(rewrite(file));
  expect(found).toMatchObject({
    "enhanced h265 0 sequence-start": [1, "01 configuration"],
    "enhanced h265 0 frame": [25, ""],
    "enhanced h264 1 sequence-start": [1, "01 configuration"],
    "enhanced h264 1 frame": [25, ""],
    "enhanced vp9 2 sequence-start": [1, "01 configuration"], // the version of the "vpcC" box
    "enhanced vp9 2 frame": [25, ""],
    "enhanced av1 3 sequence-start": [1, "81 configuration"],
    "enhanced av1 3 frame": [25, ""],
    "enhanced opus 0 sequence-start": [1, "4f configuration"], // "OpusHead"
    "enhanced opus 0 frame": [expect.any(Number), ""],
    "enhanced aac 1 sequence-start": [1, "configuration"],
    "enhanced aac 1 frame": [expect.any(Number), ""],
    "enhanced flac 2 sequence-start": [1, "STREAMINFO configuration"],
    "enhanced flac 2 frame": [expect.any(Number), ""],
    "enhanced ac3 3 sequence-start": [1, ""],
    "enhanced ac3 3 frame": [expect.any(Number), ""],
    "enhanced eac3 4 sequence-start": [1, ""],
    "enhanced eac3 4 frame": [expect.any(Number), ""],
  });
  expect(Object.keys(found)).toContain("enhanced opus 0 multichannel-config");
});

/** Without a peer there is nothing to compare: said in one line, and in CI a failure. */
function isMissing(peer: string, isHere: boolean): boolean {
  if (isHere) return false;
  if (process.env["CI"]) throw new Error(`${peer} is missing, and in CI that is a failure`);
  process.stderr.write(`${peer} not found: its FLV files are not compared in this run\n`);
  return true;
}

function ffmpeg(format: string, codecs: string[]): Uint8Array {
  const input = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
  const env = { ...process.env, SVT_LOG: "0" }; // the AV1 encoder prints its settings otherwise
  const output = ["-t", "1", ...codecs, "-threads", "1", "-f", format, "pipe:1"];
  return new Uint8Array(execFileSync("ffmpeg", ["-v", "error", ...input, ...output], { env, maxBuffer: 1 << 26 }));
}

/** The packets of a Matroska file in an FLV file of the newer FFmpeg. */
async function remux(matroska: Uint8Array): Promise<Uint8Array> {
  const { Demuxer, Muxer } = nodeAv!;
  const { Log } = await import("node-av/lib");
  const { AV_LOG_QUIET } = await import("node-av/constants");
  Log.setLevel(AV_LOG_QUIET); // it warns of more than one track
  const pieces: Buffer[] = [];
  const write = (piece: Buffer) => pieces.push(Buffer.from(piece)) && piece.length;
  await using input = await Demuxer.open(Buffer.from(matroska));
  {
    await using output = await Muxer.open({ write }, { format: "flv" });
    const indexes = input.streams.map((stream) => output.addStream(stream));
    for await (using packet of input.packets()) {
      if (packet) await output.writePacket(packet, indexes[packet.streamIndex]!);
    }
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** Checks that a file written from its parsed tags is the same file, and returns the tags. */
function rewrite(file: Uint8Array, hasVideo = true): FlvTag[] {
  const tags: FlvTag[] = [];
  const reader = new FlvReader();
  for (let at = 0; at < file.length; at += 1000) {
    reader.handle(file.subarray(at, at + 1000));
    for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) tags.push(tag);
  }
  const length = tags.reduce((sum, { body }) => sum + flvTagHeaderLength + body.length + flvTagTrailerLength, 0);
  const written = new Uint8Array(flvHeaderLength + length);
  let at = writeFlvHeader(written, 0, true, hasVideo);
  for (const { type, timestampMs, body } of tags) {
    at = writeFlvTagHeader(written, at, type, body.length, timestampMs);
    written.set(rewrittenBody(type, body), at);
    at = writeFlvTagTrailer(written, at + body.length, body.length);
  }
  expect(written).toEqual(file);
  return tags;
}

function rewrittenBody(type: number, body: Uint8Array): Uint8Array {
  if (type === flvTagType.script) {
    expect(parseScriptData(body).name).toBe("onMetaData");
    return body; // ffmpeg declares another count of fields than it writes
  }
  if (type === flvTagType.video) {
    const { isEnhanced, isKey, packetType, nanosecondOffset, tracks } = parseVideoTag(body);
    const { data, ...track } = tracks[0]!;
    const mode = isEnhanced ? "enhanced" : "legacy";
    const options = { mode, isKey, packetType, nanosecondOffset, ...track } as VideoTagHeaderOptions;
    const written = new Uint8Array(videoTagHeaderLength(options) + data.length);
    written.set(data, writeVideoTagHeader(written, 0, options));
    return written;
  }
  const { isEnhanced, packetType, nanosecondOffset, tracks, legacy } = parseAudioTag(body);
  const { data, ...track } = tracks[0]!;
  const mode = isEnhanced ? "enhanced" : "legacy";
  const sampleRateHz = legacy?.sampleRateHz ?? 48_000;
  const channelCount = legacy?.isStereo ? 2 : 1;
  const options: AudioTagHeaderOptions = { mode, packetType, nanosecondOffset, sampleRateHz, channelCount, ...track };
  const written = new Uint8Array(audioTagHeaderLength(options) + data.length);
  written.set(data, writeAudioTagHeader(written, 0, options));
  return written;
}

/** How many packets of each kind, and what the configurations look like. */
function summary(tags: readonly FlvTag[]): Record<string, [number, string]> {
  const found: Record<string, [number, string]> = {};
  for (const { type, body } of tags) {
    if (type === flvTagType.script) continue;
    const { isEnhanced, packetType, tracks } = type === flvTagType.video ? parseVideoTag(body) : parseAudioTag(body);
    const { codec, trackId, data } = tracks[0]!;
    const key = `${isEnhanced ? "enhanced" : "legacy"} ${codec} ${trackId} ${packetType}`;
    const count = found[key]?.[0] ?? 0;
    found[key] = [count + 1, packetType === "sequence-start" ? look(codec, data) : ""];
  }
  return found;
}

function look(codec: string, data: Uint8Array): string {
  if (data.length === 0) return "";
  if (codec === "aac") return "configuration";
  if (codec === "flac") return data.length === 34 ? "STREAMINFO configuration" : "?";
  return `${data.subarray(0, 1).toHex()} configuration`;
}

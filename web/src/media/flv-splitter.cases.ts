/** FLV tags as encoders send them, with what the page must read in them. */

import type { FlvTag } from "./flv-splitter.ts";

export interface TagCase {
  readonly name: string;
  readonly type: 8 | 9 | 18;
  readonly timestampMs: number;
  readonly body: readonly number[];
  readonly read: Pick<FlvTag, "kind" | "codecId" | "role" | "isKey">;
  readonly configuration?: readonly number[];
}

const hvc1 = [0x68, 0x76, 0x63, 0x31];
const opus = [0x4f, 0x70, 0x75, 0x73];

export const tagCases: readonly TagCase[] = [
  {
    name: "H.264 configuration",
    type: 9,
    timestampMs: 0,
    body: [0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1f],
    read: { kind: "video", codecId: "7", role: "config", isKey: true },
    configuration: [1, 0x64, 0, 0x1f],
  },
  {
    name: "H.264 key frame",
    type: 9,
    timestampMs: 40,
    body: [0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65],
    read: { kind: "video", codecId: "7", role: "frame", isKey: true },
  },
  {
    name: "H.264 frame, above 2^24 ms",
    type: 9,
    timestampMs: 0x89_ab_cd_ef,
    body: [0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41],
    read: { kind: "video", codecId: "7", role: "frame", isKey: false },
  },
  {
    name: "H.264 end of sequence",
    type: 9,
    timestampMs: 80,
    body: [0x17, 2, 0, 0, 0],
    read: { kind: "video", codecId: "7", role: "other", isKey: true },
  },
  {
    name: "HEVC configuration (Enhanced RTMP)",
    type: 9,
    timestampMs: 0,
    body: [0x90, ...hvc1, 1, 2],
    read: { kind: "video", codecId: "hvc1", role: "config", isKey: true },
    configuration: [1, 2],
  },
  {
    name: "HEVC frame without composition time (Enhanced RTMP)",
    type: 9,
    timestampMs: 120,
    body: [0xa3, ...hvc1, 0, 0, 0, 1, 2],
    read: { kind: "video", codecId: "hvc1", role: "frame", isKey: false },
  },
  {
    name: "HDR metadata (Enhanced RTMP)",
    type: 9,
    timestampMs: 120,
    body: [0x94, ...hvc1, 2, 0, 0],
    read: { kind: "video", codecId: "hvc1", role: "other", isKey: true },
  },
  {
    name: "multitrack video",
    type: 9,
    timestampMs: 120,
    body: [0x96, 0x01, ...hvc1, 0, 1],
    read: { kind: "video", codecId: "", role: "other", isKey: false },
  },
  {
    name: "empty video, as some encoders send at the end",
    type: 9,
    timestampMs: 121,
    body: [],
    read: { kind: "video", codecId: "", role: "other", isKey: false },
  },
  {
    name: "AAC configuration",
    type: 8,
    timestampMs: 0,
    body: [0xaf, 0, 0x12, 0x10],
    read: { kind: "audio", codecId: "10", role: "config", isKey: true },
    configuration: [0x12, 0x10],
  },
  {
    name: "AAC frame",
    type: 8,
    timestampMs: 23,
    body: [0xaf, 1, 0x21],
    read: { kind: "audio", codecId: "10", role: "frame", isKey: true },
  },
  {
    name: "MP3 frame",
    type: 8,
    timestampMs: 26,
    body: [0x2f, 0xff, 0xfb],
    read: { kind: "audio", codecId: "2", role: "frame", isKey: true },
  },
  {
    name: "Opus frame (Enhanced RTMP)",
    type: 8,
    timestampMs: 20,
    body: [0x91, ...opus, 0xfc],
    read: { kind: "audio", codecId: "Opus", role: "frame", isKey: true },
  },
  {
    name: "multitrack audio",
    type: 8,
    timestampMs: 20,
    body: [0x95, 0, ...opus, 1, 0xfc],
    read: { kind: "audio", codecId: "", role: "other", isKey: false },
  },
  {
    name: "script data",
    type: 18,
    timestampMs: 0,
    body: [2, 0, 1, 0x61],
    read: { kind: "script", codecId: "", role: "other", isKey: false },
  },
];

export function tagBytes({ type, timestampMs, body }: TagCase): number[] {
  const size = 11 + body.length;
  return [
    ...[type, 0, body.length >>> 8, body.length & 255],
    ...[(timestampMs >>> 16) & 255, (timestampMs >>> 8) & 255, timestampMs & 255, timestampMs >>> 24],
    ...[0, 0, 0, ...body, 0, 0, size >>> 8, size & 255],
  ];
}

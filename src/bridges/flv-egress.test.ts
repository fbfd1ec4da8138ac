import { describe, expect, it } from "vitest";
import { amfObject } from "../formats/amf/amf-value.ts";
import { parseAudioTag } from "../formats/flv/audio-tag.ts";
import { FlvReader, type FlvTag } from "../formats/flv/flv-reader.ts";
import { parseScriptData } from "../formats/flv/script-tag.ts";
import { parseVideoTag } from "../formats/flv/video-tag.ts";
import type { ChosenFormat } from "../kernel/egress.ts";
import type { EgressLog } from "../kernel/egress-log.ts";
import { Engine } from "../kernel/engine.ts";
import type { Track, TrackFormat } from "../kernel/frame.ts";
import { LogReader } from "../kernel/log-reader.ts";
import type { Publication } from "../kernel/publication.ts";
import { ChunkReader } from "../protocols/rtmp/chunk-reader.ts";
import {
  type FlvFramingChoice,
  type FlvSelection,
  flvCodecBits,
  flvFamily,
  flvFileHeader,
  flvFormatRequest,
} from "./flv-egress.ts";

const everything: FlvSelection = {
  wantsAudio: true,
  wantsVideo: true,
  codecs: flvCodecBits(() => true),
  hasMultitrack: false,
  hasNanoseconds: false,
  wantsHevc12: false,
};
const legacyOnly: FlvSelection = { ...everything, codecs: 0 };

const h264: TrackFormat = format("h264", Uint8Array.of(1, 100, 0, 12));
const aac: TrackFormat = { ...format("aac", Uint8Array.of(0x12, 0x10)), sampleRate: 44_100, channels: 2 };

function format(codec: string, config: Uint8Array, timescale = 1000): TrackFormat {
  return { codec, timescale, config, codecString: "", width: 640, height: 360 };
}

async function publisher(): Promise<Publication> {
  const engine = new Engine({ clock: { monotonicMs: () => 0, wallMs: () => 0 } });
  return engine.publish({ name: "live/cam", protocol: "test" });
}

function choose(
  tracks: readonly Track[],
  selection: FlvSelection,
  framing: FlvFramingChoice = { type: "flv" },
): ChosenFormat {
  return flvFamily.choose(tracks, flvFormatRequest(framing, selection));
}

function openLog(publication: Publication, selection: FlvSelection, framing?: FlvFramingChoice): EgressLog {
  const { stream } = publication;
  return stream.leaseLog(choose(stream.tracks, selection, framing).format, () => {}).log;
}

/** The bytes that a player gets who starts at the newest random access point, or from the first entry on. */
function readLog(log: EgressLog, from: "newest" | "first"): Uint8Array {
  const reader = new LogReader(log.memory);
  reader.refresh();
  const entry = from === "newest" ? reader.randomAccessEntry() : 0;
  const { views } = reader.gather(entry, from === "newest", Number.POSITIVE_INFINITY);
  const bytes = new Uint8Array(views.reduce((sum, view) => sum + view.length, 0));
  let at = 0;
  for (const view of views) {
    bytes.set(view, at);
    at += view.length;
  }
  return bytes;
}

function tagsOf(bytes: Uint8Array): FlvTag[] {
  const reader = new FlvReader();
  reader.handle(flvFileHeader([], everything));
  reader.handle(bytes);
  const tags: FlvTag[] = [];
  for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) tags.push(tag);
  return tags;
}

/** One word for each tag: what it is, and when. */
function summary(tags: readonly FlvTag[]): string[] {
  return tags.map(({ type, timestampMs, body }) => {
    if (type === 18) return `${parseScriptData(body).name}@${timestampMs}`;
    const tag = type === 9 ? parseVideoTag(body) : parseAudioTag(body);
    const [track] = tag.tracks;
    const number = track?.trackId === 0 ? "" : `#${track?.trackId}`;
    return `${track?.codec}${number} ${tag.packetType}@${timestampMs}`;
  });
}

describe("FLV egress", () => {
  it("puts description and sequence headers in front of every random access point, for those who start there", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything);
    const video = publication.setTrack("video", 0, h264);
    const audio = publication.setTrack("audio", 0, aac);
    for (const [time, isKey] of [
      [0, true],
      [40, false],
      [80, true],
      [120, false],
    ] as const) {
      publication.publish(video, time, time, isKey, Uint8Array.of(time));
      publication.publish(audio, time, time, true, Uint8Array.of(1));
    }
    expect(summary(tagsOf(readLog(log, "newest")))).toEqual([
      "onMetaData@0",
      "h264 sequence-start@80",
      "aac sequence-start@80",
      "h264 frame@80",
      "aac frame@80",
      "h264 frame@120",
      "aac frame@120",
    ]);
  });

  it("does not repeat the headers to those who go along", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything);
    const video = publication.setTrack("video", 0, h264);
    for (const time of [0, 40, 80]) publication.publish(video, time, time, true, Uint8Array.of(1));
    const along = summary(tagsOf(readLog(log, "first")));
    expect(along.filter((tag) => tag.includes("sequence-start"))).toHaveLength(1);
    expect(along.filter((tag) => tag.includes("frame"))).toHaveLength(3);
  });

  it("tells those who go along when a sequence header changes, and those who start later only the new one", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything);
    const video = publication.setTrack("video", 0, h264);
    publication.publish(video, 0, 0, true, Uint8Array.of(1));
    publication.setTrack("video", 0, format("h264", Uint8Array.of(1, 77, 0, 12)));
    publication.publish(video, 40, 40, true, Uint8Array.of(2));
    const along = tagsOf(readLog(log, "first")).filter(({ type }) => type === 9);
    expect(along.map(({ body }) => body[1])).toEqual([0, 1, 0, 1]);
    const joined = tagsOf(readLog(log, "newest")).filter(({ type }) => type === 9);
    expect(joined.map(({ body }) => body[1])).toEqual([0, 1]);
    expect(joined[0]?.body.at(6)).toBe(77);
  });

  it("makes a late log from the current GOP, so that its first player starts at once too", async () => {
    const publication = await publisher();
    const video = publication.setTrack("video", 0, h264);
    for (let time = 0; time < 400; time += 40)
      publication.publish(video, time, time, time % 200 === 0, Uint8Array.of(1));
    const log = openLog(publication, everything);
    expect(summary(tagsOf(readLog(log, "newest")))[2]).toBe("h264 frame@200");
  });

  it("leaves sound or pictures out, and then starts at any sound", async () => {
    const publication = await publisher();
    const audioOnly = openLog(publication, { ...everything, wantsVideo: false });
    const video = publication.setTrack("video", 0, h264);
    const audio = publication.setTrack("audio", 0, aac);
    publication.publish(video, 0, 0, true, Uint8Array.of(1));
    for (let time = 0; time <= 2_500; time += 500) publication.publish(audio, time, time, true, Uint8Array.of(1));
    const tags = summary(tagsOf(readLog(audioOnly, "newest")));
    expect(tags).toEqual(["onMetaData@0", "aac sequence-start@2000", "aac frame@2000", "aac frame@2500"]);
  });

  it("gives further tracks only to those who take them, and only there as multitrack", async () => {
    const publication = await publisher();
    const one = openLog(publication, everything);
    const all = openLog(publication, { ...everything, hasMultitrack: true });
    for (const number of [0, 1]) {
      const track = publication.setTrack("video", number, h264);
      publication.publish(track, 0, 0, true, Uint8Array.of(1));
    }
    expect(summary(tagsOf(readLog(one, "newest"))).filter((tag) => tag.includes("#"))).toEqual([]);
    expect(summary(tagsOf(readLog(all, "newest")))).toContain("h264#1 frame@0");
    const description = parseScriptData((tagsOf(readLog(all, "first")).at(-3) as FlvTag).body);
    expect([...(amfObject(description.value)?.fields.keys() ?? [])]).toContain("videoTrackIdInfoMap");
  });

  it("writes H.265 as codec 12 for those who ask, else by its FourCC", async () => {
    const publication = await publisher();
    const old = openLog(publication, { ...legacyOnly, wantsHevc12: true });
    const enhanced = openLog(publication, everything);
    const video = publication.setTrack("video", 0, format("h265", Uint8Array.of(1)));
    publication.publish(video, 0, 0, true, Uint8Array.of(1));
    const frameOf = (log: EgressLog): number => (tagsOf(readLog(log, "newest")).at(-1) as FlvTag).body[0] as number;
    expect(frameOf(old)).toBe(0x1c);
    expect(frameOf(enhanced) & 0x80).toBe(0x80);
  });

  it("writes nanoseconds for those who take them, and keeps composition times steady for those who do not", async () => {
    const publication = await publisher();
    const fine = openLog(publication, { ...everything, hasNanoseconds: true });
    const coarse = openLog(publication, everything);
    const video = publication.setTrack("video", 0, format("h265", Uint8Array.of(1), 90_000));
    publication.publish(video, 3_003, 3_003, true, Uint8Array.of(1)); // 33.366 ms
    const read = (log: EgressLog) => parseVideoTag((tagsOf(readLog(log, "newest")).at(-1) as FlvTag).body);
    expect(read(fine).nanosecondOffset).toBe(366_667);
    expect(read(coarse)).toMatchObject({ nanosecondOffset: 0, tracks: [{ compositionTimeMs: 0 }] });
  });

  it("wraps time stamps at 2^32", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything);
    const audio = publication.setTrack("audio", 0, aac);
    for (const time of [2 ** 32 - 1_500, 2 ** 32 + 20]) publication.publish(audio, time, time, true, Uint8Array.of(1));
    expect(summary(tagsOf(readLog(log, "newest"))).at(-1)).toBe("aac frame@20");
  });

  it("carries the same tags as RTMP messages, with extended time stamps and in chunks", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything, { type: "rtmp", messageStreamId: 1, chunkSize: 128 });
    const video = publication.setTrack("video", 0, h264);
    const data = Uint8Array.from({ length: 1_000 }, (_, index) => index);
    publication.publish(video, 0x1000000, 0x1000000, true, data);
    const reader = new ChunkReader();
    reader.handle(readLog(log, "newest"));
    const messages = [];
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage())
      messages.push(message);
    expect(messages.map(({ typeId, timestamp }) => [typeId, timestamp])).toEqual([
      [18, 0],
      [9, 0x1000000],
      [9, 0x1000000],
    ]);
    expect(messages.at(-1)?.payload.subarray(5)).toEqual(data);
  });

  it("carries the same tags as WebSocket messages", async () => {
    const publication = await publisher();
    const log = openLog(publication, everything, { type: "ws-flv" });
    const video = publication.setTrack("video", 0, h264);
    publication.publish(video, 0, 0, true, new Uint8Array(70_000));
    const bytes = readLog(log, "newest");
    let at = 0;
    const tags: Uint8Array[] = [];
    while (at < bytes.length) {
      expect(bytes[at]).toBe(0x82);
      const short = bytes[at + 1] as number;
      const view = new DataView(bytes.buffer, at);
      const [header, length] =
        short < 126 ? [2, short] : short === 126 ? [4, view.getUint16(2)] : [10, view.getUint32(6)];
      tags.push(bytes.subarray(at + header, at + header + length));
      at += header + length;
    }
    expect(tags.flatMap((tag) => summary(tagsOf(tag)))).toEqual([
      "onMetaData@0",
      "h264 sequence-start@0",
      "h264 frame@0",
    ]);
  });

  it("shares a log among equal players only", () => {
    const key = (selection: FlvSelection): string => flvFormatRequest({ type: "flv" }, selection).key;
    expect(key(everything)).toBe(key({ ...everything }));
    const others = [legacyOnly, { ...everything, wantsAudio: false }, { ...everything, hasMultitrack: true }];
    expect(new Set([everything, ...others].map(key)).size).toBe(4);
  });
});

describe("what a player can be given", () => {
  it("is refused with a sentence when it is nothing", async () => {
    const publication = await publisher();
    publication.setTrack("video", 0, format("h265", Uint8Array.of(1)));
    expect(() => choose(publication.stream.tracks, legacyOnly)).toThrow(/the video is h265.*did not announce/);
  });

  it("is said when some of it is left out", async () => {
    const publication = await publisher();
    publication.setTrack("video", 0, h264);
    publication.setTrack("audio", 0, format("opus", Uint8Array.of(1)));
    expect(choose(publication.stream.tracks, legacyOnly).leftOut).toEqual(["the audio is opus"]);
    expect(choose(publication.stream.tracks, everything).leftOut).toEqual([]);
  });

  it("is not judged before there are tracks", () => {
    expect(choose([], legacyOnly).leftOut).toEqual([]);
  });
});

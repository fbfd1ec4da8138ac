import { describe, expect, it } from "vitest";
import type { CodedError } from "../bytes/coded-error.ts";
import { writeAudioTagHeader } from "../formats/flv/audio-tag.ts";
import { writeOnMetaData } from "../formats/flv/script-tag.ts";
import { type VideoTagHeaderOptions, videoTagHeaderLength, writeVideoTagHeader } from "../formats/flv/video-tag.ts";
import { Engine } from "../kernel/engine.ts";
import type { Frame } from "../kernel/frame.ts";
import type { Publication } from "../kernel/publication.ts";
import type { SubscriptionItem } from "../kernel/subscription.ts";
import { RtmpIngest } from "./rtmp-ingest.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** 352x288, 15 fps. */
const avcConfig = hex("0164000cffe100156764000cac3b50b04b420000030002000003003d0801000468ee3cb0");
/** The same with another picture parameter set. */
const otherAvcConfig = hex("0164000cffe100156764000cac3b50b04b420000030002000003003d0801000468ee3cb1");
/** AAC-LC, 44.1 kHz, stereo. */
const aacConfig = hex("1210");

const videoDefaults: VideoTagHeaderOptions = {
  mode: "legacy",
  codec: "h264",
  isKey: true,
  packetType: "frame",
  compositionTimeMs: 0,
  nanosecondOffset: 0,
  trackId: 0,
};

function video(data: Uint8Array, options: Partial<VideoTagHeaderOptions> = {}): Uint8Array {
  const all = { ...videoDefaults, ...options };
  const body = new Uint8Array(videoTagHeaderLength(all) + data.length);
  body.set(data, writeVideoTagHeader(body, 0, all));
  return body;
}

function audio(data: Uint8Array, packetType: "sequence-start" | "frame" = "frame"): Uint8Array {
  const body = new Uint8Array(2 + data.length);
  const options = { mode: "legacy", codec: "aac", packetType, nanosecondOffset: 0, trackId: 0 } as const;
  body.set(data, writeAudioTagHeader(body, 0, { ...options, sampleRateHz: 44_100, channelCount: 2 }));
  return body;
}

interface Bench {
  readonly engine: Engine;
  readonly publication: Publication;
  readonly ingest: RtmpIngest;
  readonly problems: CodedError[];
  /** Everything published so far, from the first frame on. */
  frames(): Frame[];
  advance(ms: number): void;
  publishAgain(): Promise<RtmpIngest>;
}

async function bench(): Promise<Bench> {
  let nowMs = 1_000;
  const engine = new Engine({ clock: { monotonicMs: () => nowMs, wallMs: () => nowMs } });
  const publication = await engine.publish({ name: "live/cam", protocol: "rtmp" });
  const problems: CodedError[] = [];
  const ingest = new RtmpIngest(publication, (problem) => problems.push(problem));
  const subscription = publication.stream.subscribe({ start: "next" });
  const seen: Frame[] = [];
  return {
    engine,
    publication,
    ingest,
    problems,
    frames: () => {
      for (
        let item: SubscriptionItem | undefined = subscription.poll();
        item !== undefined;
        item = subscription.poll()
      ) {
        if (item.type === "frame") seen.push(item);
      }
      return seen;
    },
    advance: (ms) => {
      nowMs += ms;
    },
    publishAgain: async () => {
      const next = await engine.publish({ name: "live/cam", protocol: "rtmp" });
      return new RtmpIngest(next, (problem) => problems.push(problem));
    },
  };
}

const picture = Uint8Array.of(0, 0, 0, 1, 0x65);
const sound = Uint8Array.of(0x21, 0x10);

describe("RTMP ingest", () => {
  it("makes a frame of each message, with what the sequence headers say", async () => {
    const { ingest, frames, problems } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleAudio(0, audio(aacConfig, "sequence-start"));
    ingest.handleVideo(0, video(picture, { compositionTimeMs: 80 }));
    ingest.handleAudio(23, audio(sound));
    expect(problems).toEqual([]);
    const [first, second] = frames();
    expect(first).toMatchObject({ ptsTicks: 80, dtsTicks: 0, isKey: true, data: picture });
    expect(first?.format).toMatchObject({ codec: "h264", timescale: 1000, width: 352, height: 288, config: avcConfig });
    expect(second).toMatchObject({ ptsTicks: 23, dtsTicks: 23, isKey: true, data: sound });
    expect(second?.format).toMatchObject({ codec: "aac", sampleRate: 44_100, channels: 2, codecString: "mp4a.40.2" });
  });

  it("keeps composition offsets that are negative", async () => {
    const { ingest, frames } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleVideo(100, video(picture, { compositionTimeMs: -40 }));
    expect(frames()[0]).toMatchObject({ ptsTicks: 60, dtsTicks: 100 });
  });

  it("refuses frames that nobody could decode, says why, and takes up the track when its header comes", async () => {
    const { ingest, frames, problems } = await bench();
    ingest.handleVideo(0, video(picture));
    ingest.handleVideo(40, video(picture));
    expect(problems.map((problem) => problem.code)).toEqual(["ERR_FRAME_WITHOUT_CONFIG", "ERR_FRAME_WITHOUT_CONFIG"]);
    ingest.handleVideo(80, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleVideo(80, video(picture));
    expect(frames()).toHaveLength(1);
  });

  it("refuses a track whose configuration is damaged, and goes on with the others", async () => {
    const { ingest, frames, problems } = await bench();
    ingest.handleVideo(0, video(avcConfig.subarray(0, 9), { packetType: "sequence-start" }));
    ingest.handleAudio(0, audio(aacConfig, "sequence-start"));
    ingest.handleVideo(0, video(picture));
    ingest.handleAudio(0, audio(sound));
    expect(problems).toHaveLength(1);
    expect(frames().map((frame) => frame.track.kind)).toEqual(["audio"]);
  });

  it("changes the format object when the sequence header changes, and not when it is repeated", async () => {
    const { ingest, frames } = await bench();
    for (const config of [avcConfig, avcConfig, otherAvcConfig]) {
      ingest.handleVideo(0, video(config, { packetType: "sequence-start" }));
      ingest.handleVideo(0, video(picture));
    }
    const [a, b, c] = frames();
    expect(b?.format).toBe(a?.format);
    expect(c?.format).not.toBe(a?.format);
    expect(c?.format.config).toEqual(otherAvcConfig);
    expect(c?.track).toBe(a?.track);
  });

  it("lets the messages that say nothing pass", async () => {
    const { ingest, problems } = await bench();
    ingest.handleVideo(0, new Uint8Array(0));
    ingest.handleAudio(0, new Uint8Array(0));
    expect(problems).toEqual([]);
  });

  it("leaves a damaged tag out and counts it with its code", async () => {
    const { ingest, frames, problems } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleVideo(0, Uint8Array.of(0x17, 1));
    ingest.handleVideo(0, Uint8Array.of(0x12, 1, 2, 3));
    ingest.handleVideo(40, video(picture));
    expect(problems).toHaveLength(2);
    expect(frames()).toHaveLength(1);
  });

  it("puts the publisher's description into the metadata, numbers and texts only", async () => {
    const { ingest, publication } = await bench();
    ingest.handleData(
      0,
      writeOnMetaData({ width: 1280, height: 720, framerate: 30, videodatarate: 2500, encoder: "obs", list: [1, 2] }),
    );
    const { metadata } = publication.stream;
    expect(metadata).toMatchObject({ width: 1280, height: 720, fps: 30, videoBitRate: 2_500_000, encoder: "obs" });
    expect([...metadata.fields.keys()]).not.toContain("list");
  });

  it("carries other data messages as a track of their own", async () => {
    const { ingest, frames } = await bench();
    const body = hex("02000a6f6e437565506f696e7403000009");
    ingest.handleData(500, body);
    expect(frames()).toEqual([]); // no random access point yet: data alone is nothing to start with
    ingest.handleAudio(0, audio(aacConfig, "sequence-start"));
    ingest.handleAudio(510, audio(sound));
    ingest.handleData(520, body);
    expect(frames().at(-1)).toMatchObject({ data: body, dtsTicks: 520 });
    expect(frames().at(-1)?.track.kind).toBe("data");
  });

  it("separates the tracks of a multitrack publisher", async () => {
    const { ingest, frames } = await bench();
    for (const trackId of [0, 1, 2]) {
      const options = { mode: "enhanced", trackId } as const;
      ingest.handleVideo(0, video(avcConfig, { ...options, packetType: "sequence-start" }));
      ingest.handleVideo(0, video(picture, options));
    }
    expect(frames().map((frame) => frame.track.number)).toEqual([0, 1, 2]);
  });

  it("gives a track nanoseconds when its first frame brings them", async () => {
    const { ingest, frames } = await bench();
    const options = { mode: "enhanced", nanosecondOffset: 400_000 } as const;
    ingest.handleVideo(0, video(avcConfig, { mode: "enhanced", packetType: "sequence-start" }));
    ingest.handleVideo(7, video(picture, options));
    expect(frames()[0]).toMatchObject({ dtsTicks: 7_000_000, ptsTicks: 7_400_000 });
    expect(frames()[0]?.format.timescale).toBe(1_000_000_000);
  });
});

describe("the publisher's clock", () => {
  async function times(timestamps: readonly number[]): Promise<number[]> {
    const { ingest, frames } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    for (const timestamp of timestamps) ingest.handleVideo(timestamp, video(picture));
    return frames().map((frame) => frame.dtsTicks);
  }

  it.each([
    ["starts at zero and is left alone", [0, 40, 80], [0, 40, 80]],
    ["starts near zero and is left alone", [500, 540], [500, 540]],
    ["starts after three days, and the stream starts at a second", [259_200_000, 259_200_040], [1_000, 1_040]],
    ["wraps at 2^32", [4_294_967_276, 20, 60], [1_000, 1_040, 1_080]],
    ["passes 2^24 and 2^31", [16_777_200, 16_777_240], [1_000, 1_040]],
    ["goes back a little, and is held", [1_000, 1_040, 1_020, 1_060], [1_000, 1_040, 1_040, 1_060]],
    ["jumps back, and goes on behind the newest", [5_000, 5_040, 0, 40], [5_000, 5_040, 5_060, 5_100]],
    ["jumps forward an hour, and goes on behind the newest", [0, 40, 3_600_000, 3_600_040], [0, 40, 60, 100]],
    ["pauses for eight seconds, and the gap stays", [0, 40, 8_000], [0, 40, 8_000]],
  ])("%s", async (_name, timestamps, expected) => {
    expect(await times(timestamps)).toEqual(expected);
  });

  it("moves all tracks together when it jumps", async () => {
    const { ingest, frames } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleAudio(0, audio(aacConfig, "sequence-start"));
    for (const base of [90_000, 10]) {
      ingest.handleVideo(base, video(picture));
      ingest.handleAudio(base + 10, audio(sound));
    }
    const dts = frames().map((frame) => frame.dtsTicks);
    expect((dts[1] as number) - (dts[0] as number)).toBe(10);
    expect((dts[3] as number) - (dts[2] as number)).toBe(10);
  });

  it("goes on behind the publisher before, by the time that passed, when a publisher returns", async () => {
    const { ingest, publication, frames, advance, publishAgain } = await bench();
    ingest.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    ingest.handleVideo(2_000, video(picture));
    publication.end();
    advance(3_000);
    const next = await publishAgain();
    next.handleVideo(0, video(avcConfig, { packetType: "sequence-start" }));
    next.handleVideo(70_000, video(picture));
    next.handleVideo(70_040, video(picture));
    expect(frames().map((frame) => frame.dtsTicks)).toEqual([2_000, 5_000, 5_040]);
  });
});

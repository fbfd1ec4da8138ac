import { beforeEach, describe, expect, test } from "vitest";
import {
  audioFormat,
  bytesOf,
  codeOf,
  plainFormat,
  startText,
  textOf,
  videoFormat,
} from "../../test/support/kernel.ts";
import { CodedError } from "../bytes/coded-error.ts";
import type { WireFormat } from "./egress.ts";
import { ERR_ENGINE_CLOSED, ERR_LIMIT_REACHED, ERR_LOG_BROKEN, ERR_MEMORY_LIMIT } from "./errors.ts";
import type { Frame, Track, TrackFormat } from "./frame.ts";
import { defaultLimits, maxMetadataFields, maxMetadataText } from "./limits.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { Stream, type StreamOwner } from "./stream.ts";
import { parseStreamName } from "./stream-name.ts";

let budget: MemoryBudget;
let stream: Stream;
let video: Track;

const owner: StreamOwner = {
  subscriptionClosed: () => {},
  subscriberLagged: () => {},
  subscriberEvicted: () => {},
  frame: () => {},
};

function newStream(limits = {}): Stream {
  return new Stream(parseStreamName("live/cam"), { ...defaultLimits, ...limits }, budget, owner, 0);
}

beforeEach(() => {
  budget = new MemoryBudget(100_000_000);
  stream = newStream();
  stream.setPublishing(true);
  video = stream.setTrack("video", 0, videoFormat);
});

let timeMs = 0;

function publish(...words: string[]): void {
  for (const word of words) {
    stream.append(video, timeMs, timeMs, word.startsWith("K"), bytesOf(word));
    timeMs += 40;
  }
}

const ignore = (): void => {};

describe("an egress log", () => {
  test("is made on the first lease, from the current GOP, with the formats of its beginning", () => {
    publish("K1", "a", "K2", "b");
    const formats: ReadonlyMap<Track, TrackFormat>[] = [];
    expect(stream.wireFormats).toEqual([]);
    const { log } = stream.leaseLog(plainFormat("plain", formats), ignore);
    expect(startText(log)).toBe("<P>K2b");
    publish("c", "K3", "d");
    expect(startText(log)).toBe("<P>K3d");
    expect(formats).toHaveLength(1);
    expect(formats[0]?.get(video)).toBe(videoFormat);
  });

  test("is shared by all who want the same format, and is made once", () => {
    publish("K1");
    const first = stream.leaseLog(plainFormat("plain"), ignore);
    const second = stream.leaseLog(plainFormat("plain"), ignore);
    const other = stream.leaseLog(plainFormat("other"), ignore);
    expect(second.log).toBe(first.log);
    expect(other.log).not.toBe(first.log);
    expect([...stream.wireFormats].sort()).toEqual(["other", "plain"]);
    expect(stream.subscriberCount).toBe(3);
  });

  test("lives until its last lease is released, also when two leases have the same listener", () => {
    publish("K1");
    const first = stream.leaseLog(plainFormat("plain"), ignore);
    const second = stream.leaseLog(plainFormat("plain"), ignore);
    first.release();
    first.release();
    expect(second.log.isClosed).toBe(false);
    expect(stream.subscriberCount).toBe(1);
    second.release();
    expect(stream.wireFormats).toEqual([]);
    stream.tick(0);
    expect(second.log.isClosed).toBe(false);
    stream.tick(500);
    expect(second.log.isClosed).toBe(true);
    const third = stream.leaseLog(plainFormat("plain"), ignore);
    expect(third.log).not.toBe(first.log);
    expect(startText(third.log)).toBe("<P>K1");
  });

  test("waits for the next lease between two ticks, and goes on where it is", () => {
    publish("K1");
    const first = stream.leaseLog(plainFormat("plain"), ignore);
    stream.tick(0);
    first.release();
    stream.tick(500);
    publish("a");
    const second = stream.leaseLog(plainFormat("plain"), ignore);
    expect(second.log).toBe(first.log);
    expect(startText(second.log)).toBe("<P>K1a");
    stream.tick(1000);
    stream.tick(1500);
    expect(second.log.isClosed).toBe(false);
  });

  test("begins with the size that the current GOP needs", () => {
    publish("K1", "a".repeat(200_000));
    const { log } = stream.leaseLog(plainFormat("plain"), ignore);
    expect(log.growthCount).toBe(0);
    expect(log.byteLength).toBeGreaterThan(2 * 200_000);
  });

  test("of an idle stream waits for the first frame", () => {
    const { log } = stream.leaseLog(plainFormat("plain"), ignore);
    expect(startText(log)).toBe("");
    publish("a", "K1");
    expect(startText(log)).toBe("<P>K1");
  });

  test("rings its doorbell once for each frame, not for each entry", () => {
    const { log } = stream.leaseLog(plainFormat("plain"), ignore);
    let count = 0;
    log.addDoorbell(() => count++);
    publish("K1", "a", "b");
    expect(log.entryTail).toBe(4);
    expect(count).toBe(3);
  });
});

describe("a packetizer", () => {
  function failing(key: string, fail: (word: string) => void): WireFormat {
    const plain = plainFormat(key);
    return {
      key,
      createPacketizer(log, formats, metadata, newestMs) {
        const packetizer = plain.createPacketizer(log, formats, metadata, newestMs);
        return {
          handleFrame(frame, isRandomAccess, cameAsPackets) {
            fail(textOf(frame.data));
            packetizer.handleFrame(frame, isRandomAccess, cameAsPackets);
          },
          handleMetadata: () => {},
        };
      },
    };
  }

  test("that refuses a frame leaves it out, and the count says so", () => {
    const format = failing("picky", (word) => {
      if (word === "bad") throw new CodedError("ERR_TEST", "not this one");
    });
    const { log } = stream.leaseLog(format, ignore);
    publish("K1", "bad", "a");
    expect(startText(log)).toBe("<P>K1a");
    expect(stream.counters).toMatchObject({ unpacketizedFrameCount: 1, brokenLogCount: 0 });
  });

  test("that breaks costs its log and its subscribers, not the stream and not the other logs", () => {
    const reasons: string[] = [];
    const broken = failing("broken", (word) => {
      if (word === "bad") throw new TypeError("ours");
    });
    const lease = stream.leaseLog(broken, (reason) => reasons.push(reason));
    const sound = stream.leaseLog(plainFormat("plain"), ignore);
    publish("K1", "bad", "a");
    expect(lease.log.isClosed).toBe(true);
    expect(reasons).toEqual(["an internal error in its packetizer"]);
    expect(stream.wireFormats).toEqual(["plain"]);
    expect(stream.counters.brokenLogCount).toBe(1);
    expect(startText(sound.log)).toBe("<P>K1bada");
    lease.release();
    expect(stream.subscriberCount).toBe(1);
  });

  test("that breaks on the frames that are there already refuses its first subscriber", () => {
    publish("K1", "bad");
    const used = budget.usedBytes;
    const broken = failing("broken", () => {
      throw new TypeError("ours");
    });
    expect(codeOf(() => stream.leaseLog(broken, ignore))).toBe(ERR_LOG_BROKEN);
    expect(budget.usedBytes).toBe(used);
    expect(stream.subscriberCount).toBe(0);
  });

  test("that can't be made gives the log's memory back", () => {
    const used = budget.usedBytes;
    const refusing: WireFormat = {
      key: "refusing",
      createPacketizer: () => {
        throw new CodedError("ERR_TEST", "no such codec");
      },
    };
    expect(codeOf(() => stream.leaseLog(refusing, ignore))).toBe("ERR_TEST");
    expect(budget.usedBytes).toBe(used);
    expect(stream.wireFormats).toEqual([]);
  });

  test("is told of new metadata, and one that breaks on it costs its log only", () => {
    const titles: unknown[] = [];
    const format = (key: string, fail: boolean): WireFormat => ({
      key,
      createPacketizer: () => ({
        handleFrame: () => {},
        handleMetadata(metadata) {
          titles.push(metadata.fields.get("title"));
          if (fail) throw new Error("ours");
        },
      }),
    });
    stream.leaseLog(format("broken", true), ignore);
    stream.leaseLog(format("sound", false), ignore);
    stream.updateMetadata({ fields: new Map([["title", "one"]]) });
    stream.updateMetadata({ fields: new Map([["title", "two"]]) });
    expect(titles).toEqual(["one", "one", "two"]);
    expect(stream.wireFormats).toEqual(["sound"]);
  });
});

describe("timestamps", () => {
  test("that go back within a track are held, and counted", () => {
    const audio = stream.setTrack("audio", 0, audioFormat);
    const times: [number, number][] = [];
    const subscription = stream.subscribe({ start: "next" });
    stream.append(video, 100, 100, true, bytesOf("K"));
    stream.append(video, 90, 60, false, bytesOf("a"));
    stream.append(video, 180, 90, false, bytesOf("b"));
    stream.append(audio, 480, 480, true, bytesOf("s"));
    stream.append(video, 140, 140, false, bytesOf("c"));
    for (let item = subscription.poll() as Frame; item; item = subscription.poll() as Frame) {
      times.push([item.ptsTicks, item.dtsTicks]);
    }
    expect(times).toEqual([
      [100, 100],
      [100, 100],
      [180, 100],
      [480, 480],
      [140, 140],
    ]);
    expect(stream.qos.totals.heldTimestampCount).toBe(2);
    expect(stream.newestFrameMs).toBe(140);
  });

  test("are compared in the track's new timescale after its format has changed", () => {
    stream.append(video, 1_000, 1_000, true, bytesOf("K"));
    stream.setTrack("video", 0, { ...videoFormat, timescale: 90_000 });
    stream.append(video, 90_000, 90_000, false, bytesOf("a"));
    stream.append(video, 89_000, 89_000, false, bytesOf("b"));
    expect(stream.qos.totals.heldTimestampCount).toBe(1);
    expect(stream.newestFrameMs).toBe(1_000);
  });
});

describe("tracks", () => {
  test("are found again by kind and number, and carry the newest format", () => {
    const changed = { ...videoFormat, codec: "h265" };
    expect(stream.setTrack("video", 0, changed)).toBe(video);
    expect(video.format).toBe(changed);
    expect(stream.setTrack("video", 1, videoFormat)).not.toBe(video);
    expect(stream.tracks).toHaveLength(2);
  });

  test("have a limit", () => {
    for (let number = 1; number < defaultLimits.maxTracksPerStream; number++) {
      stream.setTrack("audio", number, audioFormat);
    }
    expect(codeOf(() => stream.setTrack("data", 0, audioFormat))).toBe(ERR_LIMIT_REACHED);
    expect(stream.setTrack("video", 0, videoFormat)).toBe(video);
  });

  test("a frame keeps the format it came with", () => {
    publish("K1");
    stream.setTrack("video", 0, { ...videoFormat, codec: "h265" });
    publish("K2");
    expect(stream.window.get(0)?.format.codec).toBe("h264");
    expect(stream.window.get(1)?.format.codec).toBe("h265");
  });
});

test("a replay is the decoder configurations, then the current GOP", () => {
  const audio = stream.setTrack("audio", 0, audioFormat);
  publish("K1", "a", "K2", "b");
  stream.append(audio, 0, 0, true, bytesOf("s"));
  stream.setTrack("audio", 0, { ...audioFormat, codec: "opus" });
  publish("c");
  const { formats, frames } = stream.replay();
  expect(frames.map((frame) => textOf(frame.data))).toEqual(["K2", "b", "s", "c"]);
  expect(formats.get(audio)).toBe(audioFormat);
  expect(formats.get(video)).toBe(videoFormat);
});

test("a replay before the first key frame is the decoder configurations alone", () => {
  publish("a");
  expect(stream.replay()).toEqual({ formats: new Map([[video, videoFormat]]), frames: [] });
});

describe("random access", () => {
  test("of a stream without video is one of its audio frames, about one a second", () => {
    const audio = stream.setTrack("audio", 0, audioFormat);
    for (let i = 0; i < 100; i++) stream.append(audio, i * 1_024, i * 1_024, true, bytesOf("s"));
    expect(stream.window.newestRandomAccess).toBe(94);
    expect(stream.window.oldestRandomAccess).toBe(0);
  });

  test("of a stream with video is the key frames of its first video track", () => {
    const second = stream.setTrack("video", 1, videoFormat);
    const audio = stream.setTrack("audio", 0, audioFormat);
    publish("K1");
    stream.append(second, 0, 0, true, bytesOf("K"));
    for (let i = 0; i < 100; i++) stream.append(audio, i * 1_024, i * 1_024, true, bytesOf("s"));
    expect(stream.window.newestRandomAccess).toBe(0);
  });

  test("follows the publisher: the next one may have no video", () => {
    publish("K1", "a");
    stream.setPublishing(false);
    stream.setPublishing(true);
    const audio = stream.setTrack("audio", 0, audioFormat);
    stream.append(audio, 480_000, 480_000, true, bytesOf("s"));
    expect(stream.window.newestRandomAccess).toBe(2);
  });
});

describe("metadata", () => {
  test("is a snapshot: what was handed out does not change", () => {
    const before = stream.metadata;
    stream.updateMetadata({ width: 640 });
    stream.updateMetadata({ height: 360, fields: new Map([["a", 1]]) });
    expect(before.width).toBeUndefined();
    expect(stream.metadata).toMatchObject({ width: 640, height: 360, fields: new Map([["a", 1]]) });
  });

  test("keeps so many fields, of so many characters, and no more", () => {
    const fields = new Map<string, string | number>([
      ["k".repeat(maxMetadataText + 1), 1],
      ["long", "v".repeat(maxMetadataText + 1)],
      ["fits", "v".repeat(maxMetadataText)],
      ["__proto__", 1],
    ]);
    for (let i = 0; i < 1_000; i++) fields.set(`field ${i}`, i);
    stream.updateMetadata({ fields });
    const kept = stream.metadata.fields;
    expect(kept.size).toBe(maxMetadataFields);
    expect(kept.get("fits")).toHaveLength(maxMetadataText);
    expect([kept.has("long"), ({} as Record<string, unknown>)["polluted"]]).toEqual([false, undefined]);
  });
});

describe("state", () => {
  test("is idle, publishing, recording before transcoding, ended", () => {
    const states = [newStream().state];
    states.push(stream.state);
    const stopTranscoding = stream.markBusy("transcoding");
    states.push(stream.state);
    const stopRecording = stream.markBusy("recording");
    states.push(stream.state);
    stopRecording();
    stopRecording();
    states.push(stream.state);
    stopTranscoding();
    states.push(stream.state);
    stream.setPublishing(false);
    states.push(stream.state);
    stream.end("over");
    stream.setPublishing(true);
    states.push(stream.state);
    expect(states).toEqual([
      "idle",
      "publishing",
      "transcoding",
      "recording",
      "transcoding",
      "publishing",
      "idle",
      "ended",
    ]);
  });
});

describe("the end", () => {
  test("tells every log subscriber once, also when one of them throws", () => {
    publish("K1");
    const told: string[] = [];
    stream.leaseLog(plainFormat("plain"), () => {
      told.push("a");
      throw new Error("a session's own trouble");
    });
    const second = stream.leaseLog(plainFormat("plain"), (reason) => {
      told.push(reason);
      second.release();
    });
    stream.end("over");
    stream.end("over again");
    expect(told).toEqual(["a", "over"]);
    expect(stream.counters.failedListenerCount).toBe(1);
    expect(second.log.isClosed).toBe(true);
    expect(codeOf(() => stream.leaseLog(plainFormat("plain"), ignore))).toBe(ERR_ENGINE_CLOSED);
  });

  test("gives back all memory, when the last who reads the rest is through", () => {
    publish("K1", "a", "b");
    stream.leaseLog(plainFormat("plain"), ignore);
    const reading = stream.subscribe();
    const waiting = stream.subscribe({ start: "next" });
    expect(stream.memoryBytes).toBe(budget.usedBytes);
    stream.end("over");
    expect(waiting.isDone).toBe(true);
    expect(budget.usedBytes).toBe(4);
    expect([reading.poll(), reading.poll(), reading.poll()].map((item) => item?.type)).toEqual([
      "frame",
      "frame",
      "frame",
    ]);
    expect(reading.isDone).toBe(true);
    reading.close("done");
    expect([budget.usedBytes, stream.memoryBytes, stream.subscriberCount]).toEqual([0, 0, 1]);
  });

  test("gives it back at once when nobody reads", () => {
    publish("K1", "a");
    stream.end("over");
    expect(budget.usedBytes).toBe(0);
  });
});

test("memory that is used up refuses a log, and the stream goes on", () => {
  budget = new MemoryBudget(1_000);
  stream = newStream();
  video = stream.setTrack("video", 0, videoFormat);
  publish("K1");
  expect(codeOf(() => stream.leaseLog(plainFormat("plain"), ignore))).toBe(ERR_MEMORY_LIMIT);
  publish("a");
  expect([stream.subscriberCount, stream.window.frameCount]).toEqual([0, 2]);
});

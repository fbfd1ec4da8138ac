/** That decoders take it is shown by test/interop/bench.test.ts; here its sizes, and the times it carries. */

import { expect, test } from "vitest";
import { parseAudioSpecificConfig } from "../../codecs/aac/audio-specific-config.ts";
import { parseAvcConfig } from "../../codecs/h264/avc-config.ts";
import { parseH264Sps } from "../../codecs/h264/sps.ts";
import { NalUnitWalker } from "../../codecs/nal/length-prefixed.ts";
import { parseAudioTag } from "../../formats/flv/audio-tag.ts";
import { parseVideoTag } from "../../formats/flv/video-tag.ts";
import { maxBitRate, minBitRate } from "./limits.ts";
import { readSendingTime, writeSendingTime } from "./sending-time.ts";
import {
  makeSyntheticStream,
  picturesPerGop,
  picturesPerSecond,
  sampleRate,
  samplesPerFrame,
} from "./synthetic-stream.ts";

test.each([minBitRate, 100_000, 1_000_000, 8_000_000, maxBitRate])(
  "has a bit rate of %i, within two percent",
  (bitRate) => {
    const { pictures, sound } = makeSyntheticStream(bitRate);
    expect(pictures).toHaveLength(picturesPerGop);
    const header = 12; // RTMP's
    const gopBytes = pictures.reduce((sum, picture) => sum + picture.length + header, 0);
    const videoBits = (gopBytes * 8 * picturesPerSecond) / picturesPerGop;
    const soundBits = ((sound.length + header) * 8 * sampleRate) / samplesPerFrame;
    expect((videoBits + soundBits) / bitRate).toBeGreaterThan(0.98);
    expect((videoBits + soundBits) / bitRate).toBeLessThan(1.02);
  },
);

test("is what its configurations say", () => {
  const stream = makeSyntheticStream(1_000_000);
  const [video] = parseVideoTag(stream.videoConfig).tracks;
  const avc = parseAvcConfig(video!.data);
  expect(parseH264Sps(avc.sps[0]!)).toMatchObject({ width: 640, height: 360, profileIdc: 66 });
  const [audio] = parseAudioTag(stream.audioConfig).tracks;
  expect(parseAudioSpecificConfig(audio!.data)).toMatchObject({ objectType: 2, sampleRate: 48_000, channels: 2 });
});

test("begins each GOP with a key frame, and each picture with its sending time", () => {
  const { pictures } = makeSyntheticStream(200_000);
  const walker = new NalUnitWalker();
  for (const [i, body] of pictures.entries()) {
    const tag = parseVideoTag(body);
    expect(tag.isKey).toBe(i === 0);
    const { data } = tag.tracks[0]!;
    const types: number[] = [];
    for (walker.reset(data, 4); walker.next(); ) types.push(data[walker.start]! & 31);
    expect(types).toEqual([6, 6, i === 0 ? 5 : 1]); // the time, padding, and the slice
    for (const timeMs of [0, 0.001, 1_234_567.891, 2 ** 40]) {
      writeSendingTime(body, 0, timeMs);
      expect(readSendingTime(body, 0, 64)).toBeCloseTo(timeMs, 3);
    }
  }
});

test("no time is read from what has none", () => {
  const { pictures } = makeSyntheticStream(200_000);
  const [body] = pictures;
  expect(readSendingTime(body!, 0, 43)).toBe(-1);
  expect(readSendingTime(new Uint8Array(64), 0, 64)).toBe(-1);
  const other = body!.slice();
  other[20]! ^= 2; // another process's key
  expect(readSendingTime(other, 0, 64)).toBe(-1);
});

import { expect, test } from "vitest";
import { audioFormat, videoFormat } from "../../test/support/kernel.ts";
import type { Frame, TrackKind } from "./frame.ts";
import { QosMeter } from "./qos.ts";

function frame(kind: TrackKind, length: number, isKey = true, number = 0): Frame {
  const format = kind === "video" ? videoFormat : audioFormat;
  return {
    type: "frame",
    track: { kind, number, format },
    format,
    ptsTicks: 0,
    dtsTicks: 0,
    isKey,
    data: new Uint8Array(length),
  };
}

test("rates are those of the last whole second, whenever it is asked", () => {
  const meter = new QosMeter(10_000);
  for (let i = 0; i < 25; i++) meter.add(frame("video", 5_000, i === 0));
  for (let i = 0; i < 43; i++) meter.add(frame("audio", 100));
  meter.tick(10_999);
  expect(meter.rates).toEqual({ videoBitRate: 0, audioBitRate: 0, fps: 0 });
  meter.tick(11_000);
  expect(meter.rates).toEqual({ videoBitRate: 1_000_000, audioBitRate: 34_400, fps: 25 });
  meter.tick(11_500);
  expect(meter.rates.fps).toBe(25);
  meter.tick(12_000);
  expect(meter.rates).toEqual({ videoBitRate: 0, audioBitRate: 0, fps: 0 });
});

test("a second that was measured late counts for as long as it was", () => {
  const meter = new QosMeter(0);
  for (let i = 0; i < 30; i++) meter.add(frame("video", 1_000));
  meter.tick(1_250);
  expect(meter.rates).toEqual({ videoBitRate: 192_000, audioBitRate: 0, fps: 24 });
});

test("frames a second are those of the first video track, bits those of all", () => {
  const meter = new QosMeter(0);
  for (let i = 0; i < 10; i++) {
    meter.add(frame("video", 100));
    meter.add(frame("video", 100, true, 1));
  }
  meter.tick(1_000);
  expect(meter.rates).toMatchObject({ fps: 10, videoBitRate: 16_000 });
});

test("totals only grow", () => {
  const meter = new QosMeter(0);
  meter.add(frame("video", 10, true));
  meter.add(frame("video", 10, false));
  meter.add(frame("audio", 5));
  meter.add(frame("data", 1));
  meter.addHeldTimestamp();
  meter.tick(1_000);
  expect(meter.totals).toEqual({
    videoFrameCount: 2,
    audioFrameCount: 1,
    dataFrameCount: 1,
    keyFrameCount: 1,
    byteCount: 26,
    heldTimestampCount: 1,
  });
});

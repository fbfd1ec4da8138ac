import { describe, expect, test } from "vitest";
import { StreamMeter } from "./stream-meter.ts";

describe("StreamMeter", () => {
  test("knows no bit rate before a second has passed", () => {
    const meter = new StreamMeter();
    meter.addBytes(1_000, 0);
    expect(meter.bitsPerSecond(999)).toBeUndefined();
  });

  test("counts what came within the last second", () => {
    const meter = new StreamMeter();
    for (let atMs = 0; atMs <= 5_000; atMs += 100) meter.addBytes(12_500, atMs);
    expect(meter.bitsPerSecond(5_050)).toBe(1_000_000);
    expect(meter.bitsPerSecond(7_000)).toBe(0);
    expect(meter.receivedBytes).toBe(51 * 12_500);
  });

  test("reads the frame rate from the timestamps, whenever the frames came", () => {
    const meter = new StreamMeter();
    for (let frame = 0; frame < 100; frame++) meter.addVideoFrame(1_000 + frame * 40);
    expect(meter.framesPerSecond()).toBe(25);
  });

  test("starts again when the times jump", () => {
    const meter = new StreamMeter();
    for (let frame = 0; frame < 100; frame++) meter.addVideoFrame(1_000_000 + frame * 40);
    meter.addVideoFrame(0);
    expect(meter.framesPerSecond()).toBeUndefined();
    meter.addVideoFrame(20);
    expect(meter.framesPerSecond()).toBe(50);
  });
});

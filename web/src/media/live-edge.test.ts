import { describe, expect, test } from "vitest";
import { LiveEdge } from "./live-edge.ts";

function at(nowMs: number, currentTime: number, bufferedEnd: number, bufferedStart = 0) {
  return { nowMs, currentTime, bufferedStart, bufferedEnd };
}

describe("LiveEdge", () => {
  test("jumps over the group of pictures that a viewer gets at the start", () => {
    const edge = new LiveEdge();
    expect(edge.correct(at(0, 0, 1.6)).seekTo).toBeCloseTo(1.3);
  });

  test("lets a start near the edge be", () => {
    expect(new LiveEdge().correct(at(0, 0, 0.4))).toEqual({ seekTo: undefined, playbackRate: 1 });
  });

  test("hurries until the margin is reached, and only then stops hurrying", () => {
    const edge = new LiveEdge();
    edge.correct(at(0, 10, 10.3));
    expect(edge.correct(at(250, 10, 10.5)).playbackRate).toBe(1.1);
    expect(edge.correct(at(500, 10, 10.4)).playbackRate).toBe(1.1);
    expect(edge.correct(at(750, 10, 10.29)).playbackRate).toBe(1);
  });

  test("slows down before the buffer runs dry", () => {
    const edge = new LiveEdge();
    expect(edge.correct(at(0, 10, 10.05)).playbackRate).toBe(0.95);
  });

  test("jumps when the network gave everything at once after a pause", () => {
    const edge = new LiveEdge();
    edge.correct(at(0, 10, 10.3));
    expect(edge.correct(at(250, 10, 15)).seekTo).toBeCloseTo(14.7);
  });

  test("leaves a gap in which nothing will ever arrive", () => {
    const edge = new LiveEdge();
    edge.correct(at(0, 10, 10.3));
    expect(edge.correct(at(250, 10.3, 12.1, 12)).seekTo).toBe(12);
  });

  test("widens its margin with each stall, up to a limit, and narrows it in quiet time, down to another", () => {
    const edge = new LiveEdge();
    edge.stalled(0);
    expect(edge.marginSeconds).toBeCloseTo(0.45);
    for (let stall = 0; stall < 20; stall++) edge.stalled(1_000);
    expect(edge.marginSeconds).toBe(3);
    edge.correct(at(21_000, 10, 13));
    expect(edge.marginSeconds).toBeCloseTo(2.9);
    for (let minute = 1; minute < 60; minute++) edge.correct(at(21_000 + minute * 60_000, 10, 13));
    expect(edge.marginSeconds).toBeCloseTo(0.3);
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ERR_RTSP_UNAUTHORIZED } from "../../protocols/rtsp/errors.ts";
import { ERR_CONNECT } from "./errors.ts";
import { goodRunMs, maxRetryMs, maxUnauthorizedRetryMs, quickPhaseMs, unauthorizedRetryMs } from "./limits.ts";
import { type Failure, Supervisor, type SupervisorState } from "./supervisor.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lost: Failure = { code: ERR_CONNECT, message: "refused" };
const wrongPassword: Failure = { code: ERR_RTSP_UNAUTHORIZED, message: "the server did not take the password" };

/** A supervisor whose tries are answered by hand. */
class Bench {
  readonly begun: number[] = [];
  readonly cancelled: number[] = [];
  readonly states: SupervisorState[] = [];
  readonly waits: number[] = [];
  readonly supervisor: Supervisor;

  constructor(random = 0.5) {
    this.supervisor = new Supervisor({
      nowMs: () => Date.now(),
      random: () => random,
      begin: (tryId) => this.begun.push(tryId),
      cancel: (tryId) => this.cancelled.push(tryId),
      onState: (state, _failure, waitMs) => {
        this.states.push(state);
        if (state === "waiting") this.waits.push(waitMs);
      },
    });
    this.supervisor.start();
  }

  get newest(): number {
    return this.begun.at(-1)!;
  }

  fail(failure: Failure = lost): void {
    this.supervisor.handleFailed(this.newest, failure);
  }

  /** Lets each try fail at once until `ms` have passed; returns what was waited between. */
  failFor(ms: number, failure: Failure = lost): number[] {
    const from = this.waits.length;
    const end = Date.now() + ms;
    while (Date.now() < end) {
      this.fail(failure);
      vi.advanceTimersByTime(this.waits.at(-1)!);
    }
    return this.waits.slice(from);
  }
}

describe("a supervisor", () => {
  test("begins a try, and is running when the try says so", () => {
    const bench = new Bench();
    bench.supervisor.handleRunning(bench.newest);
    expect(bench.states).toEqual(["connecting", "running"]);
  });

  test("has one try under way, whoever asks", () => {
    const bench = new Bench();
    bench.supervisor.start();
    bench.fail();
    bench.supervisor.start();
    expect(bench.begun).toHaveLength(1);
    vi.advanceTimersByTime(500);
    expect(bench.begun).toHaveLength(2);
  });

  test("tries every half second for a while, then twice as long each time, up to half a minute", () => {
    const bench = new Bench();
    expect(new Set(bench.failFor(quickPhaseMs))).toEqual(new Set([500]));
    expect(bench.failFor(150_000)).toEqual([
      1_000,
      2_000,
      4_000,
      8_000,
      16_000,
      maxRetryMs,
      maxRetryMs,
      maxRetryMs,
      maxRetryMs,
    ]);
  });

  test.each([
    [0, 375],
    [1, 625],
  ])("waits a quarter less or more by chance (%d)", (random, expected) => {
    const bench = new Bench(random);
    bench.fail();
    expect(bench.waits).toEqual([expected]);
  });

  test("is quick again after a run that went well, and not after one that did not", () => {
    const bench = new Bench();
    bench.failFor(quickPhaseMs + 10_000);
    bench.supervisor.handleRunning(bench.newest);
    vi.advanceTimersByTime(goodRunMs - 1);
    bench.fail();
    expect(bench.waits.at(-1)).toBeGreaterThan(1_000);
    vi.advanceTimersByTime(bench.waits.at(-1)!);
    bench.supervisor.handleRunning(bench.newest);
    vi.advanceTimersByTime(goodRunMs);
    bench.fail();
    expect(bench.waits.at(-1)).toBe(500);
  });

  test("does not hammer at a door that refuses the password", () => {
    const bench = new Bench();
    const waits = bench.failFor(30 * 60_000, wrongPassword);
    expect(waits.slice(0, 3)).toEqual([unauthorizedRetryMs, 2 * unauthorizedRetryMs, 4 * unauthorizedRetryMs]);
    expect(waits.at(-1)).toBe(maxUnauthorizedRetryMs);
    expect(waits.length).toBeLessThan(8);
  });

  test("keeps its distance when it is stopped and started again", () => {
    const bench = new Bench();
    bench.fail(wrongPassword);
    bench.supervisor.stop("nobody plays it");
    bench.supervisor.start();
    expect(bench.begun).toHaveLength(1);
    expect(bench.supervisor.waitMs).toBe(unauthorizedRetryMs);
    vi.advanceTimersByTime(unauthorizedRetryMs);
    expect(bench.begun).toHaveLength(2);
  });

  test("cancels what is under way when it is stopped, and hears nothing of it any more", () => {
    const bench = new Bench();
    bench.supervisor.stop("the end");
    bench.supervisor.handleRunning(bench.newest);
    bench.supervisor.handleFailed(bench.newest, lost);
    expect(bench.cancelled).toEqual(bench.begun);
    expect(bench.states).toEqual(["connecting", "idle"]);
    vi.advanceTimersByTime(60_000);
    expect(bench.begun).toHaveLength(1);
  });

  test("goes on at once where a try is sent elsewhere", () => {
    const bench = new Bench();
    bench.supervisor.handleMoved(bench.newest);
    expect(bench.begun).toHaveLength(2);
    expect(bench.supervisor.isCurrent(bench.begun[0]!)).toBe(false);
  });

  test("keeps the last failure to be shown, also while it runs again", () => {
    const bench = new Bench();
    bench.fail();
    vi.advanceTimersByTime(500);
    bench.supervisor.handleRunning(bench.newest);
    expect(bench.supervisor).toMatchObject({ state: "running", failure: lost, tryCount: 2, failureCount: 1 });
  });
});

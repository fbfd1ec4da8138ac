import pino from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ERR_CODEC_NOT_RECEIVABLE } from "../../bridges/errors.ts";
import type { Link } from "../../runtime/shards/link.ts";
import type { StreamEntry } from "../config/stream-settings.ts";
import type { OutboundShardCalls, PushOrder } from "../outbound/calls.ts";
import { OutboundDirector } from "../outbound/director.ts";
import { ERR_CONNECT, ERR_FORWARD_STREAM } from "../outbound/errors.ts";
import { ForwardSet } from "./forward-set.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const entries: readonly StreamEntry[] = [
  { pattern: "live/cam", settings: { forward: ["rtsp://a/x", "rtsp://u:pw@b/x"] } },
  { pattern: "all/*", settings: { forward: ["rtsp://c/*"] } },
];

/** Forwards whose shard does what the test says. */
class Bench {
  readonly orders: PushOrder[] = [];
  readonly closed: number[] = [];
  readonly director: OutboundDirector;
  readonly forwards: ForwardSet;

  constructor() {
    const tell = (name: string, argument: unknown): void => {
      if (name === "openOutbound") this.orders.push(argument as PushOrder);
      else this.closed.push((argument as { tryId: number }).tryId);
    };
    this.director = new OutboundDirector([{ tell } as unknown as Link<OutboundShardCalls>]);
    const logger = pino({ level: "silent" });
    this.forwards = new ForwardSet({
      entries,
      director: this.director,
      logger,
      nowMs: Date.now,
      random: () => 0.5,
      onFailing: () => {},
    });
  }

  get states(): unknown[] {
    return this.forwards.describe().map(({ shown }) => shown["state"]);
  }

  publish(stream: string): void {
    this.forwards.handleEvent({ type: "publish", atMs: 0, stream, protocol: "rtmp", address: "" });
  }

  end(stream: string): void {
    this.forwards.handleEvent({ type: "stream.ended", atMs: 0, stream, reason: "" });
  }

  run(order: number): void {
    this.director.handle({ type: "running", tryId: this.orders[order]!.tryId });
  }

  fail(order: number, code = ERR_CONNECT): void {
    const failure = { code, message: "no" };
    this.director.handle({ type: "failed", tryId: this.orders[order]!.tryId, failure, hasFallenBack: false });
  }
}

test("forwards are stopped without a stream, and begin with its publisher", () => {
  const bench = new Bench();
  expect(bench.states).toEqual(["stopped", "stopped"]);
  bench.publish("live/cam");
  bench.publish("live/other");
  expect(bench.orders).toMatchObject([{ url: "rtsp://a/x" }, { url: "rtsp://u:pw@b/x" }]);
  bench.run(0);
  expect(bench.states).toEqual(["connected", "connecting"]);
  expect(bench.forwards.describe()[1]?.shown["url"]).toBe("rtsp://u:***@b/x");
});

test("one that fails is tried again, and the other does not notice", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.run(0);
  bench.fail(1);
  expect(bench.states).toEqual(["connected", "retrying"]);
  vi.advanceTimersByTime(500);
  expect(bench.orders.map(({ url }) => url)).toEqual(["rtsp://a/x", "rtsp://u:pw@b/x", "rtsp://u:pw@b/x"]);
  expect(bench.closed).toEqual([]);
});

test("a publisher that comes back finds its forwards as they are", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.run(0);
  bench.publish("live/cam");
  expect(bench.orders).toHaveLength(2);
});

test("what is connected sends the rest of a stream that ends, what is not stops at once", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.run(0);
  bench.end("live/cam");
  expect(bench.closed).toEqual([bench.orders[1]!.tryId]);
  expect(bench.states).toEqual(["connected", "stopped"]);
  bench.fail(0, ERR_FORWARD_STREAM);
  expect(bench.states).toEqual(["stopped", "stopped"]);
  vi.advanceTimersByTime(60_000);
  expect(bench.orders).toHaveLength(2);
});

test("a stream that is there again while the rest of the last is sent is sent on", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.run(0);
  bench.end("live/cam");
  bench.publish("live/cam");
  bench.fail(0, ERR_FORWARD_STREAM);
  expect(bench.states[0]).toBe("retrying");
});

test("what can't be sent as it is waits for another publisher", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.fail(0, ERR_CODEC_NOT_RECEIVABLE);
  expect(bench.states[0]).toBe("failed");
  vi.advanceTimersByTime(60_000);
  expect(bench.orders).toHaveLength(2);
  bench.publish("live/cam");
  vi.advanceTimersByTime(1_000);
  expect(bench.orders).toHaveLength(3);
});

test("forwards of a pattern are there as long as their stream", () => {
  const bench = new Bench();
  bench.publish("all/cam");
  expect(bench.orders).toMatchObject([{ stream: "all/cam", url: "rtsp://c/cam" }]);
  expect(bench.states).toHaveLength(3);
  bench.end("all/cam");
  expect(bench.states).toHaveLength(2);
});

test("all of them end with the server", () => {
  const bench = new Bench();
  bench.publish("live/cam");
  bench.forwards.stop("the end");
  expect(bench.closed).toEqual(bench.orders.map(({ tryId }) => tryId));
});

import pino from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseStreamName } from "../../kernel/stream-name.ts";
import { ERR_RTSP_REFUSED, ERR_RTSP_UNAUTHORIZED } from "../../protocols/rtsp/errors.ts";
import type { Link } from "../../runtime/shards/link.ts";
import type { StreamEntry } from "../config/stream-settings.ts";
import { type OutboundShardCalls, type PullOrder, pullProtocol, pushProtocol } from "../outbound/calls.ts";
import { OutboundDirector } from "../outbound/director.ts";
import { ERR_CONNECT } from "../outbound/errors.ts";
import { maxStartingPatternSources } from "./limits.ts";
import { SourceSet } from "./source-set.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const always: StreamEntry = { pattern: "live/always", settings: { source: "rtsp://u:p%40ss@host/always" } };
const wanted: StreamEntry = {
  pattern: "live/wanted",
  settings: {
    source: "rtsp://host/wanted",
    sourceOnDemand: true,
    sourceOnDemandTimeoutMs: 5_000,
    sourceOnDemandCloseAfterMs: 2_000,
  },
};
const pattern: StreamEntry = {
  pattern: "cams/*",
  settings: { source: "rtsp://host/cams/*", sourceOnDemand: true, sourceOnDemandCloseAfterMs: 2_000 },
};

/** Sources whose shard does what the test says. */
class Bench {
  readonly orders: PullOrder[] = [];
  readonly closed: number[] = [];
  readonly director: OutboundDirector;
  readonly sources: SourceSet;

  constructor(...entries: StreamEntry[]) {
    const tell = (name: string, argument: unknown): void => {
      if (name === "openOutbound") this.orders.push(argument as PullOrder);
      else this.closed.push((argument as { tryId: number }).tryId);
    };
    this.director = new OutboundDirector([{ tell } as unknown as Link<OutboundShardCalls>]);
    const logger = pino({ level: "silent" });
    this.sources = new SourceSet({
      entries,
      director: this.director,
      logger,
      nowMs: Date.now,
      random: () => 0.5,
      onFailing: () => {},
    });
    this.sources.start();
  }

  get newest(): PullOrder {
    return this.orders.at(-1)!;
  }

  run(): void {
    this.director.handle({ type: "running", tryId: this.newest.tryId });
  }

  fail(code = ERR_CONNECT): void {
    const failure = { code, message: "no" };
    this.director.handle({ type: "failed", tryId: this.newest.tryId, failure, hasFallenBack: false });
  }

  play(stream: string): Promise<void> | undefined {
    return this.sources.summon(parseStreamName(stream), "rtsp");
  }

  players(stream: string, change: "subscribe" | "unsubscribe", protocol = "rtmp"): void {
    this.sources.handleEvent({ type: change, atMs: 0, stream, protocol, address: "" });
  }

  redirect(url: string): void {
    const { tryId } = this.newest;
    this.director.handle({ type: "redirected", tryId, url, redirectCount: 1, sentBy: "10.0.0.1" });
  }
}

describe("sources", () => {
  test("that are not on demand begin with the server, and come back", () => {
    const bench = new Bench(always, wanted, pattern);
    expect(bench.orders).toMatchObject([{ stream: "live/always", url: always.settings.source }]);
    bench.fail();
    vi.advanceTimersByTime(500);
    expect(bench.orders).toHaveLength(2);
    expect(bench.play("live/always")).toBeUndefined();
  });

  test("take the place of publishers, whoever they are", () => {
    const { sources } = new Bench(always, pattern);
    const ask = (name: string, protocol: string): string | undefined =>
      sources.refusal({ action: "publish", stream: parseStreamName(name), protocol, address: "", query: "" });
    expect(ask("live/always", "rtmp")).toMatch(/fetched from a source/);
    expect(ask("cams/door", "rtsp")).toMatch(/fetched from a source/);
    expect(ask("live/always", pullProtocol)).toBeUndefined();
    expect(ask("live/other", "rtmp")).toBeUndefined();
  });

  test("end with the server", () => {
    const bench = new Bench(always);
    bench.sources.stop("the end");
    expect(bench.closed).toEqual([bench.newest.tryId]);
    expect(bench.sources.describe()).toMatchObject([{ shown: { state: "idle", source: "rtsp://u:***@host/always" } }]);
  });
});

describe("a source on demand", () => {
  test("begins with its first player, who waits until it runs", async () => {
    const bench = new Bench(wanted);
    const playing = bench.play("live/wanted");
    void bench.play("live/wanted");
    expect(bench.orders).toHaveLength(1);
    bench.run();
    await playing;
    await bench.play("live/wanted");
    expect(bench.orders).toHaveLength(1);
  });

  test("is tried again while the player waits, and given up in time", async () => {
    const bench = new Bench(wanted);
    const playing = bench.play("live/wanted");
    bench.fail();
    vi.advanceTimersByTime(500);
    expect(bench.orders).toHaveLength(2);
    vi.advanceTimersByTime(4_500);
    await playing;
    expect(bench.closed).toEqual([bench.newest.tryId]);
    vi.advanceTimersByTime(60_000);
    expect(bench.orders).toHaveLength(2);
  });

  test("that is there and says no is not waited for", async () => {
    const bench = new Bench(wanted);
    const playing = bench.play("live/wanted");
    bench.fail(ERR_RTSP_REFUSED);
    await playing;
    expect(bench.sources.describe()[0]?.shown).toMatchObject({ state: "idle" });
  });

  test.each([wanted.pattern, "cams/door"])(
    "that refuses the password is not asked by every player (%s)",
    async (name) => {
      const bench = new Bench(wanted, pattern);
      const playing = bench.play(name);
      bench.fail(ERR_RTSP_UNAUTHORIZED);
      await playing;
      for (let second = 0; second < 20; second++) {
        await bench.play(name);
        vi.advanceTimersByTime(1_000);
      }
      expect(bench.orders).toHaveLength(1);
      vi.advanceTimersByTime(10_000);
      void bench.play(name);
      expect(bench.orders).toHaveLength(2);
    },
  );

  test("ends when its last player has been gone for a while", () => {
    const bench = new Bench(wanted);
    void bench.play("live/wanted");
    bench.run();
    bench.players("live/wanted", "subscribe");
    bench.players("live/wanted", "subscribe");
    bench.players("live/wanted", "unsubscribe");
    vi.advanceTimersByTime(60_000);
    bench.players("live/wanted", "unsubscribe");
    vi.advanceTimersByTime(1_999);
    expect(bench.closed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(bench.closed).toEqual([bench.newest.tryId]);
  });

  test("that nobody plays after all ends as well", () => {
    const bench = new Bench(wanted);
    void bench.play("live/wanted");
    bench.run();
    vi.advanceTimersByTime(2_000);
    expect(bench.closed).toEqual([bench.newest.tryId]);
  });

  test("does not end under a player who is just coming", () => {
    const bench = new Bench(wanted);
    void bench.play("live/wanted");
    bench.run();
    vi.advanceTimersByTime(1_500);
    void bench.play("live/wanted");
    vi.advanceTimersByTime(1_500);
    expect(bench.closed).toEqual([]);
  });

  test("is not begun and not kept by a forward", () => {
    const bench = new Bench(wanted);
    expect(bench.sources.summon(parseStreamName("live/wanted"), pushProtocol)).toBeUndefined();
    void bench.play("live/wanted");
    bench.run();
    bench.players("live/wanted", "subscribe", pushProtocol);
    vi.advanceTimersByTime(2_000);
    expect(bench.closed).toHaveLength(1);
  });

  test("of a pattern is made when it is wanted, and forgotten when it is not", () => {
    const bench = new Bench(pattern);
    void bench.play("cams/a/door");
    expect(bench.newest.url).toBe("rtsp://host/cams/a/door");
    bench.run();
    vi.advanceTimersByTime(2_001);
    expect(bench.sources.describe()).toEqual([]);
    expect(bench.play("live/other")).toBeUndefined();
  });

  test("does not let players flood the machine that the pattern names", () => {
    const bench = new Bench(pattern);
    for (let i = 0; i < 1_000; i++) void bench.play(`cams/${i}`);
    expect(bench.orders).toHaveLength(maxStartingPatternSources);
  });
});

describe("a source that is sent elsewhere", () => {
  test("takes its password along to the same host only", () => {
    const bench = new Bench(always);
    bench.redirect("rtsp://host:8554/x");
    expect(bench.newest).toMatchObject({ url: "rtsp://u:p%40ss@host:8554/x", redirectCount: 1, sentBy: "10.0.0.1" });
    bench.redirect("rtsp://other/x");
    expect(bench.newest.url).toBe("rtsp://other/x");
  });

  test("does not take its password out of TLS", () => {
    const bench = new Bench({ pattern: "live/tls", settings: { source: "rtsps://u:p@host/x" } });
    bench.redirect("rtsps://host/y");
    expect(bench.newest.url).toBe("rtsps://u:p@host/y");
    bench.redirect("rtsp://host/y");
    expect(bench.newest.url).toBe("rtsp://host/y");
  });

  test("begins at its own address again after a failure", () => {
    const bench = new Bench(always);
    bench.redirect("rtsp://other/x");
    bench.fail();
    vi.advanceTimersByTime(500);
    expect(bench.newest).toMatchObject({ url: always.settings.source, redirectCount: 0 });
  });

  test("stays where it is when that is no address", () => {
    const bench = new Bench(always);
    bench.redirect("http://host/x");
    expect(bench.orders).toHaveLength(1);
    expect(bench.sources.describe()[0]?.shown).toMatchObject({
      state: "waiting",
      last_error: { code: "ERR_RTSP_URL" },
    });
  });
});

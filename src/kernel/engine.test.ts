import { beforeEach, describe, expect, test } from "vitest";
import {
  bytesOf,
  ManualClock,
  plainFormat,
  rejectionCode,
  startText,
  textOf,
  WordPublisher,
} from "../../test/support/kernel.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import {
  ERR_ENGINE_CLOSED,
  ERR_LIMIT_REACHED,
  ERR_PUBLICATION_ENDED,
  ERR_STREAM_BUSY,
  ERR_STREAM_NAME,
  ERR_STREAM_NOT_FOUND,
} from "./errors.ts";
import type { PeerRequest } from "./gate.ts";
import type { Observer } from "./services.ts";

let clock: ManualClock;
let engine: Engine;

beforeEach(() => {
  clock = new ManualClock();
  engine = newEngine();
});

function newEngine(options: Partial<EngineOptions> = {}): Engine {
  return new Engine({ clock, ...options });
}

function peer(name: string, address = "192.0.2.1"): PeerRequest {
  return { name, protocol: "test", address, query: "" };
}

const ignore = (): void => {};

describe("publishing", () => {
  test("makes the stream, and says who publishes it since when", async () => {
    const publication = await engine.publish(peer("live/cam"));
    const stream = engine.getStream("live/cam");
    expect(publication.stream).toBe(stream);
    expect(stream?.state).toBe("publishing");
    expect(stream?.metadata).toMatchObject({
      publisherAddress: "192.0.2.1",
      ingestProtocol: "test",
      startedAtMs: clock.wallMs(),
    });
    expect([engine.publisherCount, engine.counters.publishCount]).toEqual([1, 1]);
  });

  test("is for one at a time", async () => {
    const first = await engine.publish(peer("live/cam"));
    expect(await rejectionCode(engine.publish(peer("live/cam")))).toBe(ERR_STREAM_BUSY);
    expect(engine.counters.refusedCount).toBe(1);
    first.end();
    await engine.publish(peer("live/cam"));
    expect(engine.publisherCount).toBe(1);
  });

  test("needs a canonical name, before anybody is asked about it", async () => {
    const asked: string[] = [];
    engine = newEngine({
      authenticator: {
        authorize: (request) => {
          asked.push(request.stream.key);
          return { isAllowed: true };
        },
      },
    });
    for (const name of ["cam", "live/../cam", "live%2fcam", "/live/cam"]) {
      expect(await rejectionCode(engine.publish(peer(name)))).toBe(ERR_STREAM_NAME);
      expect(await rejectionCode(engine.subscribe(peer(name)))).toBe(ERR_STREAM_NAME);
    }
    expect([asked, engine.streams]).toEqual([[], []]);
  });

  test("is over when it has ended", async () => {
    const publication = await engine.publish(peer("live/cam"));
    const publisher = new WordPublisher(publication);
    publication.end();
    publication.end();
    for (const work of [
      () => publisher.publish("K"),
      () => publication.updateMetadata({ width: 1 }),
      () => publication.setTrack("video", 0, publisher.track.format),
    ]) {
      expect(work).toThrow(expect.objectContaining({ code: ERR_PUBLICATION_ENDED }));
    }
  });
});

describe("limits", () => {
  test.each([
    ["publishers", { maxPublishers: 2 }, ["a/1", "b/2"], "c/3"],
    ["streams", { maxStreams: 2 }, ["a/1", "b/2"], "c/3"],
    ["applications", { maxApplications: 2 }, ["a/1", "b/2", "a/3"], "c/4"],
  ])("of %s are kept", async (_what, limits, fitting, tooMany) => {
    engine = newEngine({ limits });
    for (const name of fitting) await engine.publish(peer(name));
    expect(await rejectionCode(engine.publish(peer(tooMany)))).toBe(ERR_LIMIT_REACHED);
    expect(engine.streams).toHaveLength(fitting.length);
    expect(engine.getStream(tooMany)).toBeUndefined();
  });

  test("of publishers count those who publish, of streams the idle ones too", async () => {
    engine = newEngine({ limits: { maxPublishers: 1, maxStreams: 2 } });
    (await engine.publish(peer("a/1"))).end();
    await engine.publish(peer("a/2"));
    expect(await rejectionCode(engine.publish(peer("a/1")))).toBe(ERR_LIMIT_REACHED);
    engine.getStream("a/2");
    expect(engine.streams).toHaveLength(2);
  });
});

describe("subscribing", () => {
  test("to what nobody publishes is refused", async () => {
    expect(await rejectionCode(engine.subscribe(peer("live/cam")))).toBe(ERR_STREAM_NOT_FOUND);
    expect(await rejectionCode(engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), ignore))).toBe(
      ERR_STREAM_NOT_FOUND,
    );
    expect(engine.counters.refusedCount).toBe(2);
  });

  test("to a log gives it until it is closed, once", async () => {
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K1", "a");
    const subscription = await engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), ignore);
    expect(startText(subscription.log)).toBe("<P>K1a");
    expect(subscription.stream.subscriberCount).toBe(1);
    subscription.close("done");
    subscription.close("done again");
    expect(subscription.stream.subscriberCount).toBe(0);
    engine.tick();
    engine.tick();
    expect(subscription.log.isClosed).toBe(true);
  });

  test("a format that refuses leaves nothing behind", async () => {
    new WordPublisher(await engine.publish(peer("live/cam"))).publish("K1");
    const before = engine.memory.usedBytes;
    const refuse = (): never => {
      throw new TypeError("no such codec here");
    };
    await expect(engine.subscribeLog(peer("live/cam"), refuse, ignore)).rejects.toThrow(TypeError);
    expect([engine.memory.usedBytes, engine.counters.subscribeCount]).toEqual([before, 0]);
  });
});

describe("a publisher that comes back", () => {
  test("finds its stream and its subscribers, and the timeline goes on", async () => {
    const first = new WordPublisher(await engine.publish(peer("live/cam")));
    first.publish("K1", "a");
    const frames = await engine.subscribe(peer("live/cam"));
    const { log } = await engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), ignore);
    first.publication.end();
    expect(engine.getStream("live/cam")?.state).toBe("idle");
    clock.nowMs += 3_000;
    const second = new WordPublisher(await engine.publish(peer("live/cam")));
    expect(second.publication.startMs).toBe(40 + 3_000);
    expect(second.track).toBe(first.track);
    second.publish("K2", "b");
    const times: [string, number][] = [];
    for (let item = frames.poll(); item?.type === "frame"; item = frames.poll()) {
      times.push([textOf(item.data), item.dtsTicks]);
    }
    expect(times).toEqual([
      ["K1", 0],
      ["a", 40],
      ["K2", 3_040],
      ["b", 3_080],
    ]);
    expect(log.isClosed).toBe(false);
    expect(startText(log)).toBe("<P>K2b");
    expect(engine.getStream("live/cam")?.qos.totals.heldTimestampCount).toBe(0);
  });

  test("at once still comes behind itself", async () => {
    const first = new WordPublisher(await engine.publish(peer("live/cam")));
    first.publish("K1");
    first.publication.end();
    expect((await engine.publish(peer("live/cam"))).startMs).toBe(1);
  });
});

describe("the tick", () => {
  test("reaps a stream that nobody has published for its idle time", async () => {
    engine = newEngine({ idleTimeoutMs: 1_000 });
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K1");
    const ended: string[] = [];
    await engine.subscribeLog(
      peer("live/cam"),
      () => plainFormat("p"),
      (reason) => ended.push(reason),
    );
    const waiting = (await engine.subscribe(peer("live/cam"), { start: "next" })).next();
    publisher.publication.end();
    clock.nowMs += 999;
    engine.tick();
    expect(engine.streams).toHaveLength(1);
    clock.nowMs += 1;
    engine.tick();
    expect([engine.streams, ended]).toEqual([[], ["no publisher for 1 s"]]);
    expect((await waiting).done).toBe(true);
    expect([engine.counters.reapedStreamCount, engine.memory.usedBytes]).toEqual([1, 0]);
  });

  test("ends a publisher that sends nothing, and leaves one that sends anything", async () => {
    engine = newEngine({ publisherTimeoutMs: 1_000, idleTimeoutMs: 60_000 });
    const reasons: string[] = [];
    const silent = await engine.publish(peer("live/silent"), (reason) => reasons.push(reason));
    const alive = new WordPublisher(await engine.publish(peer("live/alive"), (reason) => reasons.push(reason)));
    for (let i = 0; i < 20; i++) {
      clock.nowMs += 100;
      alive.publish("K");
      engine.tick();
    }
    expect(reasons).toEqual(["it sent nothing for 1 s"]);
    expect([silent.isEnded, alive.publication.isEnded]).toEqual([true, false]);
    // Packets are enough: their frames may all be damaged.
    clock.nowMs += 900;
    const packet = { track: alive.track, ptsTicks: alive.timeMs, startsFrame: true, isKey: false };
    alive.publication.publishPacket({ ...packet, protocol: "none", content: undefined });
    engine.tick();
    clock.nowMs += 900;
    engine.tick();
    expect(alive.publication.isEnded).toBe(false);
    clock.nowMs += 1_100;
    engine.tick();
    expect(alive.publication.isEnded).toBe(true);
  });

  test("goes on to the other streams when a publisher's session throws on its end", async () => {
    engine = newEngine({ publisherTimeoutMs: 1_000 });
    const ended: string[] = [];
    await engine.publish(peer("live/one"), () => {
      throw new Error("a session's own trouble");
    });
    await engine.publish(peer("live/two"), () => ended.push("two"));
    clock.nowMs += 2_000;
    engine.tick();
    expect([ended, engine.publisherCount, engine.counters.serviceFailureCount]).toEqual([["two"], 0, 1]);
  });

  test("measures", async () => {
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K123456789", "0123456789");
    clock.nowMs += 1_000;
    engine.tick();
    expect(publisher.publication.stream.qos.rates).toEqual({ videoBitRate: 160, audioBitRate: 0, fps: 2 });
  });
});

describe("shutdown", () => {
  test("goes in order: publishers, subscribers, protocols; and nobody comes in any more", async () => {
    const steps: string[] = [];
    const observer: Observer = {
      unpublished: () => steps.push("unpublished"),
      streamEnded: () => steps.push("stream ended"),
    };
    engine = newEngine({ observer });
    engine.register({
      name: "p",
      start: () => {
        steps.push("started");
      },
      stop: async () => {
        steps.push(await rejectionCode(engine.publish(peer("live/late"))), "stopped");
      },
    });
    await engine.start();
    const publication = await engine.publish(peer("live/cam"), (reason) => steps.push(`publisher: ${reason}`));
    new WordPublisher(publication).publish("K1");
    await engine.subscribeLog(
      peer("live/cam"),
      () => plainFormat("p"),
      (reason) => steps.push(`player: ${reason}`),
    );
    await engine.shutdown("maintenance");
    expect(steps).toEqual([
      "started",
      "unpublished",
      "publisher: maintenance",
      "player: maintenance",
      "stream ended",
      ERR_ENGINE_CLOSED,
      "stopped",
    ]);
    expect([engine.isClosed, engine.streams, engine.memory.usedBytes]).toEqual([true, [], 0]);
    expect(await rejectionCode(engine.subscribe(peer("live/cam")))).toBe(ERR_ENGINE_CLOSED);
  });

  test("called twice stops once, and both wait for the end", async () => {
    let stopCount = 0;
    const gate = Promise.withResolvers<void>();
    engine.register({
      name: "p",
      start: ignore,
      stop: () => {
        stopCount++;
        return gate.promise;
      },
    });
    const over: string[] = [];
    const both = [engine.shutdown().then(() => over.push("first")), engine.shutdown().then(() => over.push("second"))];
    await Promise.resolve();
    expect(over).toEqual([]);
    gate.resolve();
    await Promise.all(both);
    expect([stopCount, over]).toEqual([1, ["first", "second"]]);
  });

  test("goes on when a protocol, a publisher and a player throw", async () => {
    const stopped: string[] = [];
    const fail = (): never => {
      throw new Error("trouble");
    };
    engine.register({ name: "bad", start: ignore, stop: fail });
    engine.register({
      name: "good",
      start: ignore,
      stop: () => {
        stopped.push("good");
      },
    });
    new WordPublisher(await engine.publish(peer("live/cam"), fail)).publish("K1");
    await engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), fail);
    await engine.shutdown();
    expect([stopped, engine.memory.usedBytes, engine.streams]).toEqual([["good"], 0, []]);
    expect(engine.counters.serviceFailureCount).toBe(2);
  });
});

test("two engines in one process share nothing", async () => {
  const events: string[] = [];
  const other = newEngine({ limits: { maxStreams: 1 } });
  engine.services.eventBus.listen(({ type }) => events.push(`one: ${type}`));
  other.services.eventBus.listen(({ type }) => events.push(`two: ${type}`));
  const first = new WordPublisher(await engine.publish(peer("live/cam")));
  await engine.publish(peer("live/second"));
  expect(other.getStream("live/cam")).toBeUndefined();
  expect(await rejectionCode(other.subscribe(peer("live/cam")))).toBe(ERR_STREAM_NOT_FOUND);
  const second = new WordPublisher(await other.publish(peer("live/cam")));
  first.publish("K1");
  second.publish("K2");
  const read = (of: Engine) =>
    of
      .getStream("live/cam")
      ?.replay()
      .frames.map(({ data }) => textOf(data));
  expect([read(engine), read(other)]).toEqual([["K1"], ["K2"]]);
  expect([engine.memory.usedBytes, other.memory.usedBytes]).toEqual([2, 2]);
  await engine.shutdown();
  second.publish("a");
  expect([other.isClosed, other.streams.length, other.counters.publishCount]).toEqual([false, 1, 1]);
  expect(second.publication.isEnded).toBe(false);
  expect(events.filter((event) => event.startsWith("two"))).toEqual(["two: stream.started", "two: publish"]);
});

test("a thousand publishers and players come and go, and nothing stays", async () => {
  for (let i = 0; i < 1_000; i++) {
    const publisher = new WordPublisher(await engine.publish(peer(`live/${i % 7}`)));
    publisher.publish("K1", "a");
    const frames = await engine.subscribe(peer(`live/${i % 7}`));
    const { close } = await engine.subscribeLog(peer(`live/${i % 7}`), () => plainFormat("p"), ignore);
    publisher.publication.publish(publisher.track, 80, 80, false, bytesOf("b"));
    close("done");
    await frames.return();
    publisher.publication.end();
  }
  clock.nowMs += 60_000;
  engine.tick();
  expect([engine.streams, engine.memory.usedBytes, engine.counters.publishCount]).toEqual([[], 0, 1_000]);
});

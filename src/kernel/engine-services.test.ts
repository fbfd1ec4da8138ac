import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock, plainFormat, rejectionCode, startText, WordPublisher } from "../../test/support/kernel.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { ERR_ENGINE_CLOSED, ERR_NOT_AUTHORIZED, ERR_STREAM_BUSY } from "./errors.ts";
import type { PeerRequest } from "./gate.ts";
import type { AccessDecision, AuditRecord, EngineEvent, Observer } from "./services.ts";

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

describe("the authenticator", () => {
  const decisions: [string, () => AccessDecision | Promise<AccessDecision>, number][] = [
    ["says no", () => ({ isAllowed: false, reason: "no" }), 0],
    ["says no later", async () => ({ isAllowed: false, reason: "no" }), 0],
    [
      "throws",
      () => {
        throw new Error("database is gone");
      },
      1,
    ],
    ["rejects", () => Promise.reject(new Error("database is gone")), 1],
    [
      "throws what is no error",
      () => {
        throw undefined;
      },
      1,
    ],
    ["answers with nothing", () => undefined as unknown as AccessDecision, 1],
    ["answers with something that is not exactly yes", () => ({ isAllowed: 1 }) as unknown as AccessDecision, 0],
  ];

  test.each(decisions)("that %s keeps everybody out", async (_name, authorize, failureCount) => {
    const records: AuditRecord[] = [];
    engine = newEngine({ authenticator: { authorize }, auditSink: { record: (record) => records.push(record) } });
    expect(await rejectionCode(engine.publish(peer("live/cam")))).toBe(ERR_NOT_AUTHORIZED);
    expect(await rejectionCode(engine.subscribe(peer("live/cam")))).toBe(ERR_NOT_AUTHORIZED);
    expect(await rejectionCode(engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), ignore))).toBe(
      ERR_NOT_AUTHORIZED,
    );
    expect(engine.counters).toMatchObject({ deniedCount: 3, serviceFailureCount: 3 * failureCount, publishCount: 0 });
    expect(records.map(({ action, outcome, code }) => [action, outcome, code])).toEqual([
      ["publish", "denied", ERR_NOT_AUTHORIZED],
      ["play", "denied", ERR_NOT_AUTHORIZED],
      ["play", "denied", ERR_NOT_AUTHORIZED],
    ]);
    expect(engine.streams).toEqual([]);
  });

  test("does not tell the peer why it failed", async () => {
    engine = newEngine({ authenticator: { authorize: () => Promise.reject(new Error("password of db is x")) } });
    await expect(engine.publish(peer("live/cam"))).rejects.toThrow("access could not be decided");
  });

  test("is told action, name, protocol, address and query", async () => {
    const requests: unknown[] = [];
    engine = newEngine({
      authenticator: {
        authorize: (request) => {
          requests.push(request);
          return { isAllowed: true };
        },
      },
    });
    await engine.publish({ name: "live/cam", protocol: "rtmp", address: "::1", query: "token=a" });
    expect(requests).toEqual([
      {
        action: "publish",
        stream: { key: "live/cam", app: "live", name: "cam" },
        protocol: "rtmp",
        address: "::1",
        query: "token=a",
      },
    ]);
  });

  test("that is slow lets in one of two who want to publish the same stream", async () => {
    const pending: PromiseWithResolvers<AccessDecision>[] = [];
    engine = newEngine({
      authenticator: {
        authorize: () => {
          const decision = Promise.withResolvers<AccessDecision>();
          pending.push(decision);
          return decision.promise;
        },
      },
    });
    const outcomes = [peer("live/cam", "192.0.2.1"), peer("live/cam", "192.0.2.2")].map((request) =>
      engine.publish(request).then(
        (publication) => publication.address,
        (error: { code: string }) => error.code,
      ),
    );
    expect(engine.streams).toEqual([]);
    pending[1]?.resolve({ isAllowed: true });
    pending[0]?.resolve({ isAllowed: true });
    expect((await Promise.all(outcomes)).sort()).toEqual(["192.0.2.2", ERR_STREAM_BUSY]);
    expect(engine.publisherCount).toBe(1);
  });

  test("that answers after the engine has closed lets nobody in", async () => {
    const decision = Promise.withResolvers<AccessDecision>();
    engine = newEngine({ authenticator: { authorize: () => decision.promise } });
    const outcome = rejectionCode(engine.publish(peer("live/cam")));
    await engine.shutdown();
    decision.resolve({ isAllowed: true });
    expect(await outcome).toBe(ERR_ENGINE_CLOSED);
    expect(engine.streams).toEqual([]);
  });
});

describe("services", () => {
  test("that throw are counted, and stop nothing", async () => {
    const fail = (): never => {
      throw new Error("trouble");
    };
    const observer: Observer = {
      streamStarted: fail,
      streamEnded: fail,
      published: fail,
      unpublished: fail,
      subscribed: fail,
      unsubscribed: fail,
      lagged: fail,
      evicted: fail,
      frame: fail,
    };
    engine = newEngine({
      observer,
      auditSink: { record: fail },
      eventBus: { emit: fail, listen: () => ignore },
      idleTimeoutMs: 0,
    });
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K1", "a");
    const subscription = await engine.subscribeLog(peer("live/cam"), () => plainFormat("p"), ignore);
    subscription.lagged(10);
    subscription.evicted();
    expect(startText(subscription.log)).toBe("<P>K1a");
    subscription.close("done");
    publisher.publication.end();
    engine.tick();
    expect(engine.streams).toEqual([]);
    // Observer 10 times (frame twice), audit 2, bus 7.
    expect(engine.counters.serviceFailureCount).toBe(19);
  });

  test("observer, audit and bus are told what happened, with times and addresses", async () => {
    const events: EngineEvent[] = [];
    const records: AuditRecord[] = [];
    engine = newEngine({ auditSink: { record: (record) => records.push(record) } });
    const stopListening = engine.services.eventBus.listen((event) => events.push(event));
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K1");
    const subscription = await engine.subscribeLog(peer("live/cam", "192.0.2.9"), () => plainFormat("p"), ignore);
    subscription.lagged(1);
    subscription.evicted();
    subscription.close("it lagged");
    await rejectionCode(engine.publish(peer("live/cam")));
    publisher.publication.end();
    stopListening();
    await engine.shutdown();
    expect(events.map((event) => [event.type, "address" in event ? event.address : "", event.stream])).toEqual([
      ["stream.started", "", "live/cam"],
      ["publish", "192.0.2.1", "live/cam"],
      ["subscribe", "192.0.2.9", "live/cam"],
      ["evict", "192.0.2.9", "live/cam"],
      ["unsubscribe", "192.0.2.9", "live/cam"],
      ["unpublish", "192.0.2.1", "live/cam"],
    ]);
    expect(events.every(({ atMs }) => atMs === clock.wallMs())).toBe(true);
    expect(records.map(({ action, outcome, code }) => [action, outcome, code])).toEqual([
      ["publish", "allowed", undefined],
      ["play", "allowed", undefined],
      ["publish", "refused", ERR_STREAM_BUSY],
    ]);
    expect(engine.counters).toMatchObject({ lagCount: 1, evictedCount: 1, subscribeCount: 1 });
  });

  test("a subscriber in the process that is evicted is counted like any other", async () => {
    engine = newEngine({ limits: { maxWindowFrames: 4 } });
    const evictions: string[] = [];
    engine.services.eventBus.listen((event) => {
      if (event.type === "evict" || event.type === "unsubscribe") evictions.push(event.type);
    });
    const publisher = new WordPublisher(await engine.publish(peer("live/cam")));
    publisher.publish("K1");
    const subscription = await engine.subscribe(peer("live/cam"), { maxLag: 0 });
    publisher.publish("a", "b", "c", "d", "e");
    expect(() => subscription.poll()).toThrow();
    expect([evictions, engine.counters.evictedCount]).toEqual([["evict", "unsubscribe"], 1]);
  });

  test("health is asked of every check; one that throws is not well", async () => {
    engine = newEngine({
      healthChecks: [
        { name: "disk", check: () => ({ isHealthy: true, detail: "half empty" }) },
        { name: "db", check: async () => Promise.reject(new Error("gone")) },
      ],
    });
    expect([...(await engine.health())]).toEqual([
      ["disk", { isHealthy: true, detail: "half empty" }],
      ["db", { isHealthy: false, detail: "gone" }],
    ]);
  });
});

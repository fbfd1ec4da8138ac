/** Who may publish and play, and where a stream is: each stream has one publisher, whatever goes wrong on which shard. */

import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock, rejectionCode } from "../../../test/support/kernel.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  type AuditRecord,
  type EngineEvent,
  LocalEventBus,
  permitAll,
  silentAuditSink,
} from "../../kernel/services.ts";
import { ERR_SHARD_BUSY, ERR_SHARD_GONE } from "../errors.ts";
import type { ReleasedStream, ShardCalls } from "./calls.ts";
import { Controller, type ControllerOptions } from "./controller.ts";
import { LocalLink } from "./link.ts";

const key = "live/cam";
let clock: ManualClock;
let controller: Controller;
let told: string[];
let events: string[];
let release: (shard: number) => ReleasedStream | undefined | Promise<ReleasedStream | undefined>;

function open(options: Partial<ControllerOptions> = {}): void {
  clock = new ManualClock();
  told = [];
  events = [];
  release = () => ({ endMs: 5_000, idleMs: 700 });
  const eventBus = new LocalEventBus();
  eventBus.listen((event) => events.push(event.type));
  const limits = { maxPublishers: 3, maxStreams: 3, maxApplications: 2 };
  const services = { clock, authenticator: permitAll, auditSink: silentAuditSink, eventBus };
  controller = new Controller({ ...services, limits, ...options });
  for (const index of [1, 2, 3]) {
    const calls: ShardCalls = {
      release: (name) => {
        told.push(`${index}: release ${name}`);
        return release(index) as ReleasedStream | undefined;
      },
      moved: ({ key: name, owner }) => told.push(`${index}: ${name} is on ${owner}`),
      gone: ({ key: name, reason }) => told.push(`${index}: ${name} is gone, ${reason}`),
    };
    controller.addShard(
      index,
      new LocalLink(calls, (error) => {
        throw error;
      }),
    );
  }
}

beforeEach(() => open());

function publish(shard: number, name = key): Promise<{ readonly startMs: number | undefined }> {
  return controller.calls.publish({ shard, request: { name, protocol: "test", address: `from ${shard}` } });
}

function play(name = key): Promise<{ readonly owner: number }> {
  return controller.calls.play({ shard: 3, request: { name, protocol: "test" } });
}

function happened(shard: number, type: EngineEvent["type"], stream = key): void {
  const event = { type, atMs: 0, stream, protocol: "test", address: "", reason: "" } as EngineEvent;
  controller.calls.changed({ shard, event });
}

async function begun(shard: number, name = key): Promise<void> {
  await publish(shard, name);
  happened(shard, "publish", name);
}

async function idle(shard: number, name = key): Promise<void> {
  await begun(shard, name);
  happened(shard, "unpublish", name);
}

/** What links have to say is said. */
async function spoken(): Promise<void> {
  for (let i = 0; i < 10; i++) await undefined;
}

describe("a stream that is given to a publisher", () => {
  test("is his at once, wherever the next one comes, and is on his shard", async () => {
    const [first, second] = await Promise.allSettled([publish(1), publish(2)]);
    expect(first).toMatchObject({ status: "fulfilled", value: { startMs: undefined } });
    expect(second).toMatchObject({ status: "rejected", reason: { code: "ERR_STREAM_BUSY" } });
    expect(await play()).toEqual({ owner: 1 });
    expect([controller.publisherAddress(key), controller.publisherCount]).toEqual(["from 1", 1]);
    happened(1, "publish");
    expect(await rejectionCode(publish(1))).toBe("ERR_STREAM_BUSY");
    expect(controller.counters).toMatchObject({ refusedCount: 2, movedStreamCount: 0 });
  });

  test("waits for him when he left, and goes when he does not come back", async () => {
    await idle(1);
    expect([controller.publisherAddress(key), controller.publisherCount]).toEqual([undefined, 0]);
    expect(await play()).toEqual({ owner: 1 });
    expect(await publish(1)).toEqual({ startMs: undefined });
    happened(1, "publish");
    happened(1, "unpublish");
    happened(1, "stream.ended");
    expect(await rejectionCode(play())).toBe("ERR_STREAM_NOT_FOUND");
    expect([controller.streamCount, told]).toEqual([0, []]);
  });

  test("is given back when he does not begin: to nobody, or to those who still play it", async () => {
    await publish(1);
    controller.calls.unclaim({ shard: 2, key });
    controller.calls.unclaim({ shard: 1, key: "live/other" });
    expect(controller.publisherCount).toBe(1);
    controller.calls.unclaim({ shard: 1, key });
    await spoken();
    expect([controller.streamCount, told.length]).toEqual([0, 3]);
    await idle(1);
    await publish(1);
    controller.calls.unclaim({ shard: 1, key });
    expect([await play(), controller.publisherCount]).toEqual([{ owner: 1 }, 0]);
    happened(1, "stream.ended");
    expect(controller.streamCount).toBe(0);
  });

  test("is not taken from him by a late word of one before", async () => {
    await begun(1);
    controller.calls.unclaim({ shard: 1, key });
    expect(controller.publisherCount).toBe(1);
    happened(2, "stream.ended");
    happened(2, "unpublish");
    expect(controller.publisherCount).toBe(1);
  });

  test("may end meanwhile where it waited; then he begins it anew", async () => {
    await idle(1);
    await publish(1);
    happened(1, "stream.ended");
    expect(controller.streamCount).toBe(1);
    happened(1, "publish");
    expect([await play(), controller.publisherCount]).toEqual([{ owner: 1 }, 1]);
    happened(1, "unpublish");
    await publish(1);
    happened(1, "stream.ended");
    controller.calls.unclaim({ shard: 1, key });
    expect(controller.streamCount).toBe(0);
  });
});

describe("a stream whose publisher comes back through another shard", () => {
  test("is let go of there, goes on behind where it was, and everybody is told when it is there", async () => {
    await idle(1);
    expect(await publish(2)).toEqual({ startMs: 5_700 });
    expect(told).toEqual([`1: release ${key}`]);
    happened(1, "stream.ended");
    happened(2, "publish");
    await spoken();
    expect(told.slice(1)).toEqual([1, 2, 3].map((index) => `${index}: ${key} is on 2`));
    expect([await play(), controller.counters.movedStreamCount]).toEqual([{ owner: 2 }, 1]);
    happened(2, "unpublish");
    await begun(2);
    await spoken();
    expect(told).toHaveLength(4);
  });

  test("has ended there meanwhile: then it begins anew", async () => {
    await idle(1);
    release = () => undefined;
    expect(await publish(2)).toEqual({ startMs: undefined });
  });

  test("is waited for by players, until it is there or has gone", async () => {
    await idle(1);
    await publish(2);
    let owner: number | undefined;
    const playing = play().then((found) => {
      owner = found.owner;
      told.push("found");
    });
    const other = await rejectionCode(play("live/other"));
    expect([owner, other]).toEqual([undefined, "ERR_STREAM_NOT_FOUND"]);
    happened(2, "publish");
    await playing;
    expect(owner).toBe(2);
    // Shards learn of the move before any player is sent there.
    expect(told.at(-1)).toBe("found");
    happened(2, "unpublish");
    await publish(3);
    const late = rejectionCode(play());
    controller.calls.unclaim({ shard: 3, key });
    expect(await late).toBe("ERR_STREAM_NOT_FOUND");
    await spoken();
    expect(told.slice(-3)).toEqual([1, 2, 3].map((i) => `${i}: ${key} is gone, its new publisher could not begin`));
  });

  test("stays where it was when its shard is too busy to be asked", async () => {
    await idle(1);
    release = () => {
      throw new CodedError(ERR_SHARD_BUSY, "its queue is full");
    };
    expect(await rejectionCode(publish(2))).toBe(ERR_SHARD_BUSY);
    expect([await play(), controller.publisherCount, controller.streamCount]).toEqual([{ owner: 1 }, 0, 1]);
    expect(controller.counters.movedStreamCount).toBe(0);
    release = () => ({ endMs: 1, idleMs: 1 });
    expect(await publish(2)).toEqual({ startMs: 2 });
  });

  test("is gone when nobody knows what became of it, and its name is free", async () => {
    await idle(1);
    release = () => {
      throw new CodedError(ERR_SHARD_GONE, "the thread has ended");
    };
    expect(await rejectionCode(publish(2))).toBe(ERR_SHARD_GONE);
    await spoken();
    expect(told.at(-1)).toBe(`3: ${key} is gone, its shard could not let go of it`);
    expect(controller.streamCount).toBe(0);
    expect(await publish(3)).toEqual({ startMs: undefined });
  });
});

describe("limits", () => {
  test("are those of all shards together", async () => {
    for (const index of [1, 2, 3]) await begun(index, `live/${index}`);
    expect(await rejectionCode(publish(1, "live/4"))).toBe("ERR_LIMIT_REACHED");
    happened(3, "unpublish", "live/3");
    // Three streams, two publishers; the third comes back, but a fourth stream is too many.
    expect(await rejectionCode(publish(1, "live/4"))).toBe("ERR_LIMIT_REACHED");
    expect(await publish(1, "live/3")).toEqual({ startMs: 5_700 });
    happened(1, "publish", "live/3");
    happened(1, "unpublish", "live/3");
    happened(1, "stream.ended", "live/3");
    await begun(2, "other/1");
    happened(2, "unpublish", "other/1");
    happened(2, "stream.ended", "other/1");
    await begun(2, "third/1");
    happened(2, "unpublish", "third/1");
    happened(2, "stream.ended", "third/1");
    happened(1, "unpublish", "live/1");
    happened(1, "stream.ended", "live/1");
    await begun(2, "other/1");
    expect(await rejectionCode(publish(2, "third/1"))).toBe("ERR_LIMIT_REACHED");
  });
});

describe("the door", () => {
  test("is closed to those that access refuses, and to an authenticator that fails", async () => {
    const records: AuditRecord[] = [];
    open({
      authenticator: {
        authorize: async ({ stream }) => {
          if (stream.key === "live/broken") throw new Error("down");
          return stream.key === key ? { isAllowed: true } : { isAllowed: false, reason: "not this one" };
        },
      },
      auditSink: { record: (record) => records.push(record) },
    });
    expect(await rejectionCode(publish(1, "live/other"))).toBe("ERR_NOT_AUTHORIZED");
    expect(await rejectionCode(play("live/broken"))).toBe("ERR_NOT_AUTHORIZED");
    expect(await rejectionCode(publish(1, "../x"))).toBe("ERR_STREAM_NAME");
    await publish(1);
    expect(controller.counters).toMatchObject({ deniedCount: 2, serviceFailureCount: 1 });
    expect(records.map(({ outcome }) => outcome)).toEqual(["denied", "denied", "allowed"]);
  });

  test("is closed to everybody after the end, also to those who were being decided about", async () => {
    const decision = Promise.withResolvers<void>();
    open({
      authenticator: {
        authorize: async () => {
          await decision.promise;
          return { isAllowed: true };
        },
      },
    });
    const waiting = [rejectionCode(publish(1)), rejectionCode(play())];
    controller.close();
    decision.resolve();
    expect(await Promise.all(waiting)).toEqual(["ERR_ENGINE_CLOSED", "ERR_ENGINE_CLOSED"]);
    expect(await rejectionCode(publish(1))).toBe("ERR_ENGINE_CLOSED");
    expect([controller.isClosed, controller.streamCount]).toEqual([true, 0]);
  });
});

test("everything that happens on any shard is heard, also of streams that nobody knows, whoever throws", async () => {
  await begun(1);
  happened(2, "subscribe");
  happened(3, "stream.ended", "live/unknown");
  expect(events).toEqual(["publish", "subscribe", "stream.ended"]);
  open({
    eventBus: {
      listen: () => () => {},
      emit: () => {
        throw new Error("a listener's mistake");
      },
    },
  });
  await begun(1);
  expect(controller.counters.serviceFailureCount).toBe(1);
  expect(controller.publisherCount).toBe(1);
});

describe("a stream that the server fetches by itself", () => {
  test("is no publisher's, whatever access says", async () => {
    open({
      supply: {
        refusal: ({ protocol }) => (protocol === "pull" ? undefined : "it is fetched"),
        summon: () => undefined,
      },
    });
    await expect(publish(1)).rejects.toMatchObject({ code: "ERR_STREAM_BUSY", message: "it is fetched" });
    expect(controller.counters).toMatchObject({ deniedCount: 0, refusedCount: 1 });
    await controller.calls.publish({ shard: 1, request: { name: key, protocol: "pull" } });
  });

  test("is waited for by those who may play it, until it is there or was waited for in vain", async () => {
    const summoned: string[] = [];
    const waiting = Promise.withResolvers<void>();
    open({
      authenticator: { authorize: ({ query }) => ({ isAllowed: query === "", reason: "not this one" }) },
      supply: {
        refusal: () => undefined,
        summon: (stream, protocol) => {
          summoned.push(`${stream.key} ${protocol}`);
          return waiting.promise;
        },
      },
    });
    const denied = controller.calls.play({ shard: 3, request: { name: key, protocol: "test", query: "x" } });
    expect(await rejectionCode(denied)).toBe("ERR_NOT_AUTHORIZED");
    expect(summoned).toEqual([]);
    const playing = play();
    const inVain = play("live/other");
    inVain.catch(() => {});
    await spoken();
    expect(summoned).toEqual(["live/cam test", "live/other test"]);
    await begun(2);
    waiting.resolve();
    expect(await playing).toEqual({ owner: 2 });
    expect(await rejectionCode(inVain)).toBe("ERR_STREAM_NOT_FOUND");
  });
});

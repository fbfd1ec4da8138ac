import { beforeEach, describe, expect, test } from "vitest";
import { bytesOf, codeOf, rejectionCode, textOf, videoFormat } from "../../test/support/kernel.ts";
import { ERR_SUBSCRIBER_EVICTED } from "./errors.ts";
import type { Track } from "./frame.ts";
import { defaultLimits } from "./limits.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { Stream } from "./stream.ts";
import { parseStreamName } from "./stream-name.ts";
import type { Subscription, SubscriptionItem } from "./subscription.ts";

let stream: Stream;
let video: Track;
let closed: string[];
let skipped: number[];
let evictedCount: number;
let timeMs: number;

beforeEach(() => {
  closed = [];
  skipped = [];
  evictedCount = 0;
  timeMs = 0;
  const owner = {
    subscriptionClosed: (_stream: Stream, reason: string) => closed.push(reason),
    subscriberLagged: (_stream: Stream, count: number) => skipped.push(count),
    subscriberEvicted: () => evictedCount++,
    frame: () => {},
  };
  const limits = { ...defaultLimits, maxWindowFrames: 8 };
  stream = new Stream(parseStreamName("live/cam"), limits, new MemoryBudget(1_000_000), owner, 0);
  stream.setPublishing(true);
  video = stream.setTrack("video", 0, videoFormat);
});

/** Publishes one frame for each letter; `K` is a key frame. */
function publish(letters: string): void {
  for (const letter of letters) {
    stream.append(video, timeMs, timeMs, letter === "K", bytesOf(letter));
    timeMs += 40;
  }
}

/** All there is now; a lag is `(n)`. */
function drain(subscription: Subscription): string {
  let text = "";
  for (let item = subscription.poll(); item !== undefined; item = subscription.poll()) text += textOfItem(item);
  return text;
}

function textOfItem(item: SubscriptionItem): string {
  return item.type === "lag" ? `(${item.skippedFrameCount})` : textOf(item.data);
}

describe("a subscription", () => {
  test("starts at the newest random access point", () => {
    publish("KaKb");
    const subscription = stream.subscribe();
    expect(subscription.lagFrameCount).toBe(2);
    expect(drain(subscription)).toBe("Kb");
    publish("cK");
    expect(drain(subscription)).toBe("cK");
    expect(subscription.lagFrameCount).toBe(0);
  });

  test("may start at the oldest one", () => {
    publish("aKbKc");
    expect(drain(stream.subscribe({ start: "oldest" }))).toBe("KbKc");
  });

  test("may wait for the next one", () => {
    publish("KaK");
    const subscription = stream.subscribe({ start: "next" });
    expect(drain(subscription)).toBe("");
    publish("ab");
    expect(drain(subscription)).toBe("");
    publish("Kc");
    expect(drain(subscription)).toBe("Kc");
  });

  test("waits for the first one when there is none", () => {
    publish("ab");
    const subscription = stream.subscribe();
    publish("c");
    expect(drain(subscription)).toBe("");
    publish("Kd");
    expect(drain(subscription)).toBe("Kd");
  });
});

describe("lag", () => {
  test("is reported, and the subscription goes on at the newest random access point", () => {
    publish("K");
    const subscription = stream.subscribe();
    expect(drain(subscription)).toBe("K");
    publish("abcdeKfghKi"); // the window holds the last eight: eKfghKi and one more
    expect(drain(subscription)).toBe("(9)Ki");
    expect([subscription.skippedFrameCount, skipped]).toEqual([9, [9]]);
  });

  test("may go on at the oldest one that is there", () => {
    publish("K");
    const subscription = stream.subscribe({ resume: "oldest" });
    drain(subscription);
    publish("abcdeKfghKi");
    expect(drain(subscription)).toBe("(5)KfghKi");
  });

  test("without a random access point in the window waits for the next", () => {
    publish("K");
    const subscription = stream.subscribe();
    drain(subscription);
    publish("abcdefghij");
    expect(drain(subscription)).toBe("(10)");
    publish("k");
    expect(drain(subscription)).toBe("");
    publish("Kl");
    expect(drain(subscription)).toBe("Kl");
  });

  test("of more frames than are allowed evicts, once, and the rest is done", async () => {
    publish("K");
    const subscription = stream.subscribe({ maxLag: 10 });
    drain(subscription);
    publish("abcdefgKi");
    expect(drain(subscription)).toBe("(7)Ki");
    publish("abcdefgKi");
    expect(codeOf(() => subscription.poll())).toBe(ERR_SUBSCRIBER_EVICTED);
    expect([closed, evictedCount, stream.subscriberCount]).toEqual([["it lagged too far behind"], 1, 0]);
    expect(subscription.isDone).toBe(true);
    expect(subscription.poll()).toBeUndefined();
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
  });

  test("of one subscriber is nothing to another, nor to the publisher", () => {
    publish("K");
    const slow = stream.subscribe();
    const quick = stream.subscribe();
    let received = "";
    for (let i = 0; i < 100; i++) {
      publish("Kabc");
      received += drain(quick);
    }
    expect(received).toBe(`K${"Kabc".repeat(100)}`);
    expect(drain(slow)).toMatch(/^\(\d+\)Kabc$/);
  });
});

describe("as an async iterator", () => {
  test("it gives what comes, and ends with the stream when everything is read", async () => {
    publish("K");
    const subscription = stream.subscribe();
    const received = (async () => {
      let text = "";
      for await (const item of subscription) text += textOfItem(item);
      return text;
    })();
    await turn();
    publish("ab");
    await turn();
    publish("cKd");
    stream.end("over");
    expect(await received).toBe("KabcKd");
    expect([closed, stream.subscriberCount]).toEqual([["the stream ended"], 0]);
  });

  test("leaving the loop ends the subscription", async () => {
    publish("Kab");
    for await (const item of stream.subscribe()) {
      if (textOfItem(item) === "a") break;
    }
    expect([closed, stream.subscriberCount]).toEqual([["the subscriber left"], 0]);
  });

  test("a throw in the loop ends it as well", async () => {
    publish("K");
    const loop = async (): Promise<void> => {
      for await (const _item of stream.subscribe()) throw new RangeError("mine");
    };
    await expect(loop()).rejects.toThrow(RangeError);
    expect(stream.subscriberCount).toBe(0);
  });

  test("eviction rejects", async () => {
    publish("K");
    const subscription = stream.subscribe({ maxLag: 0 });
    await subscription.next();
    publish("aaaaaaaaaaaK");
    expect(await rejectionCode(subscription.next())).toBe(ERR_SUBSCRIBER_EVICTED);
  });

  test("one that waits is woken when it is closed, though no frame comes", async () => {
    const subscription = stream.subscribe();
    const other = stream.subscribe();
    const next = subscription.next();
    const otherNext = other.next();
    subscription.close("enough");
    expect(await next).toEqual({ done: true, value: undefined });
    publish("K");
    expect((await otherNext).done).toBe(false);
  });

  test.each(["newest", "next"] as const)(
    "one that waits for a random access point is done at the end: %s",
    async (start) => {
      publish("ab");
      const subscription = stream.subscribe({ start });
      const next = subscription.next();
      publish("c");
      stream.end("over");
      expect(subscription.isDone).toBe(true);
      expect(await next).toEqual({ done: true, value: undefined });
    },
  );

  test("a hundred of them get the same frames, in order", async () => {
    publish("K");
    const readers = Array.from({ length: 100 }, async () => {
      let text = "";
      for await (const item of stream.subscribe()) text += textOfItem(item);
      return text;
    });
    for (let i = 0; i < 50; i++) {
      publish("aK");
      await turn();
    }
    stream.end("over");
    expect(new Set(await Promise.all(readers))).toEqual(new Set([`K${"aK".repeat(50)}`]));
  });
});

/** Lets everybody who can run do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Both kinds of link: what is asked is answered once, whatever goes wrong, and what must be known is never lost. */

import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rejectionCode } from "../../../test/support/kernel.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { callTimeoutMs, maxQueuedMessages } from "./limits.ts";
import { type Link, LocalLink, linkQueueBytes, PortLink } from "./link.ts";

type Calls = {
  readonly double: (value: number) => number;
  readonly later: (value: number) => Promise<number>;
  readonly refuse: (why: string) => never;
  readonly break: (nothing: undefined) => never;
  readonly give: (port: MessagePort) => void;
  readonly unclonable: (nothing: undefined) => unknown;
  readonly note: (text: string) => void;
};

let notes: string[];
let failures: unknown[];
let held: PromiseWithResolvers<void>;
const ports: MessagePort[] = [];

const handlers: Calls = {
  double: (value) => value * 2,
  later: async (value) => {
    await held.promise;
    return value;
  },
  refuse: (why) => {
    throw new CodedError("ERR_STREAM_BUSY", why);
  },
  break: () => {
    throw new TypeError("our mistake");
  },
  give: (port) => port.postMessage("given"),
  unclonable: () => () => {},
  note: (text) => {
    notes.push(text);
    if (text === "broken") throw new TypeError("our mistake");
    if (text === "refused") throw new CodedError("ERR_STREAM_BUSY", "nobody waits for it");
  },
};

beforeEach(() => {
  notes = [];
  failures = [];
  held = Promise.withResolvers();
});
afterEach(() => {
  vi.useRealTimers();
  for (const port of ports.splice(0)) port.close();
});

const kinds: readonly [string, () => Link<Calls>][] = [
  ["within a thread", () => new LocalLink(handlers, (error) => failures.push(error))],
  ["between threads", () => pair().near],
];

describe.each(kinds)("a link %s", (_, open) => {
  test("gives each call its own answer, and what the other side throws", async () => {
    const link = open();
    const answers = [link.call("later", 1), link.call("double", 21), link.call("later", 2)];
    const refused = link.call("refuse", "because").catch((error: unknown) => error);
    expect(await answers[1]).toBe(42);
    held.resolve();
    expect(await Promise.all(answers)).toEqual([1, 42, 2]);
    expect(await refused).toMatchObject({ code: "ERR_STREAM_BUSY", message: "because" });
    expect(link.counters).toEqual({ sentCount: 4, fullCount: 0 });
    link.close();
  });

  test("answers after the call, never inside of it, and tells in order", async () => {
    const link = open();
    link.tell("note", "one");
    link.mention("note", "two");
    const answer = link.call("double", 1);
    link.tell("note", "three");
    expect(notes).toEqual([]);
    await answer;
    await waitFor("all of them", () => notes.length === 3);
    expect(notes).toEqual(["one", "two", "three"]);
    link.close();
  });

  test("reports what a handler throws that nobody waits for, and goes on", async () => {
    const link = open();
    link.tell("note", "broken");
    link.tell("note", "refused");
    expect(await link.call("double", 2)).toBe(4);
    expect(failures.map(String)).toEqual(["TypeError: our mistake", "CodedError: nobody waits for it"]);
    link.close();
  });

  test("refuses what nobody answers, also a name that every object has", async () => {
    const link = open() as unknown as Link<{ toString: (nothing: undefined) => string }>;
    await expect(link.call("toString", undefined)).rejects.toThrow();
    link.close();
  });
});

describe("a link between threads", () => {
  test("tells a caller nothing about a mistake of ours but that it is one, and reports it where it was made", async () => {
    const { near, farFailures } = pair();
    await expect(near.call("break", undefined)).rejects.toThrow("an internal error on another thread");
    expect(farFailures.map(String)).toEqual(["TypeError: our mistake"]);
  });

  test("ends a call whose argument or answer can't be sent, and its queue stays right", async () => {
    const { near, farFailures } = pair();
    await expect(near.call("note", (() => {}) as unknown as string)).rejects.toThrow("could not be cloned");
    await expect(near.call("unclonable", undefined)).rejects.toThrow("an internal error on another thread");
    expect(farFailures).toHaveLength(1);
    expect(await near.call("double", 1)).toBe(2);
    expect(near.queuedCount).toBe(0);
  });

  test("hands ports over", async () => {
    const { near } = pair();
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    await near.call("give", port2, { transfer: [port2] });
    expect(await once(port1, "message")).toEqual(["given"]);
  });

  test("that is full refuses calls, drops what may be lost, and loses nothing that must be known", async () => {
    const { near } = pair();
    const expected = [];
    // Nothing is taken while this turn lasts.
    for (let i = 0; i < maxQueuedMessages; i++) {
      near.tell("note", String(i));
      expected.push(String(i));
    }
    expect(near.queuedCount).toBe(maxQueuedMessages);
    expect(await rejectionCode(near.call("double", 1))).toBe("ERR_SHARD_BUSY");
    near.mention("note", "may be lost");
    near.tell("note", "must be known");
    expected.push("must be known");
    expect(near.counters).toEqual({ sentCount: maxQueuedMessages + 1, fullCount: 3 });
    await waitFor("an empty queue", () => near.queuedCount === 0);
    expect(notes).toEqual(expected);
    expect(await near.call("double", 1)).toBe(2);
  });

  test("gives up after a while, and undoes what an answer hands out that comes too late", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    const { near, clock } = pair();
    const undone: number[] = [];
    const undo = (value: number): void => {
      undone.push(value);
    };
    const late = rejectionCode(near.call("later", 7, { undo }));
    const patient = near.call("later", 8, { undo, timeoutMs: Number.POSITIVE_INFINITY });
    clock.nowMs = callTimeoutMs - 1;
    vi.advanceTimersByTime(callTimeoutMs / 4);
    clock.nowMs = callTimeoutMs;
    vi.advanceTimersByTime(callTimeoutMs / 4);
    expect(await late).toBe("ERR_SHARD_BUSY");
    held.resolve();
    expect(await patient).toBe(8);
    expect(undone).toEqual([7]);
  });

  test("fails all that wait when either side closes, at once or later, and takes nothing any more", async () => {
    for (const side of ["near", "far"] as const) {
      const both = pair();
      const waiting = [both.near.call("later", 1), both.near.call("later", 2)].map(rejectionCode);
      both[side].close();
      both[side].close();
      expect(await Promise.all(waiting)).toEqual(["ERR_SHARD_GONE", "ERR_SHARD_GONE"]);
      expect(await rejectionCode(both.near.call("double", 1))).toBe("ERR_SHARD_GONE");
      both.near.tell("note", "nobody hears it");
      both.near.mention("note", "nor that");
    }
    expect(notes).toEqual([]);
  });

  test("answers what needs no waiting before whatever it tells next", async () => {
    const { near, far } = pair({
      double: (value) => {
        queueMicrotask(() => far.tell("note", "behind"));
        return value * 2;
      },
    });
    const answer = near.call("double", 4).then((value) => notes.push(`answer ${value}`));
    await waitFor("both", () => notes.length === 2);
    await answer;
    expect(notes).toEqual(["answer 8", "behind"]);
  });
});

/** Two ends in this thread, whose messages take the way between two. */
function pair(changes: Partial<Calls> = {}): {
  near: PortLink<Calls, Calls>;
  far: PortLink<Calls, Calls>;
  farFailures: unknown[];
  clock: { nowMs: number };
} {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const queue = new SharedArrayBuffer(linkQueueBytes);
  const clock = { nowMs: 0 };
  const now = (): number => clock.nowMs;
  const farFailures: unknown[] = [];
  const onFailure = (error: unknown): void => {
    farFailures.push(error);
    failures.push(error);
  };
  const near = new PortLink<Calls, Calls>({ port: port1, queue, side: 0 }, handlers, now, onFailure);
  const far = new PortLink<Calls, Calls>({ port: port2, queue, side: 1 }, { ...handlers, ...changes }, now, onFailure);
  return { near, far, farFailures, clock };
}

/** The loop over cursors against a socket that does what it is told, so that every order of events can be had. */

import type { Socket } from "node:net";
import { beforeEach, describe, expect, test } from "vitest";
import { append, bytesOf, textOf } from "../../test/support/kernel.ts";
import { CursorTable, defaultLagLimits } from "../kernel/cursor-table.ts";
import { EgressLog } from "../kernel/egress-log.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import { FanOut, type SocketPlay } from "./fan-out.ts";
import type { PlayHandler, PlayOptions } from "./play.ts";

const { key, preamble } = entryFlags;

let log: EgressLog;
let fanOut: FanOut;
let socket: StubSocket;
let events: string[];
let nowMs: number;
/** Doorbells that hang on the log. */
let doorbellCount: number;

beforeEach(() => {
  log = new EgressLog({ initialBytes: 1_024, initialEntries: 64, maxBytes: 1_024 });
  doorbellCount = 0;
  const addDoorbell = log.addDoorbell.bind(log);
  log.addDoorbell = (ring) => {
    doorbellCount++;
    const remove = addDoorbell(ring);
    return () => {
      doorbellCount--;
      remove();
    };
  };
  nowMs = 0;
  fanOut = new FanOut(new CursorTable(8), () => nowMs);
  socket = new StubSocket();
  events = [];
});

describe("a cursor", () => {
  test("sends what is there, then what comes, each entry once", async () => {
    appendGop("1");
    play();
    await flushed();
    expect(socket.sent).toBe("<P>K1");
    append(log, bytesOf("abc"), 0);
    log.ringDoorbells();
    append(log, bytesOf("def"), 0);
    log.ringDoorbells();
    expect(socket.sent).toBe("<P>K1");
    await flushed();
    expect(socket.sent).toBe("<P>K1abcdef");
    expect(socket.writeCount).toBe(2);
    expect(fanOut.counters.sentBytes).toBe(11);
  });

  test("gives a blocked socket one view, and the rest when that has left", async () => {
    appendGop("1");
    socket.isBlocked = true;
    play();
    await flushed();
    for (const word of ["a", "b", "c"]) {
      append(log, bytesOf(word), 0);
      log.ringDoorbells();
      await flushed();
    }
    expect(socket.writeCount).toBe(1);
    socket.unblock();
    await flushed();
    expect(socket.sent).toBe("<P>K1abc");
    expect(socket.writeCount).toBe(2);
  });

  test("goes on when control bytes still wait behind its own", async () => {
    appendGop("1");
    socket.isBlocked = true;
    play();
    await flushed();
    socket.write(bytesOf("<control>"));
    append(log, bytesOf("a"), 0);
    log.ringDoorbells();
    socket.completeFirst();
    await flushed();
    expect(socket.sent + socket.waiting).toBe("<P>K1<control>a");
    socket.unblock();
    await flushed();
    append(log, bytesOf("b"), 0);
    log.ringDoorbells();
    await flushed();
    expect(socket.sent).toBe("<P>K1<control>ab");
  });

  test("is not misled by the callback of a write before the one in flight", async () => {
    appendGop("1");
    play();
    await flushed();
    socket.holdCallbacks = true;
    append(log, bytesOf("a"), 0);
    log.ringDoorbells();
    await flushed(); // taken at once, its callback is late
    socket.isBlocked = true;
    append(log, bytesOf("b"), 0);
    log.ringDoorbells();
    await flushed(); // in flight
    socket.releaseCallbacks();
    append(log, bytesOf("c"), 0);
    log.ringDoorbells();
    await flushed();
    expect(socket.waiting).toBe("b");
    socket.unblock();
    await flushed();
    expect(socket.sent).toBe("<P>K1abc");
  });

  test("that keeps pace is not lapped by a publisher that writes many rings full in one turn", async () => {
    appendGop("1");
    play();
    await flushed();
    const missing = "x".repeat(100).repeat(50);
    for (let i = 0; i < 50; i++) {
      append(log, bytesOf("x".repeat(100)), 0);
      log.ringDoorbells();
    }
    await flushed();
    expect(socket.sent).toBe(`<P>K1${missing}`);
    expect(events).toEqual([]);
    expect(socket.writeCount).toBeLessThan(30);
  });

  test("writes nothing to a peer that has closed its side", async () => {
    appendGop("1");
    play();
    socket.writable = false;
    await flushed();
    expect(socket.writeCount).toBe(0);
  });

  test("takes no entries while paused, and then goes on at the newest random access point", async () => {
    appendGop("1");
    const cursor = play();
    await flushed();
    cursor.pause(true);
    append(log, bytesOf("a"), 0);
    appendGop("2");
    log.ringDoorbells();
    await flushed();
    expect([socket.sent, cursor.isPaused]).toEqual(["<P>K1", true]);
    append(log, bytesOf("b"), 0);
    cursor.pause(false);
    await flushed();
    expect(socket.sent).toBe("<P>K1<P>K2b");
  });
});

describe("bytes in flight", () => {
  beforeEach(async () => {
    for (let i = 0; i < 20; i++) append(log, new Uint8Array(100), 0);
    appendGop("1");
    socket.isBlocked = true;
  });

  test("never change under a socket: it is destroyed in the turn in which the writer comes near", async () => {
    play();
    await flushed();
    for (let i = 0; i < 8; i++) {
      append(log, new Uint8Array(100), 0);
      log.ringDoorbells();
      expect(socket.waiting).toBe("<P>K1");
    }
    expect(socket.destroyed).toBe(false);
    append(log, new Uint8Array(600), 0); // one big frame goes right over them
    log.ringDoorbells();
    expect(socket.destroyed).toBe(true);
    expect([events, fanOut.cursorCount, fanOut.counters.evictedCount]).toEqual([["evicted"], 0, 1]);
  });

  test("are watched after a stop too, until they have left", async () => {
    const cursor = play();
    await flushed();
    cursor.stop();
    expect(fanOut.cursorCount).toBe(0);
    for (let i = 0; i < 10; i++) append(log, new Uint8Array(100), 0);
    log.ringDoorbells();
    expect(socket.destroyed).toBe(true);
    expect([events, doorbellCount]).toEqual([[], 0]);
  });

  test("that have left after a stop let go of the log", async () => {
    const cursor = play();
    await flushed();
    cursor.stop();
    cursor.stop();
    expect(doorbellCount).toBe(1);
    socket.unblock();
    expect(doorbellCount).toBe(0);
    for (let i = 0; i < 10; i++) append(log, new Uint8Array(100), 0);
    log.ringDoorbells();
    await flushed();
    expect([socket.destroyed, socket.sent]).toEqual([false, "<P>K1"]);
  });

  test("of one socket hurt no other", async () => {
    const quick = new StubSocket();
    play();
    fanOut.open(log, quick as unknown as Socket, options, handler);
    await flushed();
    for (let i = 0; i < 30; i++) {
      append(log, bytesOf("x".repeat(100)), 0);
      log.ringDoorbells();
      await flushed();
    }
    expect([socket.destroyed, quick.destroyed]).toEqual([true, false]);
    expect(quick.sent).toBe(`<P>K1${"x".repeat(3_000)}`);
  });

  test("that do not move for the stall time cost the connection, by the sweep", async () => {
    play();
    await flushed();
    nowMs = defaultLagLimits.stallTimeoutMs;
    fanOut.sweep();
    expect(socket.destroyed).toBe(false);
    nowMs += 1;
    fanOut.sweep();
    expect([socket.destroyed, events]).toEqual([true, ["evicted"]]);
  });

  test("are known by their number, so that control bytes can be told from them", async () => {
    const cursor = play();
    expect(cursor.inFlightBytes).toBe(0);
    await flushed();
    expect(cursor.inFlightBytes).toBe(5);
    socket.unblock();
    expect(cursor.inFlightBytes).toBe(0);
  });

  test("cost the connection even when the session throws on hearing it", async () => {
    fanOut.open(log, socket as unknown as Socket, options, {
      ...handler,
      handleEvicted: () => {
        throw new Error("a session's own trouble");
      },
    });
    await flushed();
    for (let i = 0; i < 10; i++) append(log, new Uint8Array(100), 0);
    expect(() => log.ringDoorbells()).toThrow("a session's own trouble");
    expect([socket.destroyed, fanOut.cursorCount]).toEqual([true, 0]);
  });
});

describe("a lapped cursor", () => {
  test("jumps, tells how much it missed, and goes on with the preamble", async () => {
    appendGop("1");
    play();
    await flushed();
    for (let i = 0; i < 20; i++) append(log, new Uint8Array(100), 0);
    appendGop("2");
    log.ringDoorbells();
    await flushed();
    expect(socket.sent).toBe("<P>K1<P>K2");
    expect(events).toEqual(["lag 2000"]);
    expect(fanOut.counters.jumpCount).toBe(1);
  });

  test("is evicted after too many jumps", async () => {
    appendGop("1");
    play();
    for (let jump = 0; jump <= defaultLagLimits.maxJumps; jump++) {
      await flushed();
      for (let i = 0; i < 20; i++) append(log, new Uint8Array(100), 0);
      appendGop("x");
      log.ringDoorbells();
    }
    await flushed();
    expect(events.filter((event) => event.startsWith("lag"))).toHaveLength(defaultLagLimits.maxJumps);
    expect(events.at(-1)).toBe("evicted");
    expect(socket.destroyed).toBe(true);
  });
});

describe("finishing", () => {
  test("sends what is left, through a blocked socket too, and then says so once", async () => {
    appendGop("1");
    socket.isBlocked = true;
    const cursor = play();
    await flushed();
    append(log, bytesOf("a"), 0);
    cursor.finish();
    log.close();
    await flushed();
    expect(events).toEqual([]);
    socket.unblock();
    await flushed();
    expect([socket.sent, events, fanOut.cursorCount]).toEqual(["<P>K1a", ["finished"], 0]);
  });

  test("comes to its end however much there is, while others have their turn", async () => {
    log = new EgressLog({ initialBytes: 2 ** 23, initialEntries: 256, maxBytes: 2 ** 23 });
    append(log, bytesOf("K"), key);
    for (let i = 0; i < 60; i++) append(log, new Uint8Array(100_000), 0);
    const cursor = play();
    cursor.finish();
    expect(events).toEqual([]);
    await flushed();
    await flushed();
    expect(events).toEqual(["finished"]);
    expect(socket.sentBytes).toBe(6_000_001);
  });

  test("of a paused or waiting cursor is at once", () => {
    const waiting = play();
    waiting.finish();
    expect(events).toEqual(["finished"]);
    waiting.finish();
    expect(events).toEqual(["finished"]);
  });
});

test("many cursors at the same entry share one gathering", async () => {
  appendGop("1");
  const sockets = Array.from({ length: 8 }, () => new StubSocket());
  for (const each of sockets) fanOut.open(log, each as unknown as Socket, options, handler);
  await flushed();
  const views = new Set(sockets.map((each) => each.lastView));
  expect(views.size).toBe(1);
  expect(sockets.map(({ sent }) => sent)).toEqual(new Array(8).fill("<P>K1"));
});

test("views of the ring are written, not copies", async () => {
  appendGop("1");
  play();
  await flushed();
  expect(socket.lastView?.buffer).toBe(log.memory.shared);
});

function play(): SocketPlay {
  return fanOut.open(log, socket as unknown as Socket, options, handler);
}

const options: PlayOptions = { isLive: false, lagLimits: { ...defaultLagLimits, forgiveAfterMs: 1e9 } };

const handler: PlayHandler = {
  handlePlayed: () => events.push("finished"),
  handleLag: (bytes) => events.push(`lag ${bytes}`),
  handleEvicted: () => events.push("evicted"),
};

function appendGop(name: string): void {
  append(log, bytesOf("<P>"), preamble);
  append(log, bytesOf(`K${name}`), key);
}

/** Lets the flush run that a doorbell asked for, and the callbacks of its writes. */
function flushed(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** What the fan-out uses of a socket. Blocked, it keeps what it is given, as a socket does whose peer does not read. */
class StubSocket {
  isBlocked = false;
  holdCallbacks = false;
  destroyed = false;
  writable = true;
  sent = "";
  sentBytes = 0;
  writeCount = 0;
  lastView: Uint8Array | undefined;
  readonly #queue: { readonly view: Uint8Array; readonly written: (() => void) | undefined }[] = [];
  readonly #held: (() => void)[] = [];

  get writableLength(): number {
    return this.#queue.reduce((sum, { view }) => sum + view.length, 0);
  }

  /** What the peer would get of the bytes that wait, if they left now. */
  get waiting(): string {
    return this.#queue.map(({ view }) => textOf(view)).join("");
  }

  cork(): void {}
  uncork(): void {}

  write(view: Uint8Array, written?: () => void): void {
    this.writeCount++;
    this.lastView = view;
    this.#queue.push({ view, written });
    if (!this.isBlocked) this.completeFirst();
  }

  completeFirst(): void {
    const first = this.#queue.shift();
    if (first === undefined) return;
    this.sentBytes += first.view.length;
    if (first.view.length < 10_000) this.sent += textOf(first.view);
    if (first.written === undefined) return;
    if (this.holdCallbacks) this.#held.push(first.written);
    else process.nextTick(first.written);
  }

  releaseCallbacks(): void {
    this.holdCallbacks = false;
    for (const written of this.#held.splice(0)) written();
  }

  /** The peer reads again: everything that waits leaves, now. */
  unblock(): void {
    this.isBlocked = false;
    for (;;) {
      const first = this.#queue.shift();
      if (first === undefined) return;
      this.sentBytes += first.view.length;
      this.sent += textOf(first.view);
      first.written?.();
    }
  }

  destroy(): void {
    this.destroyed = true;
    this.#queue.length = 0;
  }
}

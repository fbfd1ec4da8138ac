/** What transports do for a server of several threads: logs of other writers, connections that move, doorbells. */

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ByteClient, connectTo } from "../../test/support/byte-client.ts";
import { append, bytesOf, textOf } from "../../test/support/kernel.ts";
import { waitFor } from "../../test/support/wait.ts";
import { defaultLagLimits } from "../kernel/cursor-table.ts";
import { EgressLog } from "../kernel/egress-log.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import { openLogMemory } from "../kernel/log-memory.ts";
import { everyFrame } from "./flush-pacer.ts";
import { openTransport } from "./open-transport.ts";
import type { Play } from "./play.ts";
import { StreamLog } from "./shards/stream-log.ts";
import type { Connection, ConnectionHandler, Transport } from "./transport.ts";

let failures: unknown[];
let transport: Transport;
let open: AsyncDisposableStack;

describe.each(["portable", "native"] as const)("the %s transport", (choice) => {
  beforeEach(() => {
    failures = [];
    open = new AsyncDisposableStack();
    transport = newTransport();
  });
  afterEach(async () => {
    await open.disposeAsync();
    expect(failures).toEqual([]);
  });

  function newTransport(): Transport {
    const fail = (error: unknown): never => {
      throw error;
    };
    const onFailure = (error: unknown): void => {
      failures.push(error);
    };
    const created = openTransport({ choice, pacing: everyFrame, onFailure, onFallback: fail });
    open.defer(async () => {
      await created.close();
      expect(created.counters).toMatchObject({ openCount: 0, cursorCount: 0 });
    });
    return created;
  }

  async function connect(port: number): Promise<ByteClient> {
    const client = await connectTo(port);
    open.defer(() => {
      client.socket.destroy();
    });
    return client;
  }

  test("plays a log that another thread is writing: whole entries, in order, or the connection ends", async () => {
    const log = new StreamLog();
    let evictedCount = 0;
    let lagCount = 0;
    const handler = { handlePlayed: () => {}, handleLag: () => lagCount++, handleEvicted: () => evictedCount++ };
    const lagLimits = { ...defaultLagLimits, maxJumps: 1_000_000, maxSkippedBytes: 1e12 };
    const plays: Play[] = [];
    const writer = new Worker(writerProgram, { eval: true, execArgv: [] });
    const exited = once(writer, "exit");
    const started = Promise.withResolvers<void>();
    writer.on("message", ({ type, memory }: WriterMessage) => {
      if (memory !== undefined) {
        const opened = openLogMemory(memory.shared, memory.capacity, memory.entryCapacity);
        if (type === "log") log.attachForeign(opened);
        else log.grow(opened);
      }
      if (type === "log") started.resolve();
      if (type === "ring") log.ring();
    });
    await started.promise;
    const { port } = await transport.listen(anywhere, (connection) => {
      plays.push(connection.play(log, { isLive: false, lagLimits }, handler));
      return ignoring;
    });
    const quick = await Promise.all([connect(port), connect(port), connect(port)]);
    const slow = await Promise.all([connect(port), connect(port), connect(port)]);
    await waitFor("all of them", () => plays.length === 6);
    writer.postMessage("go");
    // Now and then they take nothing for a while: long enough to be lapped.
    for (let turns = 0; writer.threadId > 0; turns++) {
      for (const [i, { socket }] of slow.entries()) {
        if (turns % (7 + i) === 0) socket.pause();
        if (turns % (7 + i) === 5) socket.resume();
      }
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
    for (const { socket } of slow) socket.resume();
    for (const play of plays) play.finish();
    log.close();
    await waitFor("the last entry, or the end", () =>
      [...quick, ...slow].every(({ text, socket }) => socket.closed || text.endsWith(lastEntry)),
    );
    let gapCount = 0;
    for (const { text, socket } of [...quick, ...slow]) {
      const verdict = takeApart(text);
      expect(verdict.entryCount).toBeGreaterThan(100);
      gapCount += verdict.gapCount;
      if (!verdict.isWhole) expect(socket.closed, "a torn entry is the last that its player gets").toBe(true);
    }
    const closedCount = [...quick, ...slow].filter(({ socket }) => socket.closed).length;
    expect(closedCount).toBe(evictedCount);
    expect(gapCount).toBeLessThanOrEqual(lagCount);
  });

  test.each(["own", "foreign"])("goes over to an %s log that takes its place, and cuts nothing off", async (kind) => {
    const log = new StreamLog();
    const [first, second] = [newLog(), newLog()];
    log.attachOwn(first);
    const plays: Play[] = [];
    const skipped: number[] = [];
    const handler = {
      handlePlayed: () => {},
      handleLag: (bytes: number) => skipped.push(bytes),
      handleEvicted: () => {},
    };
    const { port } = await transport.listen(anywhere, (connection) => {
      plays.push(connection.play(log, { isLive: false, lagLimits: defaultLagLimits }, handler));
      return ignoring;
    });
    const [quick, slow, paused] = await Promise.all([connect(port), connect(port), connect(port)]);
    await waitFor("all of them", () => plays.length === 3);
    let expected = publish(first, "K", 10);
    await waitFor("the first", () => [quick, slow, paused].every(({ text }) => text === expected));
    slow.socket.pause();
    // Far more than what a socket takes at once: the slow one is in the middle of it.
    expected += publish(first, "-", 12_000_000);
    await waitFor("the big one", () => quick.length === expected.length);
    log.detach();
    first.close();
    publish(second, "K", 20);
    const key = publish(second, "K", 30);
    if (kind === "own") log.attachOwn(second);
    else log.attachForeign(second.memory);
    const next = publish(second, "-", 40);
    log.ring();
    await waitFor("the other log", () => quick.length === (expected + key + next).length);
    slow.socket.resume();
    await waitFor("the rest", () => slow.length === quick.length);
    for (const { text } of [quick, slow, paused]) expect(text === expected + key + next).toBe(true);
    const last = publish(second, "-", 5);
    log.ring();
    await waitFor("what follows", () => [quick, slow].every(({ text }) => text.endsWith(last)));
    expect(skipped).toEqual([]);
    expect(transport.counters).toMatchObject({ evictedCount: 0, cursorCount: 3 });
  });

  test("closes a connection whose handler can't be made, and goes on", async () => {
    const planned = new Error("planned");
    const { port } = await transport.listen(anywhere, (connection) => {
      connection.play(newLog(), { isLive: false, lagLimits: defaultLagLimits }, ignoringPlay);
      throw planned;
    });
    const client = await connect(port);
    await client.ended;
    await waitFor("nothing left", () => transport.counters.openCount === 0);
    expect(failures.splice(0)).toEqual([planned]);
    const [socket] = await socketPair();
    expect(() =>
      transport.adopt(socket, () => {
        throw planned;
      }),
    ).toThrow(planned);
    await waitFor("nothing left", () => transport.counters.openCount + transport.counters.cursorCount === 0);
  });

  test("gives a connection to another thread's transport, or keeps it as it is", async () => {
    const [socket, client] = await socketPair();
    const other = newTransport();
    const fd = transport.giveAway(socket);
    if (choice === "portable") {
      expect([fd, socket.destroyed, other.take(1, () => ignoring)]).toEqual([undefined, false, undefined]);
      return;
    }
    expect(socket.destroyed).toBe(true);
    const came: string[] = [];
    let taken: Connection | undefined;
    other.take(fd!, (connection): ConnectionHandler => {
      taken = connection;
      connection.send(bytesOf("head;"));
      return { handleBytes: (bytes) => came.push(textOf(bytes)), handleClose: () => came.push("closed") };
    });
    client.socket.write("hello");
    await waitFor("both ways", () => client.text === "head;" && came[0] === "hello");
    expect(taken?.remoteAddress).toBe("127.0.0.1");
    expect([transport.counters.openCount, other.counters.openCount]).toEqual([0, 1]);
    taken?.end();
    await client.ended;
    await waitFor("the end", () => came.at(-1) === "closed");
    // One that has been destroyed, or that has said something out of turn, does not go.
    expect(transport.giveAway(socket)).toBeUndefined();
    // What comes when the other one is closed already is not left open.
    const [late, lateClient] = await socketPair();
    const lateFd = transport.giveAway(late)!;
    await other.close();
    expect(other.take(lateFd, () => ignoring)).toBeUndefined();
    await lateClient.ended;
  });

  test("is woken by a doorbell that others hold, as long as it is there", async () => {
    const { doorbellFd } = transport;
    const other = newTransport();
    if (choice === "portable") {
      expect([doorbellFd, other.holdDoorbell(1)]).toEqual([undefined, undefined]);
      other.ringDoorbell(1);
      other.dropDoorbell(1);
      return;
    }
    let ringCount = 0;
    transport.onDoorbell = () => ringCount++;
    const held = other.holdDoorbell(doorbellFd!)!;
    expect(held).not.toBe(doorbellFd);
    for (let i = 1; i <= 100; i++) {
      other.ringDoorbell(held);
      if (i % 3 === 0) other.ringDoorbell(held);
      await waitFor("the ring", () => ringCount >= i);
    }
    transport.onDoorbell = () => {
      throw new Error("planned");
    };
    other.ringDoorbell(held);
    await waitFor("the failure", () => failures.length === 1);
    failures.length = 0;
    await transport.close();
    expect(transport.doorbellFd).toBeUndefined();
    other.ringDoorbell(held); // wakes nobody, and hurts nobody
    other.dropDoorbell(held);
  });

  /** Both ends of a connection: a socket of `node:net`, and its peer. */
  async function socketPair(): Promise<[Socket, ByteClient]> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection");
    const client = await connect((server.address() as { port: number }).port);
    const [socket] = (await accepted) as [Socket];
    server.close();
    socket.on("error", () => {});
    open.defer(() => {
      socket.destroy();
    });
    return [socket, client];
  }
});

const anywhere = { host: "127.0.0.1", port: 0, maxConnections: 100 };
const ignoring: ConnectionHandler = { handleBytes: () => {}, handleClose: () => {} };
const ignoringPlay = { handlePlayed: () => {}, handleLag: () => {}, handleEvicted: () => {} };

interface WriterMessage {
  readonly type: "log" | "growth" | "ring";
  readonly memory?: { readonly shared: SharedArrayBuffer; readonly capacity: number; readonly entryCapacity: number };
}

const entryCount = 4_000;
const lastEntry = `[-${entryCount}:z]`;

/** Entries whose every byte says which one it belongs to, in bursts that lap whoever is slow; the ring grows on the way. */
const writerProgram = `
  const { parentPort } = require("node:worker_threads");
  (async () => {
    const { EgressLog } = await import(${JSON.stringify(new URL("../kernel/egress-log.ts", import.meta.url).href)});
    const log = new EgressLog({ initialBytes: 65_536, maxBytes: 2 ** 18 });
    let sent;
    const tell = (type) => {
      const { shared, capacity, entryCapacity } = log.memory;
      if (sent === shared) return;
      sent = shared;
      parentPort.postMessage({ type, memory: { shared, capacity, entryCapacity } });
    };
    const write = (letter, number, fill, length) => {
      const bytes = Buffer.from("[" + letter + number + ":" + fill.repeat(length) + "]");
      log.claim(bytes.length, letter === "K" ? 1 : 0, 0);
      log.write(bytes);
      log.commit();
    };
    const pause = new Int32Array(new SharedArrayBuffer(4));
    tell("log");
    parentPort.once("message", () => {
      for (let i = 0; i < ${entryCount}; i++) {
        write(i % 20 === 0 ? "K" : "-", i, String.fromCharCode(97 + (i % 26)), 500 + ((i * 37) % 9_000));
        tell("growth");
        if (i % 8 !== 7) continue;
        parentPort.postMessage({ type: "ring" });
        Atomics.wait(pause, 0, 0, 1);
      }
      write("K", ${entryCount - 1} + 0.5, "y", 1);
      write("-", ${entryCount}, "z", 1);
      parentPort.postMessage({ type: "ring" });
      parentPort.close();
    });
  })();
`;

/** Entries in order; after a gap, from a key entry on. */
function takeApart(text: string): { entryCount: number; gapCount: number; isWhole: boolean } {
  let count = 0;
  let gapCount = 0;
  let expected = -1;
  let end = 0;
  for (const match of text.matchAll(/\[([K-])([\d.]+):([a-z]*)\]/g)) {
    const [whole, letter, digits, filling] = match as unknown as [string, string, string, string];
    const number = Math.ceil(Number(digits));
    const isOne = new Set(filling).size === 1;
    if (match.index !== end || !isOne) return { entryCount: count, gapCount, isWhole: false };
    if (expected >= 0 && number !== expected && !digits.includes(".") && number !== entryCount) {
      if (letter !== "K") return { entryCount: count, gapCount, isWhole: false };
      gapCount++;
    }
    expected = number + 1;
    end = match.index + whole.length;
    count++;
  }
  return { entryCount: count, gapCount, isWhole: end === text.length };
}

function newLog(): EgressLog {
  return new EgressLog({ initialBytes: 65_536, maxBytes: 2 ** 25 });
}

function publish(log: EgressLog, letter: "K" | "-", length: number): string {
  const text = `[${letter}${log.entryTail}:${"x".repeat(length)}]`;
  append(log, bytesOf(text), letter === "K" ? entryFlags.key : 0);
  log.ringDoorbells();
  return text;
}

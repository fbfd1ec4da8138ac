/** Fan-out over real sockets on loopback. Nothing here waits for a time to pass: every step waits for what it needs. */

import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ByteClient, connectTo } from "../../test/support/byte-client.ts";
import { append, bytesOf, textOf } from "../../test/support/kernel.ts";
import { defaultLagLimits } from "../kernel/cursor-table.ts";
import { EgressLog } from "../kernel/egress-log.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";
import { everyFrame } from "./flush-pacer.ts";
import { maxQueuedBytes } from "./limits.ts";
import { openTransport } from "./open-transport.ts";
import type { Play, PlayOptions } from "./play.ts";
import type { Connection, Listener, ListenOptions, Transport } from "./transport.ts";

let transport: Transport;
let clients: ByteClient[];

/** The same behaviour of both: the native one is held to what the portable one does. */
describe.each(["portable", "native"] as const)("the %s transport", (choice) => {
  beforeEach(() => {
    const fail = (error: unknown): never => {
      throw error;
    };
    transport = openTransport({ choice, pacing: everyFrame, onFailure: fail, onFallback: fail });
    clients = [];
  });

  afterEach(async () => {
    vi.useRealTimers();
    for (const { socket } of clients) socket.destroy();
    await transport.close();
    expect(transport.counters).toMatchObject({ openCount: 0, cursorCount: 0, queuedBytes: 0 });
  });

  describe("players", () => {
    test("get identical bytes, from the newest random access point on", async () => {
      const log = newLog();
      const { port } = await listen((connection) => playOn(connection, log));
      publish(log, "K", 100);
      const early = await Promise.all(Array.from({ length: 10 }, () => connect(port)));
      await reached(() => transport.counters.cursorCount === 10);
      let expected = publish(log, "K", 10);
      for (let i = 0; i < 200; i++) {
        expected += publish(log, i % 25 === 0 ? "K" : "-", 1_000);
        await turn();
      }
      const late = await connect(port);
      await reached(() => transport.counters.cursorCount === 11);
      const tail = publish(log, "-", 100);
      expected += tail;
      await reached(() => early.every((client) => client.length >= expected.length) && late.text.endsWith(tail));
      for (const client of early) expect(client.text.slice(-expected.length)).toBe(expected);
      expect(expected.endsWith(late.text)).toBe(true);
      expect(late.text.startsWith("[K")).toBe(true);
      expect(transport.counters).toMatchObject({ jumpCount: 0, evictedCount: 0 });
    });

    test("that do not read are disconnected in time, never get a changed byte, and the others notice nothing", async () => {
      const log = newLog(65_536);
      const events: string[] = [];
      const plays: Connection[] = [];
      const { port } = await listen((connection) => {
        const name = plays.push(connection) === 1 ? "slow" : "quick";
        return playOn(connection, log, {
          // The portable one disconnects before the bytes in flight change. The native one has none in flight: it waits.
          lagLimits: { ...defaultLagLimits, stallTimeoutMs: 100 },
          onEvicted: () => events.push(`${name} evicted`),
          onLag: () => events.push(`${name} lagged`),
        });
      });
      const slow = await connect(port);
      slow.socket.pause();
      await reached(() => plays.length === 1);
      const quick = [await connect(port), await connect(port)];
      await reached(() => plays.length === 3);
      let expected = publish(log, "K", 10);
      await reached(() => quick.every((client) => client.length === expected.length));
      // As bursts of a publisher's read come: more than the guard distance in one turn.
      for (let i = 0; !events.includes("slow evicted"); i++) {
        expect(i).toBeLessThan(50_000);
        for (let frame = 0; frame < 4; frame++) expected += publish(log, frame === 0 ? "K" : "-", 5_000);
        await reached(() => quick.every((client) => client.length === expected.length));
      }
      slow.socket.resume();
      await slow.ended;
      expect(expected.startsWith(slow.text)).toBe(true);
      for (const client of quick) expect(client.text).toBe(expected);
      expect(events).toEqual(["slow evicted"]);
      expect(transport.counters).toMatchObject({ evictedCount: 1, cursorCount: 2, openCount: 2 });
    });

    test("that are overtaken by one frame of many entries jump together, and are told how much they missed", async () => {
      const log = newLog(65_536);
      const skipped: number[] = [];
      const { port } = await listen((connection) => playOn(connection, log, { onLag: (bytes) => skipped.push(bytes) }));
      const both = [await connect(port), await connect(port)];
      await reached(() => transport.counters.cursorCount === 2);
      const first = publish(log, "K", 10);
      await reached(() => both.every((client) => client.text === first));
      let missed = 0;
      for (let i = 0; i < 20; i++, missed += 5_000) append(log, new Uint8Array(5_000), 0);
      const last = publish(log, "K", 100);
      await reached(() => both.every((client) => client.text === first + last));
      expect(skipped).toEqual([missed, missed]);
    });

    test("of a finished play get all that is left, and then the end", async () => {
      const log = newLog(2 ** 24);
      const finished: string[] = [];
      let play: Play | undefined;
      const { port } = await listen((connection) => {
        play = playOn(connection, log, {
          onFinished: () => {
            finished.push("finished");
            connection.end();
          },
        });
      });
      const expected = publish(log, "K", 1_000) + publish(log, "-", 3_000_000) + publish(log, "-", 10_000_000);
      const client = await connect(port);
      client.socket.pause();
      await reached(() => play !== undefined);
      play?.finish();
      log.close();
      client.socket.resume();
      await client.ended;
      expect(client.length).toBe(expected.length);
      expect(client.text === expected).toBe(true);
      expect(finished).toEqual(["finished"]);
    });

    test("that go over to another log in the same turn in which the first one ends stay with the other", async () => {
      const [first, second] = [newLog(), newLog()];
      const events: string[] = [];
      const named = (name: string): PlayWishes => ({
        onFinished: () => events.push(`${name} finished`),
      });
      let connection: Connection | undefined;
      const { port } = await listen((accepted) => {
        connection = accepted;
      });
      const client = await connect(port);
      await reached(() => connection !== undefined);
      let expected = publish(second, "K", 10);
      playOn(connection, first, named("first")).finish();
      const play = playOn(connection, second, named("second"));
      await reached(() => client.text === expected);
      expected += publish(second, "-", 10);
      await reached(() => client.text === expected);
      expect(transport.counters.cursorCount).toBe(1);
      play.finish();
      await reached(() => events.includes("second finished"));
      expect(transport.counters.cursorCount).toBe(0);
    });

    test("get control bytes between entries, never inside one, however slowly they read", async () => {
      const log = newLog(2 ** 22);
      let connection: Connection | undefined;
      const { port } = await listen((accepted) => {
        connection = accepted;
        playOn(accepted, log);
      });
      const client = await connect(port);
      await reached(() => connection !== undefined);
      let control = 0;
      let sentLength = 0;
      for (let i = 0; i < 400; i++) {
        if (i % 3 === 0) client.socket.pause();
        if (i % 3 === 2) client.socket.resume();
        sentLength += publish(log, i % 50 === 0 ? "K" : "-", 1 + (i % 7) * 9_000).length;
        if (i % 2 === 0) {
          sentLength += 3;
          control++;
          connection?.send(bytesOf("<C>"));
        }
        await turn();
      }
      client.socket.resume();
      await reached(() => client.length === sentLength);
      expect(client.text.match(/<C>/g)).toHaveLength(control);
      // An entry is [ letter length : filling ]; what is left when all of them are taken out is control bytes alone.
      expect(client.text.replaceAll(/\[[K-]\d+:x*\]/g, "").replaceAll("<C>", "")).toBe("");
    });

    test("a thousand that come and go leave no cursor, no doorbell and no connection behind", async () => {
      const log = newLog(65_536);
      let doorbellCount = 0;
      const addDoorbell = log.addDoorbell.bind(log);
      log.addDoorbell = (ring) => {
        doorbellCount++;
        const remove = addDoorbell(ring);
        return () => {
          doorbellCount--;
          remove();
        };
      };
      let closedCount = 0;
      const { port } = await listen(
        (connection) => playOn(connection, log),
        () => closedCount++,
      );
      publish(log, "K", 20_000);
      for (let batch = 0; batch < 20; batch++) {
        const players = await Promise.all(Array.from({ length: 50 }, () => connect(port)));
        for (const [i, { socket }] of players.entries()) {
          if (i % 3 === 0) socket.pause();
          if (i % 3 === 1) socket.end();
        }
        publish(log, "K", 20_000);
        await turn();
        for (const { socket } of players) socket.destroy();
        publish(log, "-", 20_000);
      }
      await reached(() => closedCount === 1_000);
      expect(transport.counters).toMatchObject({ acceptedCount: 1_000, openCount: 0, cursorCount: 0 });
      expect(doorbellCount).toBe(0);
    });
  });

  describe("a connection", () => {
    test("tells its handler what came, and once that it is over", async () => {
      const events: string[] = [];
      const listener = await transport.listen(anywhere, () => ({
        handleBytes: (bytes) => events.push(textOf(bytes)),
        handleClose: () => events.push("closed"),
      }));
      const client = await connect(listener.port);
      client.socket.end("hello");
      await reached(() => events.length === 2);
      await turn();
      expect(events).toEqual(["hello", "closed"]);
      expect(transport.counters.receivedBytes).toBe(5);
    });

    test("that its handler destroys at once is over once", async () => {
      let closedCount = 0;
      const listener = await transport.listen(anywhere, (connection) => {
        connection.destroy();
        return { handleBytes: () => {}, handleClose: () => closedCount++ };
      });
      const client = await connect(listener.port);
      await client.ended;
      await turn();
      expect(closedCount).toBe(1);
    });

    test("whose socket was closed before it was adopted is over too", async () => {
      const { port } = await listen(() => {});
      const client = await connect(port);
      const closed = once(client.socket, "close");
      client.socket.destroy();
      await closed;
      let closedCount = 0;
      transport.adopt(client.socket, () => ({ handleBytes: () => {}, handleClose: () => closedCount++ }));
      await turn();
      expect(closedCount).toBe(1);
    });

    test("of a peer that asks and never reads is closed", async () => {
      let connection: Connection | undefined;
      let isClosed = false;
      const { port } = await listen(
        (accepted) => {
          connection = accepted;
        },
        () => {
          isClosed = true;
        },
      );
      const client = await connect(port);
      client.socket.pause();
      await reached(() => connection !== undefined);
      const answer = new Uint8Array(65_536);
      let mostQueuedBytes = 0;
      for (let i = 0; !isClosed; i++) {
        expect(i).toBeLessThan(1_000);
        connection?.send(answer);
        mostQueuedBytes = Math.max(mostQueuedBytes, transport.counters.queuedBytes);
        if (i % 16 === 0) await turn();
      }
      expect(mostQueuedBytes).toBeGreaterThan(maxQueuedBytes - answer.length);
      expect(mostQueuedBytes).toBeLessThanOrEqual(maxQueuedBytes + answer.length);
    });

    test("with a large entry in flight is not taken for one of those", async () => {
      const log = newLog(2 ** 24);
      let connection: Connection | undefined;
      const { port } = await listen((accepted) => {
        connection = accepted;
        playOn(accepted, log);
      });
      const client = await connect(port);
      client.socket.pause();
      await reached(() => connection !== undefined);
      const expected = publish(log, "K", 12_000_000);
      await turn();
      connection?.send(bytesOf("<C>"));
      client.socket.resume();
      await reached(() => client.length === expected.length + 3);
      expect(client.text.endsWith("]<C>")).toBe(true);
    });

    test("whose peer closed its side after asking still gives the answer, and then ends", async () => {
      const events: string[] = [];
      const listener = await transport.listen(anywhere, (connection) => ({
        handleBytes: (bytes) => {
          connection.send(bytesOf(`answer to ${textOf(bytes)}`));
          connection.send(new Uint8Array(1_000_000).fill(0x2e));
        },
        handleClose: () => events.push(`closed after ${connection.receivedBytes} and ${connection.sentBytes}`),
      }));
      const socket = createConnection({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
      let text = "";
      socket.on("data", (bytes: Buffer) => {
        text += bytes.toString("latin1");
      });
      socket.end("question");
      await once(socket, "end");
      expect(text).toBe(`answer to question${".".repeat(1_000_000)}`);
      await reached(() => events.length > 0);
      expect(events).toEqual(["closed after 8 and 1000018"]);
    });

    test("that has ended does not wait for a peer that keeps its side open", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout"] });
      let connection: Connection | undefined;
      const { port } = await listen((accepted) => {
        connection = accepted;
      });
      const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
      await reached(() => connection !== undefined);
      connection?.send(bytesOf("bye"));
      connection?.end();
      let text = "";
      socket.on("data", (bytes: Uint8Array) => {
        text += textOf(bytes);
      });
      await once(socket, "end");
      expect([text, transport.counters.openCount]).toEqual(["bye", 1]);
      vi.advanceTimersByTime(10_000);
      await reached(() => transport.counters.openCount === 0);
      socket.destroy();
    });
  });

  describe("a listener", () => {
    test("closes at once what is more than it may have, and counts it", async () => {
      const listener = await listen(() => {}, undefined, { maxConnections: 2 });
      await connect(listener.port);
      await connect(listener.port);
      await reached(() => listener.connectionCount === 2);
      const third = await connect(listener.port);
      await third.ended;
      expect([listener.connectionCount, listener.droppedCount, transport.counters.openCount]).toEqual([2, 1, 2]);
    });

    test("that is closed takes nobody in, and leaves open connections alone", async () => {
      let connection: Connection | undefined;
      const listener = await listen((accepted) => {
        connection = accepted;
      });
      const client = await connect(listener.port);
      await reached(() => connection !== undefined);
      await listener.close();
      await expect(connect(listener.port)).rejects.toThrow("ECONNREFUSED");
      connection?.send(bytesOf("still here"));
      await reached(() => client.text === "still here");
    });

    test("on a port that is taken says so", async () => {
      const { port } = await listen(() => {});
      await expect(transport.listen({ ...anywhere, port }, () => ignoringHandler)).rejects.toThrow("EADDRINUSE");
    });

    test("may go with its transport while a handler has its turn", async () => {
      let closedCount = 0;
      let closing: Promise<void> | undefined;
      const listener = await transport.listen(anywhere, () => ({
        handleBytes: () => {
          closing ??= transport.close();
        },
        handleClose: () => closedCount++,
      }));
      const all = await Promise.all(Array.from({ length: 5 }, () => connect(listener.port)));
      await reached(() => transport.counters.openCount === 5);
      for (const { socket } of all) socket.write("x");
      await Promise.all(all.map(({ ended }) => ended));
      await closing;
      expect([closedCount, transport.counters.openCount]).toEqual([5, 0]);
    });

    test("goes with its transport, and so do the connections", async () => {
      const listener = await listen(() => {});
      const client = await connect(listener.port);
      await reached(() => transport.counters.openCount === 1);
      await transport.close();
      expect(transport.counters.openCount).toBe(0);
      await client.ended;
      await expect(connect(listener.port)).rejects.toThrow("ECONNREFUSED");
    });
  });
});

const anywhere: ListenOptions = { host: "127.0.0.1", port: 0, maxConnections: 2_000 };

const ignoringHandler = { handleBytes: () => {}, handleClose: () => {} };

function listen(
  accept: (connection: Connection) => unknown,
  handleClose: () => void = () => {},
  options: Partial<ListenOptions> = {},
): Promise<Listener> {
  return transport.listen({ ...anywhere, ...options }, (connection) => {
    accept(connection);
    return { handleBytes: () => {}, handleClose };
  });
}

async function connect(port: number): Promise<ByteClient> {
  const client = await connectTo(port);
  clients.push(client);
  return client;
}

function newLog(maxBytes = 2 ** 20): EgressLog {
  return new EgressLog({ initialBytes: 65_536, maxBytes });
}

/** One entry, with a letter that says what it is, its number and so many bytes of filling. */
function publish(log: EgressLog, letter: "K" | "-", length: number): string {
  const text = `[${letter}${log.entryTail}:${"x".repeat(length)}]`;
  append(log, bytesOf(text), letter === "K" ? entryFlags.key : 0);
  log.ringDoorbells();
  return text;
}

interface PlayWishes extends Partial<PlayOptions> {
  readonly onFinished?: () => void;
  readonly onLag?: (skippedBytes: number) => void;
  readonly onEvicted?: () => void;
}

function playOn(connection: Connection | undefined, log: ReadableLog, wishes: PlayWishes = {}): Play {
  const { onFinished = () => {}, onLag = () => {}, onEvicted = () => {}, ...options } = wishes;
  const handler = { handlePlayed: onFinished, handleLag: onLag, handleEvicted: onEvicted };
  return connection!.play(log, { isLive: false, lagLimits: defaultLagLimits, ...options }, handler);
}

/** Lets the event loop go round once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Connections of our own over real sockets on loopback. Nothing here waits for a time to pass. */

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bytesOf, textOf } from "../../test/support/kernel.ts";
import { everyFrame } from "./flush-pacer.ts";
import { openTransport } from "./open-transport.ts";
import type { Connection, Listener, Transport } from "./transport.ts";

let transport: Transport;

describe.each(["portable", "native"] as const)("a connection that the %s transport begins", (choice) => {
  beforeEach(() => {
    const fail = (error: unknown): never => {
      throw error;
    };
    transport = openTransport({ choice, pacing: everyFrame, onFailure: fail, onFallback: fail });
  });

  afterEach(async () => {
    await transport.close();
    expect(transport.counters).toMatchObject({ openCount: 0, cursorCount: 0 });
  });

  test("sends what it was given before it stood, and what comes back is handled after it is told to stand", async () => {
    const accepted: string[] = [];
    const { port } = await listen((connection) => {
      accepted.push(connection.remoteAddress);
      connection.send(bytesOf("welcome"));
      return connection;
    });
    const events: string[] = [];
    const connection = connectOut(port, events);
    connection.send(bytesOf("hello, "));
    connection.send(bytesOf("server"));
    expect([connection.remoteAddress, connection.remotePort]).toEqual(["127.0.0.1", port]);
    await reached(() => events.length === 2);
    expect(events).toEqual(["connected", "welcome"]);
    expect(accepted).toEqual(["127.0.0.1"]);
    await reached(() => transport.counters.receivedBytes === 13 + 7);
    expect(transport.counters).toMatchObject({ acceptedCount: 1, openCount: 2 });
    connection.end();
    await reached(() => events.length === 3);
    expect(events[2]).toBe("closed");
  });

  test("comes from the address that was asked for", async () => {
    const accepted: string[] = [];
    const { port } = await listen((connection) => accepted.push(connection.remoteAddress));
    for (const localAddress of ["127.0.0.2", "127.0.0.3"]) connectOut(port, [], localAddress);
    await reached(() => accepted.length === 2);
    expect(accepted.sort()).toEqual(["127.0.0.2", "127.0.0.3"]);
  });

  test("that is refused, or can't be begun, is over once, with the reason, and never stood", async () => {
    const listener = await listen(() => {});
    await listener.close();
    const events: string[] = [];
    const refused = connectOut(listener.port, events);
    refused.send(bytesOf("never sent"));
    expect(events).toEqual([]); // whoever connects has the connection before it hears of it
    await reached(() => events.length === 1);
    expect(events).toEqual(["closed: ECONNREFUSED"]);
    connectOut(listener.port, events, "192.0.2.1");
    await reached(() => events.length === 2);
    expect(events[1]).toBe("closed: EADDRNOTAVAIL");
    refused.send(bytesOf("too late"));
    refused.destroy();
    await turn();
    expect(events).toHaveLength(2);
    expect(transport.counters).toMatchObject({ openCount: 0, socketErrorCount: 2 });
  });

  test("that is given up before it stands is over once", async () => {
    const { port } = await listen(() => {});
    const events: string[] = [];
    const connection = connectOut(port, events);
    connection.destroy();
    connection.destroy();
    await reached(() => events.length === 1);
    await turn();
    expect(events).toEqual(["closed"]);
  });

  test("that is ended before it stands says first what it has to say", async () => {
    const received: string[] = [];
    const listener = await transport.listen(anywhere, () => ({
      handleBytes: (bytes) => received.push(textOf(bytes)),
      handleClose: () => received.push("end"),
    }));
    const events: string[] = [];
    const connection = connectOut(listener.port, events);
    connection.send(bytesOf("all of it"));
    connection.end();
    await reached(() => received.length === 2 && events.length === 2);
    expect([received, events]).toEqual([
      ["all of it", "end"],
      ["connected", "closed"],
    ]);
  });

  test("that was broken off by its peer is over with the reason", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const events: string[] = [];
    const connection = connectOut((server.address() as AddressInfo).port, events);
    connection.send(bytesOf("break it off"));
    await reached(() => events.length === 2);
    expect(events).toEqual(["connected", "closed: ECONNRESET"]);
    server.close();
  });

  test("a hundred of them, half given up at once, leave nothing behind", async () => {
    let closedCount = 0;
    const { port } = await listen(
      () => {},
      () => closedCount++,
    );
    const all = Array.from({ length: 100 }, (_, i) => {
      const events: string[] = [];
      const connection = connectOut(port, events);
      if (i % 2 === 0) connection.destroy();
      return { events, connection };
    });
    await reached(() => all.every(({ events }) => events.length === 1));
    expect(all.filter(({ events }) => events[0] === "connected")).toHaveLength(50);
    for (const { connection } of all) connection.destroy();
    await reached(() => transport.counters.openCount === 0);
    expect(closedCount).toBe(transport.counters.acceptedCount);
  });
});

/** Through the transport; what its handler is told is appended to `events`. */
function connectOut(port: number, events: string[], localAddress?: string): Connection {
  const from = localAddress === undefined ? {} : { localAddress };
  return transport.connect({ host: "127.0.0.1", port, ...from }, () => ({
    handleConnect: () => events.push("connected"),
    handleBytes: (bytes) => events.push(textOf(bytes)),
    handleClose: (errorName) => events.push(errorName === undefined ? "closed" : `closed: ${errorName}`),
  }));
}

const anywhere = { host: "127.0.0.1", port: 0, maxConnections: 2_000 } as const;

function listen(accept: (connection: Connection) => unknown, handleClose: () => void = () => {}): Promise<Listener> {
  return transport.listen(anywhere, (connection) => {
    accept(connection);
    return { handleBytes: () => {}, handleClose };
  });
}

/** Lets the event loop go round once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Datagrams over real sockets on loopback, where nothing is lost that fits into the receiver's buffer. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type DatagramClient,
  ignoringPeer,
  ignoringStrangers,
  openDatagramClient,
  openPeer,
  reached,
  turn,
} from "../../test/support/datagram-client.ts";
import { bytesOf, textOf } from "../../test/support/kernel.ts";
import type { DatagramHandler, DatagramOptions, DatagramPeerHandler, DatagramSocket } from "./datagrams.ts";
import { everyFrame } from "./flush-pacer.ts";
import { wantedDatagramBufferBytes } from "./limits.ts";
import { openTransport } from "./open-transport.ts";
import type { Transport } from "./transport.ts";

let transport: Transport;
let clients: DatagramClient[];
let failures: unknown[];

describe.each(["portable", "native"] as const)("a datagram socket of the %s transport", (choice) => {
  beforeEach(() => {
    const fail = (error: unknown): never => {
      throw error;
    };
    failures = [];
    const onFailure = (error: unknown): number => failures.push(error);
    transport = openTransport({ choice, pacing: everyFrame, onFailure, onFallback: fail });
    clients = [];
  });

  afterEach(async () => {
    for (const { socket } of clients) socket.close();
    await transport.close();
    expect(transport.counters).toMatchObject({ openCount: 0, cursorCount: 0, queuedBytes: 0 });
  });

  test("tells peers what is from them, and its handler what is from anybody else", async () => {
    const events: string[] = [];
    const socket = await open({
      handleStranger: (bytes, address, port) => events.push(`${address} ${port} says ${textOf(bytes)}`),
    });
    const [known, stranger] = [await client(), await client()];
    const peer = openPeer(socket, known, { handleDatagram: (bytes) => events.push(`peer says ${textOf(bytes)}`) });
    await known.send("one", socket.port);
    await reached(() => events.length === 1);
    await stranger.send("two", socket.port);
    await reached(() => events.length === 2);
    await known.send("", socket.port);
    await known.send("three", socket.port);
    await reached(() => events.length === 4);
    expect(events).toEqual(["peer says one", `127.0.0.1 ${stranger.port} says two`, "peer says ", "peer says three"]);
    expect(peer.receivedBytes).toBe(8);
    expect(socket.counters).toMatchObject({ receivedPackets: 4, receivedBytes: 11, strangerPackets: 1 });
    expect(transport.counters.receivedBytes).toBe(11);
  });

  test("gets many in one turn, each of them whole", async () => {
    const got: string[] = [];
    const socket = await open({ handleStranger: (bytes) => got.push(textOf(bytes)) });
    const sender = await client();
    const sent = Array.from({ length: 500 }, (_, i) => `${i}:${"x".repeat((i * 37) % 1_400)}`);
    for (const text of sent) sender.sendSoon(text, socket.port);
    await reached(() => got.length === sent.length);
    expect(got).toEqual(sent);
  });

  test("gets the largest there are", async () => {
    const got: number[] = [];
    const socket = await open({ handleStranger: (bytes) => got.push(bytes.length) });
    const sender = await client();
    for (let i = 0; i < 20; i++) await sender.send("x".repeat(65_507), socket.port);
    await reached(() => got.length === 20);
    expect(new Set(got)).toEqual(new Set([65_507]));
  });

  test("sends to its peers at once, and counts it", async () => {
    const socket = await open();
    const receiver = await client();
    const peer = openPeer(socket, receiver);
    peer.send(bytesOf("hello"));
    peer.send(bytesOf(""));
    peer.send(new Uint8Array(1_400));
    await reached(() => receiver.packets.length === 3);
    expect(receiver.packets.map(({ length }) => length)).toEqual([5, 0, 1_400]);
    expect(peer.sentBytes).toBe(1_405);
    expect(socket.counters).toMatchObject({ sentPackets: 3, sentBytes: 1_405, droppedPackets: 0 });
    peer.close();
    peer.send(bytesOf("too late"));
    expect(socket.counters.sentPackets).toBe(3);
  });

  test("drops and counts what can't leave, and goes on", async () => {
    const socket = await open();
    const receiver = await client();
    const peer = openPeer(socket, receiver);
    peer.send(new Uint8Array(65_508));
    peer.send(bytesOf("hello"));
    await reached(() => receiver.packets.length === 1 && socket.counters.droppedPackets === 1);
    expect(receiver.packets).toEqual(["hello"]);
  });

  test("has one peer for each address, until it is closed", async () => {
    const strangers: string[] = [];
    const socket = await open({ handleStranger: (bytes) => strangers.push(textOf(bytes)) });
    const sender = await client();
    const peer = openPeer(socket, sender);
    expect(socket.openPeer("127.0.0.1", sender.port, ignoringPeer)).toBeUndefined();
    expect(socket.openPeer("127.0.0.1", sender.port + 1, ignoringPeer)).toBeDefined();
    peer.close();
    peer.close();
    await sender.send("a", socket.port);
    await reached(() => strangers.length === 1);
    const heard: string[] = [];
    expect(
      socket.openPeer("127.0.0.1", sender.port, { handleDatagram: (bytes) => heard.push(textOf(bytes)) }),
    ).toBeDefined();
    await sender.send("b", socket.port);
    await reached(() => heard.length === 1);
    expect([strangers, heard]).toEqual([["a"], ["b"]]);
  });

  test("keeps hundreds of peers apart, while some go and others come", async () => {
    const socket = await open();
    const heard = new Map<number, string>();
    const handlerOf = (port: number): DatagramPeerHandler => ({
      handleDatagram: (bytes) => heard.set(port, textOf(bytes)),
    });
    const all = await Promise.all(Array.from({ length: 120 }, () => client()));
    for (let round = 0; round < 5; round++) {
      heard.clear();
      const peers = all.map(({ port }) => socket.openPeer("127.0.0.1", port, handlerOf(port)));
      for (const [i, peer] of peers.entries()) if (i % 3 === round % 3) peer?.close();
      for (const each of all) each.sendSoon(`${each.port}`, socket.port);
      const openCount = peers.filter((_, i) => i % 3 !== round % 3).length;
      await reached(() => heard.size === openCount);
      for (const [port, text] of heard) expect(text).toBe(`${port}`);
      for (const peer of peers) peer?.close();
    }
    await reached(() => socket.counters.receivedPackets === 600);
    expect(socket.counters.strangerPackets).toBe(200);
  });

  test("on all addresses knows peers of IPv4 and of IPv6, however they are written", async () => {
    const heard: string[] = [];
    const socket = await open(ignoringStrangers, { host: "" });
    const peerHandler = { handleDatagram: (bytes: Uint8Array) => heard.push(textOf(bytes)) };
    const [old, young] = [await client(), await client("udp6", "::1")];
    const oldPeer = socket.openPeer("::ffff:127.0.0.1", old.port, peerHandler);
    const youngPeer = socket.openPeer("0:0::1", young.port, peerHandler);
    expect([oldPeer?.address, youngPeer?.address]).toEqual(["127.0.0.1", "::1"]);
    expect(socket.openPeer("::1", young.port, ignoringPeer)).toBeUndefined();
    await old.send("old", socket.port);
    await young.send("young", socket.port);
    await reached(() => heard.length === 2);
    expect(heard.sort()).toEqual(["old", "young"]);
    oldPeer?.send(bytesOf("to old"));
    youngPeer?.send(bytesOf("to young"));
    await reached(() => old.packets.length === 1 && young.packets.length === 1);
    expect([old.packets, young.packets]).toEqual([["to old"], ["to young"]]);
  });

  test("of IPv4 has no peers of IPv6", async () => {
    const socket = await open();
    expect(socket.openPeer("::1", 5_000, ignoringPeer)).toBeUndefined();
  });

  test("on a port that is taken, or an address that is not ours, says so", async () => {
    const { port } = await open();
    await expect(open(ignoringStrangers, { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(open(ignoringStrangers, { host: "192.0.2.1" })).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
  });

  test("says what the system granted for its buffers", async () => {
    const { receiveBufferBytes, sendBufferBytes } = await open();
    // Linux says the double of what it was asked for, its own records included.
    for (const bytes of [receiveBufferBytes, sendBufferBytes]) {
      expect(bytes).toBeGreaterThan(100_000);
      expect(bytes).toBeLessThanOrEqual(2 * wantedDatagramBufferBytes);
    }
  });

  test("outlives a handler that throws, which costs that peer", async () => {
    const got: string[] = [];
    const socket = await open({
      handleStranger: (bytes) => {
        got.push(textOf(bytes));
        throw new Error("a stranger's trouble");
      },
    });
    const sender = await client();
    openPeer(socket, sender, {
      handleDatagram: () => {
        throw new Error("a peer's trouble");
      },
    });
    for (const [i, text] of ["a", "b", "c"].entries()) {
      await sender.send(text, socket.port);
      await reached(() => failures.length === i + 1);
    }
    expect(failures.map(String)).toEqual([
      "Error: a peer's trouble",
      "Error: a stranger's trouble",
      "Error: a stranger's trouble",
    ]);
    expect(got).toEqual(["b", "c"]);
  });

  test("that is closed is gone with its peers, and its port is free", async () => {
    const socket = await open();
    const receiver = await client();
    const peer = openPeer(socket, receiver);
    socket.close();
    socket.close();
    peer.send(bytesOf("a"));
    expect(socket.openPeer("127.0.0.1", receiver.port, ignoringPeer)).toBeUndefined();
    const next = await open(ignoringStrangers, { port: socket.port });
    openPeer(next, receiver).send(bytesOf("b"));
    await reached(() => receiver.packets.length > 0);
    expect(receiver.packets).toEqual(["b"]);
  });

  test("may be closed by the handler of what came to it", async () => {
    let count = 0;
    const socket: DatagramSocket = await open({
      handleStranger: () => {
        count++;
        socket.close();
      },
    });
    const sender = await client();
    for (let i = 0; i < 10; i++) sender.sendSoon("x", socket.port);
    await reached(() => count > 0);
    await turn();
    await turn();
    expect(count).toBe(1);
  });
});

async function client(...address: Parameters<typeof openDatagramClient>): Promise<DatagramClient> {
  const made = await openDatagramClient(...address);
  clients.push(made);
  return made;
}

function open(
  handler: DatagramHandler = ignoringStrangers,
  options: Partial<DatagramOptions> = {},
): Promise<DatagramSocket> {
  return transport.openDatagrams({ host: "127.0.0.1", port: 0, ...options }, handler);
}

/** Logs of packets as datagrams, over real sockets on loopback, where nothing is lost that fits into the receiver's buffer. */

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
import { append, bytesOf } from "../../test/support/kernel.ts";
import { defaultLagLimits } from "../kernel/cursor-table.ts";
import { EgressLog } from "../kernel/egress-log.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import type { DatagramHandler, DatagramOptions, DatagramPeer, DatagramSocket } from "./datagrams.ts";
import { everyFrame } from "./flush-pacer.ts";
import { packetTurnBytes } from "./limits.ts";
import { openTransport } from "./open-transport.ts";
import type { Play, PlayOptions } from "./play.ts";
import type { Transport } from "./transport.ts";

const { key, preamble, endOfFrame } = entryFlags;

let transport: Transport;
let clients: DatagramClient[];
let failures: unknown[];

describe.each(["portable", "native"] as const)("a play of the %s transport, in datagrams,", (choice) => {
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

  test("sends each packet to the peer of its channel, from the newest random access point on", async () => {
    const [media, control] = [await open(), await open()];
    const [mediaClient, controlClient] = [await client(), await client()];
    const log = newLog();
    publish(log, preamble, [0, "<P1>"]);
    publish(log, key, [0, "K1"]);
    publish(log, preamble, [0, "<P2>"], [1, "<C2>"]);
    publish(log, key, [0, "K2a"], [0, "K2b"], [1, "report"], [7, "for nobody"]);
    play(log, [
      [0, openPeer(media, mediaClient)],
      [1, openPeer(control, controlClient)],
    ]);
    publish(log, 0, [0, "a"]);
    publish(log, preamble, [0, "<P3>"]);
    publish(log, key, [0, "K3"], [1, "another"]);
    await reached(() => mediaClient.packets.length === 5 && controlClient.packets.length === 3);
    expect(mediaClient.packets).toEqual(["<P2>", "K2a", "K2b", "a", "K3"]);
    expect(controlClient.packets).toEqual(["<C2>", "report", "another"]);
    expect(media.counters).toMatchObject({ sentPackets: 5, sentBytes: 13 });
    expect(transport.counters).toMatchObject({ sentBytes: 30, cursorCount: 1, jumpCount: 0 });
  });

  test("of many players gives all of them the same, of all lengths, while the ring wraps and grows", async () => {
    const socket = await open();
    const all = await Promise.all(Array.from({ length: 40 }, () => client()));
    const log = newLog(2 ** 18);
    for (const each of all) play(log, [[0, openPeer(socket, each)]]);
    const expected: string[] = [];
    for (let frame = 0; frame < 200; frame++) {
      const isKey = frame % 50 === 0;
      // Most of a frame's packets are equally long, as RTP's are; some are not.
      const packets = Array.from({ length: isKey ? 30 : 1 + (frame % 5) }, (_, i): [number, string] => [
        0,
        `${frame}.${i}:`.padEnd(i % 7 === 6 ? 31 + i : 1_200, "x"),
      ]);
      publish(log, isKey ? key : 0, ...packets);
      expected.push(...packets.map(([, text]) => text));
      await reached(() => all.every(({ packets: got }) => got.length === expected.length));
    }
    for (const each of all) expect(each.packets).toEqual(expected);
    expect(transport.counters).toMatchObject({ jumpCount: 0, evictedCount: 0 });
    expect(socket.counters).toMatchObject({
      sentPackets: 40 * expected.length,
      droppedPackets: 0,
      refusedSegmentations: 0,
    });
  });

  test("spreads a frame of more than a turn's worth, and others have their turn meanwhile", async () => {
    const socket = await open();
    const [large, small] = [await client(), await client()];
    const [largeLog, smallLog] = [newLog(), newLog()];
    play(largeLog, [[0, openPeer(socket, large)]]);
    play(smallLog, [[0, openPeer(socket, small)]]);
    const packets = Array.from({ length: 300 }, (_, i): [number, string] => [0, `${i}:`.padEnd(1_000, "x")]);
    publish(largeLog, key, ...packets);
    await reached(() => socket.counters.sentPackets > 0);
    expect(socket.counters.sentBytes).toBeLessThanOrEqual(packetTurnBytes + 1_000);
    publish(smallLog, key, [0, "small"]);
    await reached(() => small.packets.length === 1);
    expect(large.packets.length).toBeLessThan(300);
    publish(largeLog, 0, [0, "behind it"]);
    await reached(() => large.packets.length === 301);
    expect(large.packets).toEqual([...packets.map(([, text]) => text), "behind it"]);
  });

  test("that is finished sends what is left, and then says so once", async () => {
    const socket = await open();
    const receiver = await client();
    const log = newLog();
    const events: string[] = [];
    const packets = Array.from({ length: 200 }, (_, i): [number, string] => [0, `${i}:`.padEnd(1_000, "x")]);
    publish(log, key, ...packets);
    const begun = play(log, [[0, openPeer(socket, receiver)]], { onPlayed: () => events.push("played") });
    begun?.finish();
    log.close();
    await reached(() => events.length === 1);
    expect(socket.counters.sentPackets).toBe(200);
    await reached(() => receiver.packets.length === 200);
    begun?.finish();
    await turn();
    expect([events, transport.counters.cursorCount]).toEqual([["played"], 0]);
  });

  test("that waits for its first random access point is finished at once", async () => {
    const socket = await open();
    const events: string[] = [];
    const log = newLog();
    publish(log, 0, [0, "not a beginning"]);
    const begun = play(log, [[0, openPeer(socket, await client())]], { onPlayed: () => events.push("played") });
    begun?.finish();
    await reached(() => events.length === 1);
    expect(socket.counters.sentPackets).toBe(0);
  });

  test("that is live begins at the next random access point", async () => {
    const socket = await open();
    const receiver = await client();
    const log = newLog();
    publish(log, key, [0, "K1"]);
    play(log, [[0, openPeer(socket, receiver)]], { isLive: true });
    publish(log, 0, [0, "a"]);
    await turn();
    publish(log, preamble, [0, "<P2>"]);
    publish(log, key, [0, "K2"]);
    await reached(() => receiver.packets.length === 2);
    expect(receiver.packets).toEqual(["<P2>", "K2"]);
  });

  test("takes nothing while paused, and then goes on at the newest random access point", async () => {
    const socket = await open();
    const receiver = await client();
    const log = newLog();
    publish(log, key, [0, "K1"]);
    const begun = play(log, [[0, openPeer(socket, receiver)]]);
    await reached(() => receiver.packets.length === 1);
    begun?.pause(true);
    publish(log, 0, [0, "a"]);
    publish(log, key, [0, "K2"]);
    await turn();
    await turn();
    publish(log, 0, [0, "b"]);
    expect([receiver.packets.length, begun?.isPaused]).toEqual([1, true]);
    begun?.pause(false);
    await reached(() => receiver.packets.length === 3);
    expect([receiver.packets, begun?.isPaused]).toEqual([["K1", "K2", "b"], false]);
  });

  test("that is stopped sends nothing more", async () => {
    const socket = await open();
    const receiver = await client();
    const log = newLog();
    publish(log, key, [0, "K1"]);
    const begun = play(log, [[0, openPeer(socket, receiver)]], { onPlayed: () => failures.push("played") });
    await reached(() => receiver.packets.length === 1);
    begun?.stop();
    begun?.stop();
    begun?.finish();
    begun?.pause(true);
    begun?.pause(false);
    publish(log, key, [0, "K2"]);
    await turn();
    await turn();
    expect([receiver.packets, transport.counters.cursorCount, failures]).toEqual([["K1"], 0, []]);
  });

  test("that is overtaken by one frame of many entries jumps, and is told how much it missed", async () => {
    const socket = await open();
    const receiver = await client();
    const log = new EgressLog({ initialBytes: 65_536, maxBytes: 65_536 });
    const skipped: number[] = [];
    play(log, [[0, openPeer(socket, receiver)]], { onLag: (bytes) => skipped.push(bytes) });
    publish(log, key, [0, "K1"]);
    await reached(() => receiver.packets.length === 1);
    let missed = 0;
    for (let i = 0; i < 100; i++, missed += 1_004) append(log, record(0, "x".repeat(1_000)), 0);
    publish(log, key, [0, "K2"]);
    await reached(() => receiver.packets.length === 2);
    expect([receiver.packets, skipped]).toEqual([["K1", "K2"], [missed]]);
    expect(transport.counters.jumpCount).toBe(1);
  });

  test("that is overtaken too often is over", async () => {
    const socket = await open();
    const receiver = await client();
    const log = new EgressLog({ initialBytes: 65_536, maxBytes: 65_536 });
    const events: string[] = [];
    const peer = openPeer(socket, receiver);
    const lagLimits = { ...defaultLagLimits, maxJumps: 2 };
    play(log, [[0, peer]], {
      lagLimits,
      onLag: () => events.push("lag"),
      onEvicted: () => events.push("evicted"),
    });
    publish(log, key, [0, "K"]);
    for (let round = 0; !events.includes("evicted"); round++) {
      expect(round).toBeLessThan(10);
      await turn();
      await turn();
      for (let i = 0; i < 100; i++) append(log, record(0, "x".repeat(1_000)), 0);
      publish(log, key, [0, "K"]);
      await turn();
    }
    expect(events).toEqual(["lag", "lag", "evicted"]);
    expect(transport.counters).toMatchObject({ evictedCount: 1, cursorCount: 0 });
    const before = receiver.packets.length;
    peer.send(bytesOf("a last word"));
    await reached(() => receiver.packets.at(-1) === "a last word");
    expect(receiver.packets.length).toBeGreaterThan(before);
  });

  test("ends with each of its peers, and with their socket, without a word", async () => {
    const [first, second] = [await open(), await open()];
    const log = newLog();
    const events: string[] = [];
    const wishes: PlayWishes = { onPlayed: () => events.push("played"), onEvicted: () => events.push("evicted") };
    const routes = (): [number, DatagramPeer | undefined][] => {
      const port = 1_024 + Math.floor(nextPort++ % 10_000);
      return [
        [0, first.openPeer("127.0.0.1", port, ignoringPeer)],
        [1, second.openPeer("127.0.0.1", port, ignoringPeer)],
      ];
    };
    const [one, two, three] = [routes(), routes(), routes()];
    for (const each of [one, two, three]) expect(play(log, each, wishes)).toBeDefined();
    expect(transport.counters.cursorCount).toBe(3);
    one[1]?.[1]?.close();
    await reached(() => transport.counters.cursorCount === 2);
    expect(play(log, one, wishes)).toBeUndefined();
    two[0]?.[1]?.close();
    await reached(() => transport.counters.cursorCount === 1);
    second.close();
    await reached(() => transport.counters.cursorCount === 0);
    expect(play(log, three, wishes)).toBeUndefined();
    publish(log, key, [0, "K"]);
    await turn();
    expect([events, first.counters.sentPackets]).toEqual([[], 0]);
  });

  test("leaves no doorbell behind", async () => {
    const socket = await open();
    const log = newLog();
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
    const peer = openPeer(socket, await client());
    const plays = [play(log, [[0, peer]]), play(log, [[1, peer]])];
    expect(doorbellCount).toBe(1);
    plays[0]?.stop();
    expect(doorbellCount).toBe(1);
    peer.close();
    await reached(() => doorbellCount === 0);
  });

  test("whose session throws costs that play", async () => {
    const socket = await open();
    const receiver = await client();
    const log = newLog();
    const peer = openPeer(socket, receiver);
    const begun = play(log, [[0, peer]], {
      onPlayed: () => {
        throw new Error("a session's trouble");
      },
    });
    publish(log, key, [0, "K"]);
    begun?.finish();
    await reached(() => failures.length === 1);
    expect([String(failures[0]), transport.counters.cursorCount]).toEqual(["Error: a session's trouble", 0]);
  });

  test("sends to a multicast group, through the interface it was given", async () => {
    const group = "239.255.77.1";
    const receiver = await client("udp4", "0.0.0.0");
    receiver.socket.addMembership(group, "127.0.0.1");
    const socket = await open(ignoringStrangers, { multicastTtl: 3, multicastInterface: "127.0.0.1" });
    const log = newLog();
    const peer = socket.openPeer(group, receiver.port, ignoringPeer);
    play(log, [[0, peer]]);
    publish(log, key, [0, "to the group"]);
    await reached(() => receiver.packets.length === 1);
    expect(receiver.packets).toEqual(["to the group"]);
  });
});

async function client(...address: Parameters<typeof openDatagramClient>): Promise<DatagramClient> {
  const made = await openDatagramClient(...address);
  clients.push(made);
  return made;
}

let nextPort = 0;

function open(
  handler: DatagramHandler = ignoringStrangers,
  options: Partial<DatagramOptions> = {},
): Promise<DatagramSocket> {
  return transport.openDatagrams({ host: "127.0.0.1", port: 0, ...options }, handler);
}

interface PlayWishes extends Partial<PlayOptions> {
  readonly onPlayed?: () => void;
  readonly onLag?: (skippedBytes: number) => void;
  readonly onEvicted?: () => void;
}

function play(
  log: EgressLog,
  routes: readonly [channel: number, peer: DatagramPeer | undefined][],
  wishes: PlayWishes = {},
): Play | undefined {
  const { onPlayed = () => {}, onLag = () => {}, onEvicted = () => {}, ...options } = wishes;
  return transport.playDatagrams(
    log,
    routes.map(([channel, peer]) => ({ channel, peer: peer as DatagramPeer })),
    { isLive: false, lagLimits: defaultLagLimits, ...options },
    { handlePlayed: onPlayed, handleLag: onLag, handleEvicted: onEvicted },
  );
}

function newLog(maxBytes = 2 ** 20): EgressLog {
  return new EgressLog({ initialBytes: 65_536, maxBytes });
}

/** One entry of records, and its doorbell. */
function publish(log: EgressLog, flags: number, ...packets: readonly [channel: number, text: string][]): void {
  const records = packets.map(([channel, text]) => record(channel, text));
  append(log, Buffer.concat(records), flags | endOfFrame);
  log.ringDoorbells();
}

function record(channel: number, text: string): Uint8Array {
  return Uint8Array.of(0x24, channel, text.length >> 8, text.length & 0xff, ...bytesOf(text));
}

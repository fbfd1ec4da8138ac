/** The border: what JavaScript may do wrong, and more than one thread, without taking the process along. */

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { codeOf } from "../../test/support/kernel.ts";
import { ERR_ADDON_UNAVAILABLE } from "./errors.ts";
import { everyFrame } from "./flush-pacer.ts";
import { loadNativeAddon } from "./native-addon.ts";
import { nativeLayoutHash } from "./native-layout.ts";
import { openTransport } from "./open-transport.ts";

const addon = loadNativeAddon(nativeLayoutHash());

describe("the addon", () => {
  test("is not taken when it is missing, is no addon, or was built from other sources", () => {
    expect(codeOf(() => loadNativeAddon(nativeLayoutHash(), "/nowhere/millrace.node"))).toBe(ERR_ADDON_UNAVAILABLE);
    expect(() => loadNativeAddon(nativeLayoutHash(), "/nowhere/millrace.node")).toThrow(
      "npm run build:native builds it",
    );
    expect(codeOf(() => loadNativeAddon(nativeLayoutHash(), import.meta.filename))).toBe(ERR_ADDON_UNAVAILABLE);
    expect(codeOf(() => loadNativeAddon(nativeLayoutHash() + 1))).toBe(ERR_ADDON_UNAVAILABLE);
    expect(() => loadNativeAddon(nativeLayoutHash() + 1)).toThrow("it was built from other sources");
  });

  test("throws when a shard is made or used in a way that has no meaning", () => {
    const { Shard } = addon;
    const make = Shard as unknown as { new (buffer?: unknown): unknown; (): unknown };
    expect(() => new make()).toThrow("needs a Uint8Array");
    expect(() => new make(1_000)).toThrow("needs a Uint8Array");
    expect(() => new make(new Uint8Array(65_536))).toThrow("the length of the part for connections");
    expect(() => make()).toThrow();
    expect(() => Shard.prototype.poll.call({} as never, 0, false)).toThrow();
    const shard = new Shard(new Uint8Array(65_536), 65_536);
    shard.start(() => {});
    expect(() => shard.start(() => {})).toThrow("started once");
    shard.stop();
  });

  test("takes calls for what is gone, and after the end", () => {
    const shard = new addon.Shard(new Uint8Array(65_536), 65_536);
    shard.start(() => {});
    const use = (): void => {
      for (const id of [-1, 0, 7]) {
        shard.send(id, new Uint8Array(1), 1);
        shard.end(id, 0);
        shard.stopPlaying(id);
        shard.pause(id, true, 0);
        shard.finish(id, 0);
        shard.destroy(id);
        expect(shard.connectionBytes(id)).toEqual([0, 0]);
        expect(shard.peerAddress(id)).toEqual(["", 0]);
        shard.closeDatagrams(id);
        shard.datagramCounters(id, new Float64Array(8));
        expect(shard.openPeer(id, "127.0.0.1", 1_024, 1)).toBeLessThan(0);
        shard.closePeer(id);
        shard.sendDatagram(id, new Uint8Array(1));
        expect(shard.peerBytes(id)).toEqual([0, 0]);
        expect(shard.strangerAddress(id)).toEqual(["", 0]);
        shard.startPackets(id, 0);
        shard.stopPackets(id);
        shard.pausePackets(id, true, 0);
        shard.finishPackets(id, 0);
      }
      expect(shard.poll(0, true)).toBe(false);
      expect(shard.pausePaced(true)).toBe(false);
      expect(shard.takeEvents(new Float64Array(4))).toBe(0);
      expect(shard.adopt(-1)).toBeLessThan(0);
      shard.continuePackets(0);
      expect(shard.openDatagrams("no address", 0, 0, -1, "")[0]).toBeLessThan(0);
    };
    use();
    shard.stop();
    shard.stop();
    use();
    expect(shard.listen("127.0.0.1", 0, 1, false, 1)[0]).toBeLessThan(0);
    expect(shard.openLog(new Uint8Array(64), 64, 1)).toBeLessThan(0);
    expect(shard.droppedCount(0)).toBe(0);
  });
});

describe("a thread that ends", () => {
  const ways = {
    "is terminated while its players play": "setInterval(() => publish(), 1);",
    "is terminated inside of a handler": "onBytes = () => { parentPort.postMessage('busy'); for (;;) publish(); };",
    "is terminated inside of the addon":
      "onBytes = () => { parentPort.postMessage('busy'); for (;;) transport.counters; };",
    "leaves in a handler": "onBytes = () => { process.exit(0); };",
    "closes its transport, and leaves at once": "onBytes = () => { transport.close(); process.exit(0); };",
    "ends by an exception": "onBytes = () => { setImmediate(() => { throw new Error('planned'); }); };",
    "ends by an exception of its transport": "onBytes = () => { throw new Error('planned'); };",
  };

  test.each(Object.entries(ways))("and %s takes nobody along", async (_, way) => {
    // Here, too: each thread has an instance of its own.
    const fail = (error: unknown): never => {
      throw error;
    };
    const here = openTransport({ choice: "native", pacing: everyFrame, onFailure: fail, onFallback: fail });
    const listener = await here.listen({ host: "127.0.0.1", port: 0, maxConnections: 10 }, (connection) => ({
      handleBytes: (bytes) => connection.send(bytes.slice()),
      handleClose: () => {},
    }));
    const local = await connect(listener.port);

    const worker = new Worker(shardProgram(way), { eval: true, execArgv: [] });
    const errors: string[] = [];
    worker.on("error", (error) => errors.push(String(error)));
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    const [port] = (await once(worker, "message")) as [number];
    const players = await Promise.all(Array.from({ length: 20 }, () => connect(port)));
    await Promise.all(players.map((player) => once(player, "data")));
    players[1]?.pause();
    const closed = players.slice(2).map((player) => once(player, "close"));
    const isBusy = way.includes("busy") ? once(worker, "message") : undefined;
    players[0]?.write("x");
    await isBusy;
    if (way.includes("setInterval") || isBusy !== undefined) await worker.terminate();
    await exited;
    await Promise.all(closed);
    expect(errors).toEqual(way.includes("planned") ? ["Error: planned"] : []);

    local.write("still here");
    expect(String((await once(local, "data"))[0])).toBe("still here");
    for (const socket of [local, ...players]) socket.destroy();
    await here.close();
  });
});

async function connect(port: number): Promise<Socket> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  socket.on("error", () => {}); // a reset is one of the ways to be closed
  socket.on("data", () => {});
  return socket;
}

/** A transport on a thread of its own, whose players get a log that `publish()` fills. */
function shardProgram(way: string): string {
  const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  return `
    const { parentPort } = require("node:worker_threads");
    (async () => {
      const { openTransport } = await import(${source("./open-transport.ts")});
      const { EgressLog } = await import(${source("../kernel/egress-log.ts")});
      const fail = (error) => { throw error; };
      const pacing = { minIntervalMs: 0, latencyBudgetMs: 0 };
      const transport = openTransport({ choice: "native", pacing, onFailure: fail, onFallback: fail });
      const log = new EgressLog({ maxBytes: 2 ** 20 });
      const payload = new Uint8Array(10_000);
      const publish = () => {
        log.claim(payload.length, 1, 0);
        log.write(payload);
        log.commit();
        log.ringDoorbells();
      };
      let onBytes = () => {};
      const lagLimits = { maxJumps: 1e9, maxSkippedBytes: 1e15, stallTimeoutMs: 1e9, forgiveAfterMs: 1e9 };
      const options = { isLive: false, lagLimits, onFinished() {}, onLag() {}, onEvicted() {} };
      const accept = (connection) => {
        connection.play(log, options);
        return { handleBytes: () => onBytes(), handleClose: () => {} };
      };
      const listener = await transport.listen({ host: "127.0.0.1", port: 0, maxConnections: 100 }, accept);
      publish();
      ${way}
      parentPort.postMessage(listener.port);
    })();
  `;
}

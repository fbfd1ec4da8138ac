/** Shards in one thread, with the channels between them that threads have: what is published on one is played on all. */

import { afterEach, describe, expect, test } from "vitest";
import { audioFormat, rejectionCode } from "../../../test/support/kernel.ts";
import { ShardWorld, type ShardWorldOptions, turn } from "../../../test/support/shards.ts";
import { waitFor } from "../../../test/support/wait.ts";

let world: ShardWorld;
const key = "live/cam";

function open(count: number, options?: ShardWorldOptions): void {
  world = new ShardWorld(count, options);
}

afterEach(() => {
  expect(world.failures).toEqual([]);
  world.close();
});

describe("a stream", () => {
  test("is played on its own shard and on others, byte for byte, from the newest random access point", async () => {
    open(3);
    const publisher = await world.publish(1, key);
    publisher.publish("K0", "a", "K1", "b");
    const players = await Promise.all([1, 2, 3, 3].map((index) => world.play(index, key)));
    publisher.publish("c", "K2", "d");
    await world.settle();
    for (const player of players) expect(player.text).toBe("<P>K1bcK2d");
    expect(world.shard(1).engine.getStream(key)?.wireFormats).toEqual(["plain"]);
    expect(world.shards.map(({ playerCounts }) => playerCounts.get(key))).toEqual([1, 1, 2]);
    expect(world.events.filter(({ type }) => type === "subscribe")).toHaveLength(4);
    expect(world.shards.map(({ counters }) => counters.subscribeCount)).toEqual([1, 1, 2]);
  });

  test("takes its log along as it grows, through several sizes and between doorbells", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const [near, far] = [await world.play(1, key), await world.play(2, key)];
    let expected = "<P>K0";
    for (const length of [10_000, 40_000, 100_000, 10, 400_000, 20]) {
      const word = "x".repeat(length);
      publisher.publish(word);
      expected += word;
      if (length !== 100_000) await world.settle();
    }
    expect(far.text === expected).toBe(true);
    expect(near.text === expected).toBe(true);
    expect(far.subscription.log.memory.capacity).toBe(near.subscription.log.memory.capacity);
  });

  test("shows its tracks of now on every shard", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const far = await world.play(2, key);
    expect(far.subscription.stream.tracks.map(({ kind }) => kind)).toEqual(["video"]);
    publisher.publication.setTrack("audio", 0, audioFormat);
    publisher.publish("a");
    await world.settle();
    expect(far.subscription.stream.tracks.map(({ kind }) => kind)).toEqual(["video", "audio"]);
    const found = await world.shard(2).find({ name: key, protocol: "test" });
    expect(found.tracks.map(({ kind }) => kind)).toEqual(["video", "audio"]);
    expect(found.name.key).toBe(key);
  });

  test("that ends is sent to its last byte everywhere, and players are told once", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const players = [await world.play(1, key), await world.play(2, key)];
    publisher.publish("last");
    publisher.publication.end();
    world.clock.nowMs += 20_000;
    world.tick();
    await world.settle();
    for (const player of players) {
      expect([player.text, player.endReason]).toEqual(["<P>K0last", "no publisher for 15 s"]);
      expect(player.subscription.log.isClosed).toBe(true);
      player.close();
    }
    expect(world.controller.streamCount).toBe(0);
    expect(world.usedBytes).toBe(0);
    expect(await rejectionCode(world.play(2, key))).toBe("ERR_STREAM_NOT_FOUND");
  });

  test("costs nothing more when its last player on another shard leaves, and the next one starts anew", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0", "a");
    await world.settle();
    const before = world.usedBytes;
    for (let i = 0; i < 100; i++) {
      const player = await world.play(2, key, `format ${i % 7}`);
      expect(player.text).toBe("<P>K0a");
      player.close();
      player.close();
    }
    await world.settle();
    world.tick(); // the logs have waited for their next player...
    world.tick(); // ...for as long as they do
    expect(world.usedBytes).toBe(before);
    expect(world.shard(1).engine.getStream(key)?.wireFormats).toEqual([]);
    expect(world.shard(2).playerCounts.size).toBe(0);
  });

  test("can be refused to a player, and then nothing of the attempt stays", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const before = world.usedBytes;
    for (let i = 0; i < 50; i++) {
      expect(await rejectionCode(world.play(2, key, `picky ${i}`))).toBe("ERR_CODEC_NOT_RECEIVABLE");
      expect(await rejectionCode(world.play(1, key, `picky ${i}`))).toBe("ERR_CODEC_NOT_RECEIVABLE");
    }
    await world.settle();
    expect(world.usedBytes).toBe(before);
    const player = await world.play(2, key, "modest");
    expect(player.subscription.leftOut).toEqual(["the sound"]);
    expect(await rejectionCode(world.play(2, "live/nobody"))).toBe("ERR_STREAM_NOT_FOUND");
    expect(await rejectionCode(world.play(2, "../x"))).toBe("ERR_STREAM_NAME");
    expect(await rejectionCode(world.shard(2).find({ name: "live/nobody", protocol: "test" }))).toBe(
      "ERR_STREAM_NOT_FOUND",
    );
  });

  test("one of a thousand, all played on another shard, comes through with the others", async () => {
    open(2, { limits: { maxPublishers: 1_000, maxStreams: 1_000 } });
    const publishers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => world.publish(1, `live/${i}`)));
    for (const publisher of publishers) publisher.publish("K0");
    const players = await Promise.all(publishers.map((_, i) => world.play(2, `live/${i}`)));
    for (const [i, publisher] of publishers.entries()) publisher.publish(`<${i}>`);
    await world.settle();
    for (const [i, player] of players.entries()) expect(player.text).toBe(`<P>K0<${i}>`);
    for (const player of players) player.close();
    await world.settle();
    expect(world.shard(1).engine.streams.every(({ wireFormats }) => wireFormats.length === 0)).toBe(true);
  });

  test("is refused for lack of memory that all shards share, on whichever shard it is asked for", async () => {
    open(2, { memoryBytes: 200_000 });
    const one = await world.publish(1, "live/one");
    const two = await world.publish(2, "live/two");
    one.publish("K0");
    two.publish("K0");
    const player = await world.play(1, "live/one");
    await world.play(1, "live/one", "second");
    for (const index of [1, 2]) {
      expect(await rejectionCode(world.play(index, "live/two"))).toBe("ERR_MEMORY_LIMIT");
    }
    player.close();
    await world.settle();
    world.tick();
    world.tick();
    expect((await world.play(1, "live/two")).text).toBe("<P>K0");
  });
});

describe("a stream whose publisher comes back through another shard", () => {
  test("moves: players on every shard stay, and its time goes on", async () => {
    open(3);
    const first = await world.publish(1, key);
    first.publish("K0", "a");
    const players = await Promise.all([1, 2, 3].map((index) => world.play(index, key)));
    first.publish("b");
    first.publication.end();
    await world.settle();
    world.clock.nowMs += 1_000;
    const second = await world.publish(2, key);
    expect(second.publication.startMs).toBe(80 + 1_000);
    second.publish("Kx", "y");
    await world.settle();
    second.publish("z");
    await world.settle();
    for (const player of players) expect([player.text, player.endReason]).toEqual(["<P>K0ab<P>Kxyz", undefined]);
    expect(world.controller.counters.movedStreamCount).toBe(1);
    expect(world.shard(1).engine.getStream(key)).toBeUndefined();
    expect(world.shards.map(({ playerCounts }) => playerCounts.get(key))).toEqual([1, 1, 1]);
    for (const player of players) player.close();
    second.publication.end();
    world.clock.nowMs += 20_000;
    world.tick();
    await world.settle();
    expect([world.usedBytes, world.controller.streamCount]).toEqual([0, 0]);
  });

  test("any number of times", async () => {
    open(3);
    let publisher = await world.publish(1, key);
    publisher.publish("K0");
    const players = await Promise.all([1, 2, 3].map((index) => world.play(index, key)));
    let expected = "<P>K0";
    for (let i = 1; i <= 30; i++) {
      publisher.publication.end();
      await world.settle();
      publisher = await world.publish(1 + ((i * 7) % 3), key);
      publisher.publish(`K${i}`);
      expected += `<P>K${i}`;
      await world.settle();
    }
    for (const player of players) expect(player.text).toBe(expected);
    for (const player of players) player.close();
    publisher.publication.end();
    world.clock.nowMs += 20_000;
    world.tick();
    await world.settle();
    expect([world.usedBytes, world.controller.streamCount]).toEqual([0, 0]);
  });

  test("can be joined while it moves: the player waits, and gets it", async () => {
    open(3);
    const first = await world.publish(1, key);
    first.publish("K0");
    await world.play(3, key);
    first.publication.end();
    await world.settle();
    world.hold(0, 2); // the new shard has not heard yet that it has the stream
    const coming = world.publish(2, key);
    await waitFor("the answer", () => world.heldCount(0, 2) > 0);
    const joining = [1, 3].map((index) => world.play(index, key));
    const asking = world.shard(3).find({ name: key, protocol: "test" });
    for (let i = 0; i < 20; i++) await turn();
    world.release(0, 2);
    const second = await coming;
    second.publish("Kx");
    expect((await asking).name.key).toBe(key);
    for (const player of await Promise.all(joining)) {
      await world.settle();
      expect(player.text).toBe("<P>Kx");
    }
  });

  test("is found again by a player whose feed was just being opened where it was", async () => {
    open(3);
    const first = await world.publish(1, key);
    first.publish("K0");
    first.publication.end();
    await world.settle();
    world.hold(1, 3); // the log's address is on its way
    const joining = world.play(3, key);
    await waitFor("the answer", () => world.heldCount(1, 3) > 0);
    world.hold(2, 3); // and so is that of its successor
    const second = await world.publish(2, key);
    second.publish("Kx");
    await waitFor("the other answer", () => world.heldCount(2, 3) > 0);
    world.release(1, 3);
    for (let i = 0; i < 20; i++) await turn();
    world.release(2, 3);
    const player = await joining;
    second.publish("y");
    await world.settle();
    expect(player.text).toBe("<P>Kxy");
    // What was handed out in vain went back.
    expect(world.shard(1).engine.streams).toEqual([]);
    player.close();
    await world.settle();
    expect(world.shard(2).engine.getStream(key)?.wireFormats).toEqual([]);
  });

  test("is let go of where it was left in vain: away and back while the feed was opened", async () => {
    open(3);
    let publisher = await world.publish(1, key);
    publisher.publish("K0");
    const player = await world.play(3, key);
    world.hold(2, 3);
    for (const [round, index] of [2, 1, 2, 1, 2].entries()) {
      publisher.publication.end();
      await waitFor("idle", () => world.controller.publisherCount === 0);
      publisher = await world.publish(index, key);
      const word = `K${round + 1}`;
      publisher.publish(word);
      const heldCount = world.heldCount(2, 3);
      if (index === 1) await waitFor(word, () => player.text.endsWith(word));
      else await waitFor("the answer", () => world.heldCount(2, 3) > heldCount);
    }
    world.release(2, 3);
    await world.settle();
    publisher.publish("end");
    await world.settle();
    expect(player.text).toBe("<P>K0<P>K2<P>K4<P>K5end");
    player.close();
    await world.settle();
    expect(world.shard(2).engine.getStream(key)?.wireFormats).toEqual([]);
    expect(world.usedBytes).toBe(world.shard(2).engine.getStream(key)?.memoryBytes);
  });

  test("is still played when word comes late that it is no longer where it was in between", async () => {
    open(3);
    let publisher = await world.publish(1, key);
    publisher.publish("K0");
    const player = await world.play(3, key);
    world.hold(3, 2); // the question
    for (const index of [2, 1]) {
      publisher.publication.end();
      await waitFor("idle", () => world.controller.publisherCount === 0);
      publisher = await world.publish(index, key);
      publisher.publish(`K${index}`);
      if (index === 2) await waitFor("the question", () => world.heldCount(3, 2) > 0);
    }
    await waitFor("the stream", () => player.text === "<P>K0<P>K1");
    world.release(3, 2);
    await world.settle();
    publisher.publish("end");
    await world.settle();
    expect([player.text, player.endReason]).toEqual(["<P>K0<P>K1end", undefined]);
  });

  test("that does not begin after all ends for players on every shard", async () => {
    open(3);
    const first = await world.publish(1, key);
    first.publish("K0");
    const players = await Promise.all([1, 2, 3].map((index) => world.play(index, key)));
    first.publication.end();
    await world.settle();
    await world.shard(2).engine.shutdown();
    expect(await rejectionCode(world.publish(2, key))).toBe("ERR_ENGINE_CLOSED");
    await world.settle();
    for (const player of players) expect(player.endReason).toBe("its new publisher could not begin");
    for (const player of players) player.close();
    expect(world.controller.streamCount).toBe(0);
    expect(world.usedBytes).toBe(0);
    // And its name is free.
    await world.publish(3, key);
  });
});

describe("a player that joins another stream of the same name", () => {
  test("does not get the one that ended, of whose end no word has come yet", async () => {
    open(3);
    const first = await world.publish(1, key);
    first.publish("K0");
    const early = await world.play(3, key);
    world.hold(1, 3);
    first.publication.end();
    world.clock.nowMs += 20_000;
    world.tick();
    await waitFor("the end", () => world.controller.streamCount === 0);
    const second = await world.publish(2, key);
    second.publish("Kx");
    const late = await world.play(3, key);
    expect([late.text, early.endReason]).toEqual(["<P>Kx", "the stream ended"]);
    world.release(1, 3);
    second.publish("y");
    await world.settle();
    expect([late.text, late.endReason, early.text]).toEqual(["<P>Kxy", undefined, "<P>K0"]);
  });
});

describe("a shard that closes", () => {
  test("ends what it plays of others, rings nobody, and leaves nothing leased", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const [near, far] = [await world.play(1, key), await world.play(2, key)];
    const opening = rejectionCode(world.play(2, "live/other"));
    world.shard(2).close();
    await waitFor("the end", () => far.endReason !== undefined);
    expect(near.endReason).toBeUndefined();
    await opening;
    publisher.publish("a");
    expect(near.text).toBe("<P>K0a");
    world.shard(1).close();
    publisher.publish("b");
    expect(near.text).toBe("<P>K0ab"); // its own it carries to the end
    near.close();
    far.close();
    expect(world.shard(1).engine.getStream(key)?.wireFormats).toEqual([]);
  });
});

describe("what a shard counts", () => {
  test("is of its own players", async () => {
    open(2);
    const publisher = await world.publish(1, key);
    publisher.publish("K0");
    const far = await world.play(2, key);
    far.subscription.lagged();
    far.subscription.evicted();
    far.close();
    await world.settle();
    expect(world.shard(2).counters).toEqual({ subscribeCount: 1, refusedCount: 0, lagCount: 1, evictedCount: 1 });
    expect(world.shard(1).counters).toEqual({ subscribeCount: 0, refusedCount: 0, lagCount: 0, evictedCount: 0 });
    expect(world.events.map(({ type }) => type)).toEqual([
      ...["stream.started", "publish", "subscribe", "evict", "unsubscribe"],
    ]);
    const { sentCount, fullCount } = world.shard(2).linkCounters;
    expect([sentCount > 3, fullCount]).toEqual([true, 0]);
  });
});

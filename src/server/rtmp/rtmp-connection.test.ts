/** One RTMP connection against decisions that come late, peers that leave meanwhile, and mistakes of our own (S-10, S-50). */

import { createHmac, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sequenceHeader } from "../../../bench/support/sequence-header.ts";
import { flvFamily } from "../../bridges/flv-egress.ts";
import type { CodedError } from "../../bytes/coded-error.ts";
import { type AmfValue, amfObject, makeAmfObject } from "../../formats/amf/amf-value.ts";
import { defaultLagLimits } from "../../kernel/cursor-table.ts";
import { Engine } from "../../kernel/engine.ts";
import { defaultLimits } from "../../kernel/limits.ts";
import {
  type AccessDecision,
  type AccessRequest,
  type EngineEvent,
  LocalEventBus,
  silentAuditSink,
} from "../../kernel/services.ts";
import { ChunkReader } from "../../protocols/rtmp/chunk-reader.ts";
import { writeMessage } from "../../protocols/rtmp/chunk-writer.ts";
import { maxPendingMediaBytes } from "../../protocols/rtmp/limits.ts";
import { parseCommand, writeCommand } from "../../protocols/rtmp/message/command.ts";
import { messageTypeId } from "../../protocols/rtmp/message/message-type.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Play } from "../../runtime/play.ts";
import { PortableTransport } from "../../runtime/portable-transport.ts";
import { Controller } from "../../runtime/shards/controller.ts";
import { LocalLink } from "../../runtime/shards/link.ts";
import { Shard } from "../../runtime/shards/shard.ts";
import type { Connection } from "../../runtime/transport.ts";
import { RtmpConnection, type RtmpConnectionContext } from "./rtmp-connection.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("a publish that waits for its decision", () => {
  test("shows nothing of the stream before it is allowed, and then all that came meanwhile", async () => {
    const peer = bench.connect();
    peer.publish("live", "cam");
    peer.send(0, sequenceHeader());
    for (let i = 0; i < 10; i++) peer.send(i * 40, frame(i, 1_000));
    await bench.asked(1);
    expect([bench.engine.streams, bench.seen]).toEqual([[], []]);

    bench.decide({ isAllowed: true });
    await settled();
    expect(peer.statuses).toEqual(["NetStream.Publish.Start"]);
    expect(bench.seen).toEqual([
      "started live/cam",
      "published live/cam",
      ...Array.from({ length: 10 }, (_, i) => `frame ${i}`),
    ]);
  });

  test("never shows a stream that is denied, whatever its publisher goes on sending", async () => {
    const peer = bench.connect();
    peer.publish("live", "cam");
    peer.send(0, sequenceHeader());
    peer.send(0, frame(0, 1_000));
    await bench.asked(1);
    bench.decide({ isAllowed: false, reason: "no" });
    await settled();
    for (let i = 1; i < 10; i++) peer.send(i * 40, frame(i, 1_000));
    await settled();
    expect(peer.statuses).toEqual(["NetStream.Publish.Denied"]);
    expect([bench.engine.streams, bench.seen]).toEqual([[], []]);
    expect(bench.problems).toEqual(["ERR_NOT_AUTHORIZED live/cam"]);
  });

  test("keeps no more than 256 KiB for it", async () => {
    const peer = bench.connect();
    peer.publish("live", "cam");
    peer.send(0, sequenceHeader());
    for (let i = 0; i < 500; i++) peer.send(i * 40, frame(i, 10_000));
    await bench.asked(1);
    bench.decide({ isAllowed: true });
    await settled();
    const frames = bench.seen.filter((line) => line.startsWith("frame"));
    expect(frames.length).toBeGreaterThan(10);
    expect(frames.length).toBeLessThanOrEqual(maxPendingMediaBytes / 10_000);
    expect(frames).toEqual(frames.map((_, i) => `frame ${i}`)); // the oldest ones, without a gap
  });

  test.each<readonly [string, (peer: Peer) => void]>([
    ["the socket is closed", (peer) => peer.connection.handleClose()],
    ["the stream is deleted", (peer) => peer.command(0, "deleteStream", 0, null, 1)],
    ["the stream is closed", (peer) => peer.command(1, "closeStream", 0, null)],
    ["it is unpublished", (peer) => peer.command(1, "FCUnpublish", 5, null, "cam")],
    ["a bad byte comes", (peer) => peer.connection.handleBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff))],
    ["the server closes it", (peer) => peer.connection.close("it is late")],
  ])("is over when it is allowed after %s", async (_what, leave) => {
    const peer = bench.connect();
    peer.publish("live", "cam");
    peer.send(0, sequenceHeader());
    peer.send(0, frame(0, 1_000));
    await bench.asked(1);
    leave(peer);
    bench.decide({ isAllowed: true });
    await settled();
    expect(bench.engine.publisherCount).toBe(0);
    expect(bench.seen.filter((line) => line.startsWith("frame"))).toEqual([]);
    expect(bench.failures).toEqual([]);
  });

  test("that was given up makes room for another one", async () => {
    const peer = bench.connect();
    peer.publish("live", "cam");
    await bench.asked(1);
    peer.command(1, "closeStream", 0, null);
    bench.decide({ isAllowed: true });
    await settled();
    peer.command(1, "publish", 6, null, "other", "live");
    await bench.asked(2);
    bench.decide({ isAllowed: true });
    await settled();
    expect(bench.engine.streams.filter(({ state }) => state !== "idle").map(({ name }) => name.key)).toEqual([
      "live/other",
    ]);
  });
});

describe("a player", () => {
  beforeEach(async () => {
    const publisher = bench.connect();
    publisher.publish("live", "cam");
    await bench.asked(1);
    bench.decide({ isAllowed: true });
    await settled();
    publisher.send(0, sequenceHeader());
    publisher.send(0, frame(0, 1_000));
  });
  const subscriberCount = (): number => bench.engine.getStream("live/cam")?.subscriberCount ?? -1;

  test("that leaves before it is allowed holds nothing", async () => {
    const peer = bench.connect();
    peer.play("live", "cam");
    await bench.asked(2);
    peer.connection.handleClose();
    bench.decide({ isAllowed: true });
    await settled();
    expect(subscriberCount()).toBe(0);
  });

  test("that changes its mind about sound and pictures holds one subscription, then none", async () => {
    const peer = bench.connect();
    peer.play("live", "cam");
    await bench.asked(2);
    bench.decide({ isAllowed: true });
    await settled();
    expect(subscriberCount()).toBe(1);
    bench.allowsAtOnce = true;
    for (let i = 0; i < 20; i++) {
      peer.command(1, "receiveAudio", 0, null, i % 2 === 1);
      peer.command(1, "receiveVideo", 0, null, i % 2 === 1);
    }
    await settled();
    expect(subscriberCount()).toBe(1);
    peer.command(1, "receiveAudio", 0, null, false);
    peer.connection.handleClose();
    await settled();
    expect(subscriberCount()).toBe(0);
    expect(bench.engine.getStream("live/cam")?.wireFormats).toEqual([]);
  });
});

describe("a mistake of ours", () => {
  const transports: PortableTransport[] = [];
  afterEach(() => Promise.all(transports.splice(0).map((transport) => transport.close())));

  test("in a session costs that connection, and is reported", async () => {
    const failures: unknown[] = [];
    const transport = new PortableTransport((error) => failures.push(error));
    transports.push(transport);
    let isBroken = false;
    const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
      if (isBroken) throw new TypeError("cannot read properties of undefined");
      return createHmac("sha256", key).update(data).digest();
    };
    const session = { ...bench.context.session, crypto: { hmacSha256, randomBytes } };
    const { port } = await transport.listen(
      { host: "127.0.0.1", port: 0, maxConnections: 10 },
      (connection) => new RtmpConnection({ ...bench.context, session }, connection),
    );
    const good = await shake(port);
    isBroken = true;
    const bad = await shake(port);
    await bad.closed;
    expect(failures).toEqual([expect.any(TypeError)]);
    expect([transport.counters.openCount, good.socket.destroyed]).toEqual([1, false]);
    good.socket.destroy();
  });

  test("behind a decision is told as such, without its words", async () => {
    bench.allowsAtOnce = true;
    bench.engine.openPublication = () => {
      throw new TypeError("secret words");
    };
    const peer = bench.connect();
    peer.publish("live", "cam");
    await settled();
    expect(bench.failures).toEqual([expect.any(TypeError)]);
    expect(bench.problems).toEqual([]);
    expect(peer.statuses).toEqual(["NetStream.Failed"]);
    expect(peer.descriptions.join()).not.toContain("secret");
  });

  test("at a deadline costs that connection", () => {
    const peer = bench.connect();
    bench.nowMs += 20_000;
    peer.fake.send = (): never => {
      throw new TypeError("broken");
    };
    peer.fake.end = (): never => {
      throw new TypeError("broken");
    };
    expect(() => peer.connection.handleTime(bench.nowMs)).not.toThrow();
    expect(bench.failures).toHaveLength(1);
    expect(peer.fake.isDestroyed).toBe(true);
  });
});

/** An engine whose access is decided by the test, when it likes. */
class Bench {
  nowMs = 1_000;
  allowsAtOnce = false;
  /** What an observer was told. */
  readonly seen: string[] = [];
  readonly problems: string[] = [];
  readonly failures: unknown[] = [];
  readonly engine: Engine;
  readonly context: RtmpConnectionContext;
  readonly #requests: AccessRequest[] = [];
  readonly #decisions: PromiseWithResolvers<AccessDecision>[] = [];

  constructor() {
    const eventBus = new LocalEventBus();
    this.engine = new Engine({
      clock: systemClock,
      eventBus,
      observer: {
        streamStarted: ({ name }) => this.seen.push(`started ${name.key}`),
        published: ({ name }) => this.seen.push(`published ${name.key}`),
        frame: (_stream, { data }) => this.seen.push(`frame ${data[5]}`),
      },
    });
    const controller = new Controller({
      clock: systemClock,
      authenticator: { authorize: (request) => this.#authorize(request) },
      auditSink: silentAuditSink,
      eventBus: new LocalEventBus(),
      limits: defaultLimits,
    });
    const onFailure = (error: unknown): void => {
      this.failures.push(error);
    };
    const link = new LocalLink(controller.calls, onFailure);
    const onEvent = (event: EngineEvent): void => link.tell("changed", { shard: 0, event });
    eventBus.listen(onEvent);
    const families = new Map([["flv", flvFamily]]);
    const shard = new Shard({ index: 0, engine: this.engine, families, onEvent, onFailure }, link);
    controller.addShard(0, new LocalLink(shard.calls, onFailure));
    this.context = {
      streams: shard,
      session: {
        crypto: { hmacSha256: (_key, data) => data.slice(0, 32), randomBytes: (length) => new Uint8Array(length) },
        ...{ chunkSize: 60_000, pingIntervalMs: 30_000, pingTimeoutMs: 30_000 },
      },
      playOptions: {
        fromNow: { isLive: true, lagLimits: defaultLagLimits },
        fromNewestKeyFrame: { isLive: false, lagLimits: defaultLagLimits },
      },
      nowMs: () => this.nowMs,
      onProblem: (problem: CodedError, _connection, stream) => this.problems.push(`${problem.code} ${stream}`),
      onFailure,
      onClosed: () => {},
    };
  }

  connect(): Peer {
    return new Peer(this.context);
  }

  /** Waits until access was asked for that often. */
  async asked(count: number): Promise<void> {
    await settled();
    expect(this.#requests).toHaveLength(count);
  }

  decide(decision: AccessDecision): void {
    this.#decisions.at(-1)!.resolve(decision);
  }

  #authorize(request: AccessRequest): AccessDecision | Promise<AccessDecision> {
    this.#requests.push(request);
    if (this.allowsAtOnce) return { isAllowed: true };
    const decision = Promise.withResolvers<AccessDecision>();
    this.#decisions.push(decision);
    return decision.promise;
  }
}

/** The other end: sends without waiting, reads the statuses. */
class Peer {
  readonly fake = new FakeConnection();
  readonly connection: RtmpConnection;

  constructor(context: RtmpConnectionContext) {
    this.connection = new RtmpConnection(context, this.fake);
  }

  get statuses(): string[] {
    return this.#information("code");
  }

  get descriptions(): string[] {
    return this.#information("description");
  }

  publish(app: string, name: string): void {
    this.#open(app);
    this.command(1, "publish", 3, null, name, "live");
  }

  play(app: string, name: string): void {
    this.#open(app);
    this.command(1, "play", 3, null, name, -1_000);
  }

  send(timestamp: number, body: Uint8Array): void {
    this.connection.handleBytes(writeMessage(6, timestamp, messageTypeId.video, 1, body, 128));
  }

  command(messageStreamId: number, name: string, transactionId: number, ...values: readonly AmfValue[]): void {
    const [commandObject = null, ...rest] = values;
    const payload = writeCommand({ name, transactionId, commandObject, arguments: rest });
    this.connection.handleBytes(writeMessage(3, 0, messageTypeId.commandAmf0, messageStreamId, payload, 128));
  }

  #open(app: string): void {
    const hello = new Uint8Array(1 + 2 * 1536);
    hello[0] = 3;
    this.connection.handleBytes(hello);
    this.command(0, "connect", 1, makeAmfObject({ app }));
    this.command(0, "createStream", 2, null);
  }

  #information(key: string): string[] {
    const reader = new ChunkReader();
    reader.handle(Buffer.concat(this.fake.sent).subarray(1 + 2 * 1536));
    const found: string[] = [];
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
      if (message.type !== "command") continue;
      const command = parseCommand(message.typeId, message.payload);
      if (command.name === "onStatus") found.push(String(amfObject(command.arguments[0])?.fields.get(key)));
    }
    return found;
  }
}

class FakeConnection implements Connection {
  readonly remoteAddress = "192.0.2.7";
  readonly remotePort = 50_000;
  readonly isEncrypted = false;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly sent: Uint8Array[] = [];
  isDestroyed = false;

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  play(): Play {
    return { finish: () => {}, stop: () => {}, isPaused: false, pause: () => {} };
  }

  end(): void {}

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** An H.264 key frame with a number in it. */
function frame(number: number, byteLength: number): Uint8Array {
  const body = new Uint8Array(byteLength);
  body.set([0x17, 1, 0, 0, 0, 0, 0, (byteLength - 9) >> 8, (byteLength - 9) & 0xff, 0x65, number]);
  return body;
}

/** Everything that was decided has been acted upon. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client that sends C0 and a C1 that may have a digest, and waits for the server's answer or its end. */
async function shake(port: number): Promise<{ socket: ReturnType<typeof connect>; closed: Promise<unknown> }> {
  const socket = connect({ host: "127.0.0.1", port });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on("close", () => resolve());
  const answered = new Promise<void>((done) => socket.once("data", () => done()));
  const hello = new Uint8Array(1 + 1536);
  hello.set([3, 0, 0, 0, 0, 9, 0, 0x7c, 2]);
  socket.write(hello);
  await Promise.race([answered, closed]);
  return { socket, closed };
}

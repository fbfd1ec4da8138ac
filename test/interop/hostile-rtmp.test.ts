/** Bad RTMP from the network: each kind gets its error, is counted, and is felt by nobody else. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeAmfObject } from "../../src/formats/amf/amf-value.ts";
import { writeMessage } from "../../src/protocols/rtmp/chunk-writer.ts";
import { writeCommand } from "../../src/protocols/rtmp/message/command.ts";
import { writeData } from "../../src/protocols/rtmp/message/data.ts";
import { messageTypeId } from "../../src/protocols/rtmp/message/message-type.ts";
import { Canary } from "../support/raw-canary.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { cpuMs, expectCounted, expectQuietLog, growthDuring } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  // Ends the server when anything has been added to what all objects inherit.
  const watch =
    "const count = () => Reflect.ownKeys(Object.prototype).length; const before = count();" +
    "setInterval(() => { if (count() !== before) process.exit(70); }, 10).unref();";
  server = resources.use(await startServer({ nodeOptions: ["--import", `data:text/javascript,${encodeURI(watch)}`] }));
  canary = resources.use(await Canary.start(server));
});
afterEach(() => canary.expectNothingLost());
afterAll(async () => {
  try {
    expectQuietLog(server);
  } finally {
    await resources.disposeAsync();
  }
});

describe.concurrent("deadlines", () => {
  test("500 half-open connections are all closed 5 s after they came", async () => {
    using peers = new DisposableStack();
    await expectCounted(server, "ERR_RTMP_HANDSHAKE_TIMEOUT", 500, async () => {
      const halfOpen = Array.from({ length: 500 }, () => peers.use(new RawRtmp(server.rtmpPort)));
      for (const peer of halfOpen) peer.write(Uint8Array.of(3));
      const lifetimesMs = await Promise.all(halfOpen.map(({ closed }) => closed));
      expect(Math.min(...lifetimesMs)).toBeGreaterThan(4_900);
      expect(Math.max(...lifetimesMs)).toBeLessThan(6_500);
    });
  });

  test("a handshake that comes byte by byte has no more time than any other", async () => {
    using peer = new RawRtmp(server.rtmpPort);
    peer.write(Uint8Array.of(3));
    const timer = setInterval(() => peer.write(Uint8Array.of(0)), 100);
    const lifetimeMs = await peer.closed;
    clearInterval(timer);
    expect(lifetimeMs).toBeLessThan(6_500);
  });

  test.for<readonly [string, start: (peer: RawRtmp) => void, goOn: (peer: RawRtmp) => void]>([
    ["nothing at all", () => {}, () => {}],
    ["pings only", sendPing, sendPing],
    ["one long command", (peer) => peer.write(headerOf(3, 20, 65_000)), (peer) => peer.write(new Uint8Array(1))],
  ])("10 s after the handshake, without connect: %s", async ([, start, goOn]) => {
    const peer = await RawRtmp.shaken(server.rtmpPort);
    start(peer);
    const timer = setInterval(() => goOn(peer), 100);
    const lifetimeMs = await peer.closed;
    clearInterval(timer);
    expect(lifetimeMs).toBeGreaterThan(9_900);
    expect(lifetimeMs).toBeLessThan(11_500);
  });

  test.for<readonly [string, (peer: RawRtmp) => void]>([
    ["nothing", () => {}],
    ["createStream and deleteStream, again and again", createAndDelete],
  ])("10 s after connect, without publish or play: %s", async ([, send]) => {
    await expectCounted(server, "ERR_RTMP_COMMAND_TIMEOUT", 1, async () => {
      const peer = await RawRtmp.connected(server.rtmpPort);
      const timer = setInterval(() => send(peer), 100);
      const lifetimeMs = await peer.closed;
      clearInterval(timer);
      expect(lifetimeMs).toBeGreaterThan(9_900);
      expect(lifetimeMs).toBeLessThan(11_500);
    });
  });

  test("a publisher that dribbles one message of 16 MiB is silent, and goes as one that is", async () => {
    const peer = await RawRtmp.publishing(server.rtmpPort, "live/dribbled");
    peer.write(headerOf(6, messageTypeId.video, maxMessageBytes));
    const timer = setInterval(() => peer.write(new Uint8Array(10)), 100);
    const lifetimeMs = await peer.closed;
    clearInterval(timer);
    expect(lifetimeMs).toBeLessThan(12_000);
    expect((await server.stats()).active_streams).not.toContain("live/dribbled");
  });
});

describe("chunks", () => {
  test("a chunk size of 2^31 - 1 is taken as 1 MiB, and allocates nothing", async () => {
    using peers = new DisposableStack();
    const growthBytes = await growthDuring(server, async () => {
      for (let i = 0; i < 100; i++) {
        const peer = peers.use(await RawRtmp.shaken(server.rtmpPort));
        peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
        peer.write(headerOf(3, messageTypeId.commandAmf0, 1024 * 1024), new Uint8Array(100));
      }
      await settled(server);
    });
    expect(growthBytes / 100).toBeLessThan(256 * 1024);

    const peer = peers.use(await RawRtmp.publishing(server.rtmpPort, "live/large-chunks"));
    peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
    peer.message(messageTypeId.video, 1, new Uint8Array(900_000), 0x7fff_ffff);
    await expectCounted(server, "ERR_RTMP_CHUNK_TOO_LONG", 1, async () => {
      peer.write(headerOf(6, messageTypeId.video, 1024 * 1024 + 1));
      await peer.closed;
    });
  });

  test.each([
    ["0", [0, 0, 0, 0]],
    ["2^31", [0x80, 0, 0, 0]],
  ])("a chunk size of %s is refused", async (_name, bytes) => {
    await expectClosed("ERR_RTMP_CHUNK_SIZE", (peer) => {
      peer.message(messageTypeId.setChunkSize, 0, Uint8Array.from(bytes));
    });
  });

  test("chunks of one byte cost their sender the connection, and the server no more than good ones", async () => {
    const message = new Uint8Array(8 * 1024 * 1024);
    const attack = writeMessage(6, 0, messageTypeId.video, 1, message, 1);
    const count = 20;
    const beforeMs = cpuMs(server);
    for (let i = 0; i < count; i++) {
      using peer = await RawRtmp.publishing(server.rtmpPort, `live/good-chunks-${i}`);
      peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0, 0, 0x10, 0));
      for (let sent = 0; sent < attack.length; sent += message.length) {
        peer.message(messageTypeId.video, 1, message, 0x1000);
      }
      await peer.written();
      await settled(server);
    }
    const goodMs = cpuMs(server) - beforeMs;
    await expectCounted(server, "ERR_RTMP_CHUNKS_TOO_SMALL", count, async () => {
      for (let i = 0; i < count; i++) {
        using peer = await RawRtmp.publishing(server.rtmpPort, `live/one-byte-${i}`);
        peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0, 0, 0, 1));
        peer.write(attack);
        await peer.closed;
      }
    });
    const attackMs = cpuMs(server) - beforeMs - goodMs;
    expect(attackMs, `CPU time, where good messages of as many bytes take ${goodMs} ms`).toBeLessThan(3 * goodMs + 100);
  });

  test("a 65th chunk stream", async () => {
    await expectClosed("ERR_RTMP_TOO_MANY_CHUNK_STREAMS", (peer) => {
      for (let id = 4; id < 4 + 65; id++) peer.write(headerOf(id, messageTypeId.audio, 200), new Uint8Array(128));
    });
  });

  test("more than 64 chunk streams with the highest numbers", async () => {
    await expectClosed("ERR_RTMP_TOO_MANY_CHUNK_STREAMS", (peer) => {
      for (let id = 65_500; id < 65_600; id++) {
        peer.write(headerOf(id, messageTypeId.audio, 200), new Uint8Array(128));
      }
    });
  });

  test("incomplete messages hold 64 KiB before publish", async () => {
    await expectClosed("ERR_RTMP_PARTIAL_BYTES", (peer) => {
      peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0, 0, 0x40, 0));
      for (let id = 10; id < 20; id++) {
        peer.write(headerOf(id, messageTypeId.commandAmf0, 65_000), new Uint8Array(0x4000));
      }
    });
  });

  test("incomplete messages hold 16 MiB after publish", async () => {
    const growthBytes = await growthDuring(server, async () => {
      await expectCounted(server, "ERR_RTMP_PARTIAL_BYTES", 1, async () => {
        using peer = await RawRtmp.publishing(server.rtmpPort, "live/partial");
        peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0, 0x0f, 0xff, 0xff));
        for (let id = 10; id < 60; id++) {
          peer.write(headerOf(id, messageTypeId.video, maxMessageBytes), new Uint8Array(0xfffff));
        }
        await peer.closed;
      });
    });
    expect(growthBytes).toBeLessThan(80 * 1024 * 1024);
  });

  test("a chunk that goes on with what never began", async () => {
    await expectClosed("ERR_RTMP_CHUNK_ORDER", (peer) => peer.write(Uint8Array.of(0xc7, 1, 2, 3)));
  });

  test("another protocol on the RTMP port", async () => {
    await expectCounted(server, "ERR_RTMP_VERSION", 1, async () => {
      using peer = new RawRtmp(server.rtmpPort);
      peer.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      await peer.closed;
    });
  });

  test("who asks and never reads the answers is not written to without end", async () => {
    const growthBytes = await growthDuring(server, async () => {
      using peer = await RawRtmp.publishing(server.rtmpPort, "live/deaf");
      peer.stopReading();
      const payload = writeCommand({ name: "x".repeat(30), transactionId: 1, commandObject: "y", arguments: [] });
      const question = writeMessage(3, 0, messageTypeId.commandAmf0, 1, payload, 128);
      const many = new Uint8Array(question.length * 2_000);
      for (let i = 0; i < 2_000; i++) many.set(question, i * question.length);
      await waitFor("the end of it", async () => {
        if (peer.queuedBytes < 1_000_000) peer.write(many);
        return !(await server.stats()).active_streams.includes("live/deaf");
      });
    });
    expect(growthBytes).toBeLessThan(100 * 1024 * 1024);
  });
});

describe("AMF", () => {
  test.each([
    ["objects", [3, 0, 1, 0x61]],
    ["strict arrays", [10, 0, 0, 0, 1]],
    ["ECMA arrays", [8, 0, 0, 0, 1, 0, 1, 0x61]],
  ])("nested %s in connect", async (_name, level) => {
    await expectClosed("ERR_AMF_DEPTH", (peer) => {
      const start = [2, 0, 7, ...new TextEncoder().encode("connect"), 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
      const count = Math.floor(60_000 / level.length);
      const nested = Uint8Array.from({ length: count * level.length }, (_, index) => level[index % level.length]!);
      peer.message(messageTypeId.setChunkSize, 0, Uint8Array.of(0, 1, 0, 0));
      peer.message(messageTypeId.commandAmf0, 0, Uint8Array.of(...start, ...nested), 0x1_0000);
    });
  });

  test("100,000 nested objects in onMetaData", async () => {
    await expectCounted(server, "ERR_AMF_DEPTH", 1, async () => {
      using peer = await RawRtmp.publishing(server.rtmpPort, "live/nested");
      const nested = Uint8Array.from({ length: 400_000 }, (_, index) => [3, 0, 1, 0x61][index % 4]!);
      const name = [2, 0, 10, ...new TextEncoder().encode("onMetaData")];
      const payload = new Uint8Array(name.length + nested.length);
      payload.set(name);
      payload.set(nested, name.length);
      peer.message(messageTypeId.dataAmf0, 1, payload);
      await waitFor("the server's answer", async () => (await server.stats()).errors["ERR_AMF_DEPTH"]);
    });
  });

  test.each([
    ["an ECMA array of 2^32 - 1 fields", [8, 0xff, 0xff, 0xff, 0xff, 0, 0, 9]],
    ["a strict array of 2^32 - 1 values", [10, 0xff, 0xff, 0xff, 0xff, 5]],
    ["a long string of 2^32 - 1 bytes", [12, 0xff, 0xff, 0xff, 0xff, 0x61]],
  ])("%s allocates nothing", async (_name, value) => {
    const growthBytes = await growthDuring(server, async () => {
      using peer = await RawRtmp.shaken(server.rtmpPort);
      const start = [2, 0, 7, ...new TextEncoder().encode("connect"), 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
      peer.message(messageTypeId.commandAmf0, 0, Uint8Array.of(...start, ...value));
      await peer.closed;
    });
    expect(growthBytes).toBeLessThan(32 * 1024 * 1024);
  });

  test.each([
    ["a truth value", false],
    ["a number", 4711],
    ["null", null],
    ["an object", makeAmfObject({ toString: "x" })],
    ["a list", ["live"]],
  ])("%s as the stream's name", async (_name, value) => {
    await expectCounted(server, "ERR_RTMP_COMMAND_ARGUMENT", 1, async () => {
      using peer = await RawRtmp.withStream(server.rtmpPort);
      peer.command(1, "publish", 3, null, value, "live");
      await peer.closed;
      expect(peer.statuses).toEqual(["NetStream.Publish.BadName"]);
    });
  });

  test("keys that mean something to JavaScript mean nothing", async () => {
    const fields = { app: "live", ["__proto__"]: 1, constructor: 2, prototype: 3, toString: 4, hasOwnProperty: 5 };
    const inner = makeAmfObject({ polluted: true });
    const object = makeAmfObject({ ...fields, nested: makeAmfObject({ ["__proto__"]: inner, constructor: inner }) });
    using peer = await RawRtmp.shaken(server.rtmpPort);
    const withProto = { ...object, fields: new Map([...object.fields, ["__proto__", inner] as const]) };
    peer.command(0, "connect", 1, withProto);
    await peer.answer("_result");
    peer.commands.length = 0;
    peer.command(0, "createStream", 2, null);
    await peer.answer("_result");
    peer.command(1, "publish", 3, null, "proto", "live");
    await peer.status("NetStream.Publish.Start");
    const { fields: metaFields } = withProto;
    const metadata = { ...object, isArray: true, fields: new Map([...metaFields, ["__proto__", "polluted"] as const]) };
    for (const value of [withProto, metadata]) {
      peer.message(messageTypeId.dataAmf0, 1, writeData("@setDataFrame", "onMetaData", value));
    }
    await waitFor("the stream", async () => (await server.stats()).active_streams.includes("live/proto"));
    expect(peer.isClosed).toBe(false);
  });
});

/** What one connection, with its handshake done, gets for what `send` sends: this error, counted once, and the end. */
async function expectClosed(code: string, send: (peer: RawRtmp) => void): Promise<void> {
  await expectCounted(server, code, 1, async () => {
    using peer = await RawRtmp.shaken(server.rtmpPort);
    send(peer);
    await peer.closed;
  });
}

/** A chunk header of format 0, for any chunk stream and any declared length. */
function headerOf(chunkStream: number, typeId: number, length: number): Uint8Array {
  const id = chunkStream < 64 ? [chunkStream] : [1, (chunkStream - 64) & 0xff, (chunkStream - 64) >> 8];
  return Uint8Array.of(...id, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff, typeId, 1, 0, 0, 0);
}

function sendPing(peer: RawRtmp): void {
  peer.message(messageTypeId.userControl, 0, Uint8Array.of(0, 6, 0, 0, 0, 1));
}

function createAndDelete(peer: RawRtmp): void {
  peer.command(0, "createStream", 2, null);
  peer.command(0, "deleteStream", 0, null, 1);
}

/** When everything that was sent so far has been read: a server that answers a request has come round its event loop. */
async function settled(target: TestServer): Promise<void> {
  await target.stats();
  await target.stats();
}

/** The length field has 24 bits. */
const maxMessageBytes = 0xff_ffff;

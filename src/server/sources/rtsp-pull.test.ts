import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../test/support/kernel.ts";
import { writeU16, writeU32 } from "../../bytes/byte-writer.ts";
import { Engine } from "../../kernel/engine.ts";
import type { RtspCrypto } from "../../protocols/rtsp/digest.ts";
import { writeInterleaved } from "../../protocols/rtsp/interleaved.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Connection, ConnectionHandler, ConnectOptions, Transport } from "../../runtime/transport.ts";
import type { OutboundEvent, PullOrder } from "../outbound/calls.ts";
import type { OutboundContext } from "../outbound/outbound-try.ts";
import { type CameraCase, type CameraPacket, cameraCases, usualSections } from "./camera.cases.ts";
import { RtspPull } from "./rtsp-pull.ts";

describe("a pull", () => {
  test.each(cameraCases)("$name", async (camera) => {
    const bench = new Bench(camera);
    await bench.settled();
    if (camera.errorCode !== undefined) {
      expect(bench.events).toMatchObject([{ type: "failed", failure: { code: camera.errorCode } }]);
      return;
    }
    expect(bench.failures).toEqual([]);
    expect(bench.frames()).toBe([...camera.frames].sort().join(""));
    const stream = bench.engine.getStream("live/cam")!;
    if (camera.tracks !== undefined) {
      expect(stream.tracks.map(({ format }) => `${format.codec}/${format.timescale}`)).toEqual(camera.tracks);
    }
    if (camera.setUps !== undefined) {
      expect(bench.setUps).toHaveLength(camera.setUps.length);
      for (const [at, wanted] of camera.setUps.entries()) expect(bench.setUps[at]).toContain(wanted);
    }
    expect(bench.events.map(({ type }) => type)).toEqual(["running"]);
    bench.pull.close("enough");
    // What has no name can't be ended; the connection can.
    const hasSession = !camera.name.includes("never names a session");
    expect(bench.requests.at(-1)).toBe(hasSession ? "TEARDOWN" : "PLAY");
    expect(stream.state).toBe("idle");
  });

  test("asks each address of a host, and gives up after the last", async () => {
    const bench = new Bench(cameraCases[0]!, "refused");
    await bench.settled();
    expect(bench.events).toMatchObject([{ type: "failed", failure: { code: "ERR_CONNECT" } }]);
    expect(bench.events).toHaveLength(1);
  });

  test("does not wait for ever for a connection", async () => {
    const bench = new Bench(cameraCases[0]!, "silent");
    await bench.settled();
    bench.clock.nowMs += 4_999;
    bench.pull.handleTime(bench.clock.nowMs);
    expect(bench.events).toEqual([]);
    bench.clock.nowMs += 1;
    bench.pull.handleTime(bench.clock.nowMs);
    expect(bench.events).toMatchObject([{ failure: { code: "ERR_CONNECT" } }]);
    expect(bench.events[0]).toMatchObject({ failure: { message: "127.0.0.1 did not answer within 5000 ms" } });
  });

  test("ends when the engine does, because nothing comes any more", async () => {
    const bench = new Bench(cameraCases[0]!);
    await bench.settled();
    bench.engine.tick(); // it looks now and then whether anything has come
    bench.clock.nowMs += 60_000;
    bench.engine.tick();
    expect(bench.events).toMatchObject([
      { type: "running" },
      { type: "failed", failure: { code: "ERR_SOURCE_SILENT" } },
    ]);
    expect(bench.requests.at(-1)).toBe("TEARDOWN");
  });

  test("of a stream that somebody publishes ends, and leaves it alone", async () => {
    const bench = new Bench(cameraCases[0]!);
    const publication = await bench.engine.publish({ name: "live/cam", protocol: "rtmp" });
    await bench.settled();
    expect(bench.events).toMatchObject([{ type: "failed", failure: { code: "ERR_STREAM_BUSY" } }]);
    expect(publication.isEnded).toBe(false);
  });
});

const order: PullOrder = {
  ...{ kind: "pull", tryId: 7, stream: "live/cam", fingerprint: "", transport: "tcp" },
  ...{ url: "rtsp://admin:secret@127.0.0.1/cam", redirectCount: 0, sentBy: undefined },
};

const crypto: RtspCrypto = {
  randomBytes: (length) => new Uint8Array(length),
  md5: (data) => createHash("md5").update(data).digest(),
  sha256: (data) => createHash("sha256").update(data).digest(),
};

/** A pull whose camera is a table. */
class Bench {
  readonly clock = new ManualClock();
  readonly engine = new Engine({ clock: this.clock });
  readonly events: OutboundEvent[] = [];
  readonly failures: unknown[] = [];
  readonly requests: string[] = [];
  readonly setUps: string[] = [];
  readonly pull: RtspPull;
  readonly #camera: CameraCase;
  #handler: ConnectionHandler | undefined;
  #challenged = false;

  constructor(camera: CameraCase, network: "open" | "refused" | "silent" = "open") {
    this.#camera = camera;
    const connect = (_: ConnectOptions, createHandler: (connection: Connection) => ConnectionHandler): Connection => {
      const connection = { send: (bytes: Uint8Array) => this.#answer(bytes), end: () => {}, destroy: () => {} };
      this.#handler = createHandler(connection as unknown as Connection);
      queueMicrotask(() => {
        if (network === "open") this.#handler?.handleConnect?.();
        else if (network === "refused") this.#handler?.handleClose("ECONNREFUSED");
      });
      return connection as unknown as Connection;
    };
    const context: OutboundContext = {
      streams: this.engine as unknown as StreamAccess,
      transport: { connect } as unknown as Transport,
      crypto,
      playOptions: undefined as never,
      identityOf: undefined as never,
      nowMs: this.clock.monotonicMs,
      random: () => 0.5,
      onProblem: () => {},
      onFailure: (error) => this.failures.push(error),
      tell: (event) => this.events.push(event),
      ended: (_, event) => this.events.push(event),
    };
    this.pull = new RtspPull(order, context);
  }

  /** What is asynchronous in it has happened. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Of the stream, sorted: what comes of which track first is the clocks' business. */
  frames(): string {
    const { totals } = this.engine.getStream("live/cam")!.qos;
    const { keyFrameCount, videoFrameCount, audioFrameCount } = totals;
    const others = videoFrameCount - keyFrameCount;
    return [..."K".repeat(keyFrameCount), ..."P".repeat(others), ..."a".repeat(audioFrameCount)].sort().join("");
  }

  #answer(bytes: Uint8Array): void {
    const request = new TextDecoder().decode(bytes);
    const [method = "", url = ""] = request.split(" ");
    if (bytes[0] === 0x24) return; // a report of ours
    this.requests.push(method);
    const { answers = {}, early = [], packets = [] } = this.#camera;
    const special = answers[method] ?? [];
    const isChallenge = special[0]?.includes("401") === true;
    const lines = special.length === 0 || (isChallenge && this.#challenged) ? this.#usual(method) : special;
    this.#challenged ||= isChallenge;
    if (method === "SETUP") this.setUps.push(url);
    const body = method === "DESCRIBE" && lines[0]?.includes("200") ? this.#description() : "";
    const values = new Map([
      ["{cseq}", /^CSeq: (.*)$/m.exec(request)?.[1]?.trim() ?? ""],
      ["{transport}", /^Transport: (.*)$/m.exec(request)?.[1]?.trim() ?? ""],
    ]);
    const head = [...lines, ...(body === "" ? [] : [`Content-Length: ${body.length}`])]
      .map((line) => line.replaceAll(/\{\w+\}/g, (name) => values.get(name) ?? ""))
      .join("\r\n");
    const answer = new TextEncoder().encode(`${head}\r\n\r\n${body}`);
    // As it comes: not within the call that sends the request.
    queueMicrotask(() => {
      if (method !== "PLAY") {
        this.#handler?.handleBytes(answer);
        return;
      }
      // All in one piece, as a camera does that is quick.
      this.#handler?.handleBytes(Buffer.concat([...early.map(frameOf), answer, ...packets.map(frameOf)]));
    });
  }

  #usual(method: string): readonly string[] {
    const ok = ["RTSP/1.0 200 OK", "CSeq: {cseq}"];
    switch (method) {
      case "OPTIONS":
        return [...ok, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"];
      case "DESCRIBE":
        return [...ok, "Content-Type: application/sdp", "Content-Base: rtsp://127.0.0.1/cam/"];
      case "SETUP":
        return [...ok, "Session: 1;timeout=60", "Transport: {transport}"];
      default:
        return [...ok, "Session: 1"];
    }
  }

  #description(): string {
    const { sdp = usualSections } = this.#camera;
    const isWhole = sdp[0]?.startsWith("v=") === true || sdp.length === 3;
    const session = isWhole ? [] : ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=Camera", "t=0 0", "a=control:*"];
    return [...session, ...sdp].map((line) => `${line}\r\n`).join("");
  }
}

function frameOf(packet: CameraPacket): Uint8Array {
  const {
    channel = 0,
    payloadType = 96,
    sequence,
    timestamp,
    ssrc = 0x1234,
    isLast = false,
    padding = 0,
    payload,
  } = packet;
  const bytes = new Uint8Array(12 + payload.length + padding);
  bytes[0] = padding > 0 ? 0xa0 : 0x80;
  bytes[1] = (isLast ? 0x80 : 0) | payloadType;
  writeU16(bytes, 2, sequence);
  writeU32(bytes, 4, timestamp);
  writeU32(bytes, 8, ssrc);
  bytes.set(payload, 12);
  if (padding > 0) bytes[bytes.length - 1] = padding;
  return writeInterleaved(channel, bytes);
}

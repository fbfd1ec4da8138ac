import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import type { Connection, ConnectionHandler, ConnectOptions, Transport } from "../../runtime/transport.ts";
import type { OutboundEvent, PullOrder } from "./calls.ts";
import { OutboundService } from "./outbound-service.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A service whose network is a list of connections that were asked for. */
class Bench {
  readonly asked: string[] = [];
  readonly handlers: ConnectionHandler[] = [];
  readonly destroyed: string[] = [];
  readonly events: OutboundEvent[] = [];
  readonly failures: unknown[] = [];
  nowMs = 0;
  readonly service: OutboundService;

  constructor() {
    const connectTo = ({ host }: ConnectOptions, createHandler: (to: Connection) => ConnectionHandler): Connection => {
      this.asked.push(host);
      const end = (): unknown => this.destroyed.push(host);
      const connection = { send: () => {}, end, destroy: end } as unknown as Connection;
      this.handlers.push(createHandler(connection));
      return connection;
    };
    this.service = new OutboundService({
      ...{ streams: undefined as never, playOptions: undefined as never, identityOf: undefined as never },
      crypto: { randomBytes: (length) => new Uint8Array(length), md5: undefined as never, sha256: undefined as never },
      transport: { connect: connectTo } as unknown as Transport,
      nowMs: () => this.nowMs,
      random: () => 0.5,
      onProblem: () => {},
      onFailure: (error) => this.failures.push(error),
      tell: (event) => this.events.push(event),
      shutdownTimeoutMs: 1_000,
    });
    this.service.start();
  }

  async open(order: Partial<PullOrder> = {}): Promise<void> {
    this.service.open({
      ...{ kind: "pull", tryId: 1, stream: "live/cam", fingerprint: "", transport: "tcp" },
      ...{ url: "rtsp://127.0.0.1/x", redirectCount: 0, sentBy: undefined },
      ...order,
    });
    await this.turn();
  }

  async turn(): Promise<void> {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a try is known by its number until it ends, and looked after in between", async () => {
  const bench = new Bench();
  await bench.open();
  expect(bench.service.report()).toMatchObject([{ tryId: 1, address: "127.0.0.1" }]);
  bench.nowMs = 5_000;
  vi.advanceTimersByTime(100);
  expect(bench.events).toMatchObject([{ type: "failed", tryId: 1, failure: { code: "ERR_CONNECT" } }]);
  expect(bench.service.report()).toEqual([]);
  bench.service.close(1, "too late");
  expect(bench.events).toHaveLength(1);
});

test("an address that may not be ends a try with a word, and is not asked", async () => {
  const bench = new Bench();
  await bench.open({ url: "rtsp://127.0.0.1/x", sentBy: "93.184.216.34" });
  expect(bench.events).toMatchObject([{ type: "failed", failure: { code: "ERR_REDIRECT_FORBIDDEN" } }]);
  expect(bench.asked).toEqual([]);
});

test("a mistake of ours costs the try that it happens in, once", async () => {
  const bench = new Bench();
  await bench.open();
  bench.handlers[0]?.handleConnect?.();
  bench.nowMs = 60_000;
  const boom = new Error("boom");
  vi.spyOn(RtspClientSession.prototype, "nextTimeout").mockImplementation(() => {
    throw boom;
  });
  vi.advanceTimersByTime(1_000);
  vi.restoreAllMocks();
  expect(bench.failures).toEqual([boom]);
  expect(bench.events).toHaveLength(1);
  expect(bench.service.report()).toEqual([]);
});

test("stopping ends all tries in order, and takes no new ones", async () => {
  const bench = new Bench();
  await bench.open();
  bench.handlers[0]?.handleConnect?.();
  await bench.service.stop();
  expect(bench.destroyed).toEqual(["127.0.0.1"]);
  expect(bench.events).toHaveLength(1);
  await bench.open({ tryId: 2 });
  expect(bench.asked).toHaveLength(1);
});

import { describe, expect, it } from "vitest";
import { writeMessage } from "./chunk-writer.ts";
import { messageTypeId } from "./message/message-type.ts";
import { parseUserControl, writeUserControl } from "./message/user-control.ts";
import { clientHello, connectChunk, playChunks, publishChunks, ServerBench } from "./pair.cases.ts";

describe("the handshake", () => {
  it("has 5 s", () => {
    const bench = new ServerBench();
    expect(bench.session.nextTimeout()).toBe(bench.now + 5_000);
    bench.advance(4_999);
    expect(bench.find("closed")).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTMP_HANDSHAKE_TIMEOUT");
  });

  it("is not given more time for single bytes", () => {
    const bench = new ServerBench();
    for (const byte of clientHello().subarray(0, 10)) {
      bench.handle(Uint8Array.of(byte));
      bench.advance(499);
    }
    bench.advance(10);
    expect(bench.errorCode).toBe("ERR_RTMP_HANDSHAKE_TIMEOUT");
  });
});

describe("from the handshake to publish or play", () => {
  it("there are 10 s", () => {
    const bench = new ServerBench();
    bench.handle(clientHello());
    bench.advance(5_000);
    bench.handle(connectChunk());
    bench.advance(4_999);
    expect(bench.find("closed")).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTMP_COMMAND_TIMEOUT");
  });

  it("the time that we take to decide does not count", () => {
    const bench = new ServerBench({ pingIntervalMs: 0 });
    bench.handle(...publishChunks());
    expect(bench.session.nextTimeout()).toBeUndefined();
    bench.advance(60_000);
    expect(bench.find("closed")).toBeUndefined();
  });

  it("there are the same 10 s after a rejection", () => {
    const rejected = new ServerBench();
    rejected.handle(...publishChunks());
    rejected.advance(6_000);
    rejected.session.rejectPublish(1, "denied", "no");
    rejected.advance(3_999);
    expect(rejected.find("closed")).toBeUndefined();
    rejected.advance(1);
    expect(rejected.errorCode).toBe("ERR_RTMP_COMMAND_TIMEOUT");
  });

  it("there are 10 s again after the end of a play", () => {
    const ended = new ServerBench();
    ended.handle(...playChunks());
    ended.session.acceptPlay(1, ended.now);
    ended.advance(30_000);
    expect(ended.find("closed")).toBeUndefined();
    ended.session.handle(new Uint8Array(0), ended.now);
    ended.session.endPlay(1);
    ended.advance(10_000);
    expect(ended.errorCode).toBe("ERR_RTMP_COMMAND_TIMEOUT");
  });
});

describe("ping", () => {
  const options = { pingIntervalMs: 60_000, pingTimeoutMs: 30_000 };

  function playing(): ServerBench {
    const bench = new ServerBench(options);
    bench.handle(...playChunks());
    bench.session.acceptPlay(1, bench.now);
    bench.takeMessages();
    return bench;
  }

  function pings(bench: ServerBench): number[] {
    return bench
      .takeMessages()
      .filter(({ typeId }) => typeId === messageTypeId.userControl)
      .map(({ payload }) => parseUserControl(payload))
      .flatMap((control) => (control.event === "ping-request" ? [control.timestamp] : []));
  }

  it("goes out after the interval, with the time since the start", () => {
    const bench = playing();
    bench.advance(59_999);
    expect(pings(bench)).toEqual([]);
    bench.advance(1);
    expect(pings(bench)).toEqual([60_000]);
  });

  it("answered, goes out again after the interval", () => {
    const bench = playing();
    for (let i = 0; i < 3; i++) {
      bench.advance(60_000);
      expect(pings(bench).length).toBe(1);
      const payload = writeUserControl({ event: "ping-response", timestamp: 1 });
      bench.handle(writeMessage(2, 0, messageTypeId.userControl, 0, payload, 128));
    }
    expect(bench.find("closed")).toBeUndefined();
  });

  it("answered by any byte will do", () => {
    const bench = playing();
    bench.advance(89_999);
    bench.handle(Uint8Array.of(0x02));
    bench.advance(30_000);
    expect(bench.find("closed")).toBeUndefined();
  });

  it("unanswered ends the session, with its stream", () => {
    const bench = playing();
    bench.advance(89_999);
    expect(bench.find("closed")).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTMP_PING_TIMEOUT");
    expect(bench.find("stop")).toBeDefined();
  });

  it("of the peer is answered with its own timestamp", () => {
    const bench = playing();
    const payload = writeUserControl({ event: "ping-request", timestamp: 0xdead_beef });
    bench.handle(writeMessage(2, 0, messageTypeId.userControl, 0, payload, 128));
    const [answer] = bench.takeMessages();
    expect(answer?.payload.toHex()).toBe("0007deadbeef");
  });
});

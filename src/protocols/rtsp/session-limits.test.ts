import { describe, expect, it } from "vitest";
import { writeInterleaved } from "./interleaved.ts";
import {
  bytesOf,
  decideNothing,
  playingServer,
  playRequests,
  recordingServer,
  ServerBench,
  testSdp,
  wire,
} from "./pair.cases.ts";

describe("bad input", () => {
  const cases: [name: string, input: string, code: number | undefined, error: string][] = [
    ["other bytes", "\u0000\u0001", 400, "ERR_RTSP_MESSAGE"],
    ["HTTP", "GET / HTTP/1.1\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["RTSP 2.0", "OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505, "ERR_RTSP_VERSION"],
    ["no version", "OPTIONS *\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["a folded header", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n folded\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["a space before the colon", "OPTIONS * RTSP/1.0\r\nCSeq : 1\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["a NUL", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: \u0000\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["a bare CR", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: a\rY: b\r\n\r\n", 400, "ERR_RTSP_MESSAGE"],
    ["101 headers", `OPTIONS * RTSP/1.0\r\n${"X: y\r\n".repeat(101)}\r\n`, 400, "ERR_RTSP_TOO_LONG"],
    ["255 headers", `OPTIONS * RTSP/1.0\r\n${"X: y\r\n".repeat(255)}\r\n`, 400, "ERR_RTSP_TOO_LONG"],
    ["a long address", `OPTIONS rtsp://h/${"a".repeat(5_200)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`, 400, "ERR_RTSP_TOO_LONG"],
    ["128 KiB of headers", `OPTIONS * RTSP/1.0\r\nX: ${"y".repeat(131_072)}\r\n\r\n`, 400, "ERR_RTSP_TOO_LONG"],
    [
      "a negative length",
      "ANNOUNCE * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n",
      400,
      "ERR_RTSP_CONTENT_LENGTH",
    ],
    ["1 GiB", "ANNOUNCE * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1073741824\r\n\r\n", 413, "ERR_RTSP_BODY_TOO_LONG"],
    [
      "128 KiB",
      `ANNOUNCE * RTSP/1.0\r\nContent-Length: 131072\r\n\r\n${"x".repeat(131_072)}`,
      413,
      "ERR_RTSP_BODY_TOO_LONG",
    ],
    [
      "10^20 bytes",
      "ANNOUNCE * RTSP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
      400,
      "ERR_RTSP_CONTENT_LENGTH",
    ],
    [
      "two lengths",
      "ANNOUNCE * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "ERR_RTSP_CONTENT_LENGTH",
    ],
    ["chunks", "ANNOUNCE * RTSP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "ERR_RTSP_CONTENT_LENGTH"],
  ];
  it.each(cases)("%s costs the connection", (_, input, code, error) => {
    const bench = new ServerBench();
    bench.handle(input);
    expect([bench.takeCodes()[0], bench.errorCode]).toEqual([code, error]);
    bench.handle(playRequests[0] as string);
    expect(bench.takeText()).toBe("");
  });

  it("the answer has the CSeq when there was one", () => {
    const bench = new ServerBench();
    bench.handle("ANNOUNCE * RTSP/1.0\r\nCSeq: 5\r\nContent-Length: 1000000\r\n\r\n");
    expect(bench.takeText()).toBe("RTSP/1.0 413 Request Entity Too Large\r\nCSeq: 5\r\n\r\n");
  });

  it.each(["", "\nCSeq: abc", "\nCSeq: -1", "\nCSeq: 99999999999"])(
    "a request with CSeq %j costs only itself",
    (cseq) => {
      const bench = new ServerBench();
      expect(bench.ask(`OPTIONS * RTSP/1.0${cseq}`)).toBe("RTSP/1.0 400 Bad Request\r\nServer: Millrace\r\n\r\n");
      expect(bench.askCode("OPTIONS * RTSP/1.0\nCSeq: 1")).toBe(200);
    },
  );

  it("behind a request that waits is told after its answer", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(`${playRequests[1]}${playRequests[0]}\u0001`, playRequests[0] as string);
    expect([bench.takeText(), bench.errorCode]).toEqual(["", undefined]);
    bench.session.reject(1, 404, bench.now);
    expect([bench.takeCodes(), bench.errorCode]).toEqual([[404, 200, 400], "ERR_RTSP_MESSAGE"]);
  });

  it("an answer to nothing is read over", () => {
    const bench = new ServerBench();
    bench.handle(wire("RTSP/1.0 200 OK\nCSeq: 1"), playRequests[0] as string);
    expect(bench.takeCodes()).toEqual([200]);
  });
});

describe("deadlines", () => {
  it("60 s of silence, before and between", () => {
    const bench = new ServerBench();
    bench.advance(59_999);
    bench.handle(playRequests[0] as string);
    bench.advance(59_999);
    expect(bench.find("closed")).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });

  it("10 s for a message, however its bytes come", () => {
    const bench = new ServerBench();
    for (const byte of bytesOf(playRequests[0] as string).subarray(0, 20)) {
      bench.handle(Uint8Array.of(byte));
      bench.advance(499);
    }
    bench.advance(20);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });

  it("the time that we take to decide does not count", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(playRequests[1] as string);
    expect(bench.session.nextTimeout()).toBeUndefined();
    bench.advance(600_000);
    bench.session.acceptDescribe(1, { sdp: testSdp, trackCount: 2 }, bench.now);
    expect(bench.session.nextTimeout()).toBe(bench.now + 60_000);
  });

  it("none for who plays over TCP; 60 s again when paused", () => {
    const bench = playingServer();
    bench.advance(3_600_000);
    expect(bench.find("closed")).toBeUndefined();
    bench.handle(wire("PAUSE rtsp://host/live/cam RTSP/1.0\nCSeq: 6"));
    bench.advance(60_000);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });

  it("30 s for who plays over UDP, and RTCP or a request begins them anew", () => {
    const bench = new ServerBench();
    const udp = playRequests.map((each) => each.replace(/RTP\/AVP\/TCP.*/, "RTP/AVP;unicast;client_port=5000-5001"));
    bench.handle(...udp);
    expect(bench.takeText()).toContain(";timeout=30\r\n");
    bench.advance(29_000);
    bench.session.handleUdpActivity(bench.now);
    bench.advance(29_000);
    expect(bench.askCode("GET_PARAMETER rtsp://host/live/cam RTSP/1.0\nCSeq: 6")).toBe(200);
    bench.advance(29_999);
    expect(bench.find("teardown")).toBeUndefined();
    bench.advance(1);
    expect(bench.events.slice(-2)).toMatchObject([{ type: "teardown" }, { error: { code: "ERR_RTSP_TIMEOUT" } }]);
  });

  it("60 s without a packet for a publisher over TCP", () => {
    const bench = recordingServer();
    bench.advance(50_000);
    bench.handle(writeInterleaved(0, Uint8Array.of(1)));
    bench.advance(59_999);
    bench.handle(writeInterleaved(7, Uint8Array.of(1))); // nobody's channel is no sign of life
    expect(bench.find("closed")).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });
});

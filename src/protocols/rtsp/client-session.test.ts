import { describe, expect, it } from "vitest";
import { clientCases } from "./client-session.cases.ts";
import { writeInterleaved } from "./interleaved.ts";
import { ClientBench, concat, Pair, randomPieces, sdpOf, seededRandom, testPublish, wire } from "./pair.cases.ts";

const packet = Uint8Array.of(0x80, 96, 0, 1, 2, 3);
const report = Uint8Array.of(0x80, 200, 0, 1, 2, 3);
const ok = "RTSP/1.0 200 OK";

/** Up to "ready", with one track on channels 0 and 1. */
function playingClient(publicMethods = "GET_PARAMETER", session = "1;timeout=60"): ClientBench {
  const bench = new ClientBench();
  bench.answer(`${ok}\nPublic: OPTIONS, ${publicMethods}`);
  bench.answer(ok, sdpOf(["trackID=0"]));
  bench.answer(`${ok}\nSession: ${session}`);
  bench.answer(ok);
  bench.takeText();
  return bench;
}

describe("devices", () => {
  it.each(clientCases)("$name", ({ options, steps, transports, errorCode }) => {
    const bench = new ClientBench(options);
    let request = bench.takeText();
    for (const step of steps) {
      if (typeof step.request === "string")
        expect(request.startsWith(step.request), `${step.request} ≠ ${request}`).toBe(true);
      else expect(request).toMatch(step.request);
      expect(request).not.toContain("@host");
      request = bench.answer(step.answer, step.body);
    }
    expect(bench.errorCode).toBe(errorCode);
    expect(bench.find("ready")?.tracks.map(({ transport }) => transport)).toEqual(transports);
  });

  it("each in any pieces, and from a server that says more than one thing at a time", () => {
    for (const { options, steps, transports, errorCode } of clientCases) {
      for (let seed = 1; seed <= 5; seed++) {
        const bench = new ClientBench(options);
        for (const { answer, body = "" } of steps) {
          const length = body === "" ? "" : `\nContent-Length: ${body.length}`;
          bench.handle(...randomPieces(new TextEncoder().encode(wire(answer + length) + body), seededRandom(seed)));
        }
        expect([bench.errorCode, bench.find("ready")?.tracks.map(({ transport }) => transport)]).toEqual([
          errorCode,
          transports,
        ]);
      }
    }
  });

  it("RTP-Info in another order, with relative addresses and impossible numbers", () => {
    const axis = clientCases.find(({ name }) => name === "RTP-Info of Axis");
    const bench = new ClientBench();
    for (const { answer, body } of axis?.steps ?? []) bench.answer(answer, body);
    expect(bench.find("ready")?.tracks).toMatchObject([
      { sequenceNumber: undefined, rtpTime: undefined },
      { sequenceNumber: 15727, rtpTime: 1171661503 },
    ]);
  });

  it("says where a redirection leads, and ends", () => {
    const bench = new ClientBench({ redirectCount: 4 });
    bench.answer(ok);
    bench.answer("RTSP/1.0 302 Moved Temporarily\nLocation: rtsp://other:8554/live?x=1");
    expect(bench.events).toEqual([
      { type: "redirect", url: "rtsp://other:8554/live?x=1", redirectCount: 5 },
      { type: "closed" },
    ]);
  });
});

describe("packets", () => {
  it("v4l2rtspserver (Retina #46): those from before the answer to PLAY come behind ready", () => {
    const bench = new ClientBench();
    bench.answer(ok);
    bench.answer(ok, sdpOf(["a", "b"]));
    bench.answer(`${ok}\nSession: 1`);
    bench.handle(writeInterleaved(0, packet));
    bench.answer(ok);
    bench.handle(writeInterleaved(3, report), writeInterleaved(2, packet));
    expect(bench.find("media")).toBeUndefined();
    bench.handle(concat([new TextEncoder().encode(wire(ok)), writeInterleaved(0, packet)]));
    const order = bench.events.map((event) =>
      event.type === "media" ? `${event.trackIndex} ${event.kind}` : event.type,
    );
    expect(order).toEqual(["description", "ready", "0 rtp", "1 rtcp", "1 rtp", "0 rtp"]);
  });

  it("but not more of them than 256 KiB", () => {
    const bench = new ClientBench();
    bench.answer(ok);
    bench.answer(ok, sdpOf(["a"]));
    bench.answer(ok);
    for (let i = 0; i < 300; i++) bench.handle(writeInterleaved(0, new Uint8Array(1_000).fill(1)));
    bench.answer(ok);
    expect(bench.findAll("media").length).toBe(Math.floor(0x4_0000 / 1_064));
    expect(bench.session.droppedFrameCount).toBe(300 - bench.findAll("media").length);
  });

  it("a camera with RTP and RTCP the wrong way round", () => {
    const bench = playingClient();
    bench.handle(writeInterleaved(1, packet), writeInterleaved(0, report));
    expect(bench.findAll("media").map(({ kind }) => kind)).toEqual(["rtp", "rtcp"]);
  });

  it("Canon VB-H47 (gortsplib #653): bytes between the frames that are none", () => {
    const junk = new TextEncoder().encode("\u0001junk RTS $\u0077 RTSP PLAY_");
    for (let seed = 0; seed < 50; seed++) {
      const bench = playingClient();
      const input = concat([
        writeInterleaved(0, packet),
        junk,
        writeInterleaved(0, packet),
        junk,
        new TextEncoder().encode(wire(ok)),
        writeInterleaved(1, report),
      ]);
      bench.handle(...(seed === 0 ? [input] : randomPieces(input, seededRandom(seed))));
      expect(bench.findAll("media").map(({ data }) => data.length)).toEqual([6, 6, 6]);
      expect(bench.session.skippedBytes).toBe(2 * junk.length);
    }
  });

  it("what is only such bytes is given up", () => {
    const bench = playingClient();
    for (let i = 0; i < 70 && bench.errorCode === undefined; i++) bench.handle(new Uint8Array(1_000).fill(1));
    expect(bench.errorCode).toBe("ERR_RTSP_MESSAGE");
  });

  it("on channels that nobody has set up are counted", () => {
    const bench = playingClient();
    bench.handle(writeInterleaved(6, packet));
    expect([bench.find("media"), bench.session.droppedFrameCount]).toEqual([undefined, 1]);
  });

  it("are views of the input when they are whole in it", () => {
    const bench = playingClient();
    const input = writeInterleaved(0, packet);
    bench.session.handle(input, bench.now);
    const event = bench.session.pollEvent();
    expect(event?.type === "media" && event.data.buffer).toBe(input.buffer);
  });
});

describe("keep-alive", () => {
  it.each([
    ["GET_PARAMETER", "1;timeout=60", 30_000, "GET_PARAMETER"],
    ["SET_PARAMETER", "1;timeout=60", 30_000, "OPTIONS"],
    ["GET_PARAMETER", "1", 30_000, "GET_PARAMETER"],
    ["GET_PARAMETER", "1;timeout=0", 30_000, "GET_PARAMETER"], // ZoneMinder #911
    ["GET_PARAMETER", "1;timeout=15", 7_500, "GET_PARAMETER"], // Tapo C220
    ["GET_PARAMETER", "1;timeout=1", 1_000, "GET_PARAMETER"],
    ["GET_PARAMETER", "1;timeout=9999", 30_000, "GET_PARAMETER"],
  ])("with Public: %s and Session: %s", (publicMethods, session, ms, method) => {
    const bench = playingClient(publicMethods, session);
    bench.advance(ms - 1);
    expect(bench.takeText()).toBe("");
    bench.advance(1);
    expect(bench.takeText()).toMatch(
      new RegExp(`^${method} rtsp://host/live/cam RTSP/1.0\\r\\n(?:.*\\r\\n)*Session: 1\\r\\n`),
    );
  });

  it("C520WS (Retina #133, #136): one that is refused, with the CSeq of another, is done the other way from then on", () => {
    const bench = playingClient();
    bench.advance(30_000);
    bench.takeText();
    bench.answer("RTSP/1.0 400 Bad Request\nCSeq: 5");
    bench.advance(30_000);
    expect(bench.takeText()).toMatch(/^OPTIONS/);
    bench.answer(ok);
    bench.advance(30_000);
    expect(bench.takeText()).toMatch(/^OPTIONS/);
    expect(bench.errorCode).toBeUndefined();
  });

  it("HIPCAM: one that is never answered does not matter while packets come", () => {
    const bench = playingClient();
    for (let i = 0; i < 10; i++) {
      bench.advance(30_000);
      bench.handle(writeInterleaved(0, packet));
    }
    bench.advance(20_000);
    bench.session.handleUdpActivity(bench.now);
    bench.advance(30_000);
    expect(bench.errorCode).toBeUndefined();
  });

  it("silence since the last one is the end", () => {
    const bench = playingClient();
    bench.advance(59_999);
    expect(bench.errorCode).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });

  it("a 401 to one is answered, and never the end", () => {
    const bench = playingClient();
    bench.advance(30_000);
    bench.takeText();
    bench.answer('RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic realm="x"');
    expect(bench.errorCode).toBeUndefined();
  });
});

describe("requests of the server", () => {
  it.each([
    ["OPTIONS", 200],
    ["GET_PARAMETER", 200],
    ["SET_PARAMETER", 200],
    ["REDIRECT", 501],
  ])("%s: %s", (method, code) => {
    const bench = playingClient();
    expect(bench.answer(`${method} * RTSP/1.0\nCSeq: 77`)).toMatch(
      new RegExp(`^RTSP/1.0 ${code} .*\r\nCSeq: 77\r\n\r\n$`),
    );
  });

  it("TEARDOWN is the end", () => {
    const bench = playingClient();
    bench.answer("TEARDOWN rtsp://host/live/cam RTSP/1.0\nCSeq: 1");
    expect(bench.errorCode).toBe("ERR_RTSP_REFUSED");
  });
});

describe("with our own server", () => {
  it.each([undefined, 1, 2, 3])("plays over TCP (seed %s)", (seed) => {
    const pair = new Pair({}, {}, seed === undefined ? {} : { seed });
    pair.exchange();
    expect(pair.client.find("ready")?.tracks).toMatchObject([
      { transport: { kind: "tcp", channels: [0, 1] }, sequenceNumber: 7, rtpTime: 90_000 },
      { transport: { kind: "tcp", channels: [2, 3] } },
    ]);
    pair.server.session.sendInterleaved(1, "rtp", packet);
    pair.client.session.sendInterleaved(0, "rtcp", report);
    pair.exchange();
    expect(pair.client.findAll("media")).toEqual([{ type: "media", trackIndex: 1, kind: "rtp", data: packet }]);
    expect(pair.server.findAll("media")).toEqual([{ type: "media", trackIndex: 0, kind: "rtcp", data: report }]);
    pair.client.session.close();
    pair.exchange();
    expect(pair.server.find("teardown")).toBeDefined();
    expect(pair.client.find("closed")?.error).toBeUndefined();
  });

  it.each([undefined, 1, 2, 3])("publishes over TCP (seed %s)", (seed) => {
    const pair = new Pair({ publish: testPublish }, {}, seed === undefined ? {} : { seed });
    pair.exchange();
    expect(pair.client.session.isReady).toBe(true);
    pair.client.session.sendInterleaved(0, "rtp", packet);
    pair.client.session.sendInterleaved(1, "rtcp", report);
    pair.exchange();
    expect(pair.server.findAll("media").map(({ trackIndex, kind }) => [trackIndex, kind])).toEqual([
      [0, "rtp"],
      [1, "rtcp"],
    ]);
    expect(pair.server.find("announce")).toMatchObject({
      path: "live/cam",
      sdp: testPublish.sdp,
      userAgent: "Millrace",
    });
  });

  it("plays over UDP, and over TCP where nothing comes", () => {
    const pair = new Pair({ transport: "auto" });
    pair.exchange();
    expect(pair.client.find("ready")?.tracks[0]?.transport).toEqual({
      kind: "udp",
      clientPorts: [40_000, 40_001],
      serverPorts: [8000, 8001],
      source: undefined,
    });
    expect(pair.client.session.hasFallenBack).toBe(false);
    expect(pair.client.session.fallBackToTcp(pair.client.now)).toBe(true);
    pair.exchange();
    expect(pair.server.findAll("teardown").length).toBe(1);
    expect(pair.client.findAll("ready")[1]?.tracks[0]?.transport).toEqual({ kind: "tcp", channels: [0, 1] });
    expect(pair.client.session.hasFallenBack).toBe(true);
    expect(pair.client.session.fallBackToTcp(pair.client.now)).toBe(false);
  });

  it("plays over TCP at once where the server has no UDP", () => {
    const pair = new Pair({ transport: "auto" }, { transports: { tcp: true, udp: false, multicast: false } });
    pair.exchange();
    expect(pair.client.find("ready")?.tracks[1]?.transport).toEqual({ kind: "tcp", channels: [2, 3] });
  });

  it("lives for an hour on keep-alives, over TCP and UDP", () => {
    for (const transport of ["tcp", "udp"] as const) {
      const pair = new Pair({ transport });
      pair.exchange();
      pair.advance(3_600_000);
      expect([pair.server.errorCode, pair.client.errorCode]).toEqual([undefined, undefined]);
    }
  });

  it.each(["right", "wrong"])("with the %s password", (password) => {
    const decide: ConstructorParameters<typeof Pair>[2] = {
      decide: (event, server, now) => {
        if (event.type !== "describe") return;
        const { credentials, requestId } = event;
        const isRight = credentials?.scheme === "digest" && credentials.isPassword("right");
        if (isRight) server.acceptDescribe(requestId, { sdp: sdpOf(["trackID=0"]), trackCount: 1 }, now);
        else server.reject(requestId, 401, now);
      },
    };
    const pair = new Pair({ url: `rtsp://user:${password}@host/live/cam` }, {}, decide);
    pair.exchange();
    expect(pair.client.errorCode).toBe(password === "right" ? undefined : "ERR_RTSP_UNAUTHORIZED");
    expect(pair.client.find("description") !== undefined).toBe(password === "right");
    const last = pair.server.findAll("describe").at(-1)?.credentials;
    expect(last).toMatchObject({ scheme: "digest", username: "user", algorithm: "SHA-256" });
  });
});

describe("deadlines and ends", () => {
  it("10 s for each answer", () => {
    const bench = new ClientBench();
    bench.advance(9_999);
    bench.answer(ok);
    bench.advance(9_999);
    expect(bench.errorCode).toBeUndefined();
    bench.advance(1);
    expect(bench.errorCode).toBe("ERR_RTSP_TIMEOUT");
  });

  it("a close before there is a session says nothing", () => {
    const bench = new ClientBench();
    bench.takeText();
    bench.session.close();
    expect([bench.takeText(), bench.find("closed")]).toEqual(["", { type: "closed" }]);
    bench.handle(wire(ok));
    expect(bench.takeText()).toBe("");
  });

  it.each(["track 1", "track\u00011", "\u0085", "x\vTEARDOWN"])(
    "a control that would break a request ends: %j",
    (control) => {
      const bench = new ClientBench();
      bench.answer(ok);
      bench.answer(ok, sdpOf([control]));
      expect([bench.errorCode, bench.takeText()]).toEqual(["ERR_RTSP_URL", ""]);
    },
  );

  it("an address that is none is refused at once", () => {
    expect(() => new ClientBench({ url: "http://host" })).toThrowError(
      expect.objectContaining({ code: "ERR_RTSP_URL" }),
    );
  });
});

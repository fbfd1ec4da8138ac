import { describe, expect, it } from "vitest";
import { writeInterleaved } from "./interleaved.ts";
import {
  acceptAll,
  bytesOf,
  concat,
  decideNothing,
  playingServer,
  playRequests,
  randomPieces,
  recordingServer,
  recordRequests,
  ServerBench,
  sdpOf,
  seededRandom,
  testSdp,
  wire,
} from "./pair.cases.ts";
import { serverDialogues } from "./session.cases.ts";

const session = "Session: 00000000000000000000000000000000;timeout=60";

describe("dialogues", () => {
  it.each(serverDialogues)("$name", ({ options, steps }) => {
    const bench = new ServerBench(options);
    for (const { request, body = "", answer, answerBody = "" } of steps) {
      bench.handle(wire(request) + body);
      expect(bench.takeText()).toBe(wire(answer) + answerBody);
    }
    expect(bench.errorCode).toBeUndefined();
  });

  it.each(serverDialogues)("$name, in any pieces", ({ options, steps }) => {
    const input = bytesOf(steps.map(({ request, body = "" }) => wire(request) + body).join(""));
    const expected = steps.map(({ answer, answerBody = "" }) => wire(answer) + answerBody).join("");
    for (let seed = 1; seed <= 20; seed++) {
      const bench = new ServerBench(options);
      bench.handle(...randomPieces(input, seededRandom(seed)));
      expect(bench.takeText()).toBe(expected);
    }
    const bytewise = new ServerBench(options);
    bytewise.handle(...Array.from(input, (byte) => Uint8Array.of(byte)));
    expect(bytewise.takeText()).toBe(expected);
  });
});

describe("answers keep the order of their requests", () => {
  it("while a decision is awaited, what comes behind it waits", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(playRequests[1] as string, playRequests[0] as string);
    expect(bench.takeText()).toBe("");
    const { requestId } = bench.find("describe") ?? { requestId: -1 };
    expect(bench.session.acceptDescribe(requestId, { sdp: testSdp, trackCount: 2 }, bench.now)).toBe(true);
    expect([...bench.takeText().matchAll(/CSeq: ([0-9]+)/g)].map(([, cseq]) => cseq)).toEqual(["2", "1"]);
  });

  it("a whole pipeline, decided one after the other", () => {
    const bench = new ServerBench();
    bench.handle(playRequests.join(""));
    expect(bench.takeCodes()).toEqual([200, 200, 200, 200, 200]);
  });

  it("100 requests may wait, and not one more", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(playRequests[1] as string, (playRequests[0] as string).repeat(100));
    expect(bench.errorCode).toBeUndefined();
    bench.handle(playRequests[0] as string);
    expect(bench.errorCode).toBe("ERR_RTSP_PIPELINE");
  });

  it("nor more bytes than a description and what goes with it", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(playRequests[1] as string);
    const big = `${wire("SET_PARAMETER * RTSP/1.0\nCSeq: 9\nContent-Length: 60000")}${"x".repeat(60_000)}`;
    bench.handle(big, big);
    expect(bench.errorCode).toBeUndefined();
    bench.handle(big);
    expect(bench.errorCode).toBe("ERR_RTSP_PIPELINE");
  });

  it("a decision about what nobody waits for any more is told so", () => {
    const bench = new ServerBench({}, decideNothing);
    bench.handle(playRequests[1] as string);
    bench.session.close();
    expect(bench.session.acceptDescribe(1, { sdp: testSdp, trackCount: 2 }, bench.now)).toBe(false);
    expect(bench.session.reject(1, 404, bench.now)).toBe(false);
    expect(bench.takeText()).toBe("");
  });

  it("a refusal goes out, and the connection goes on", () => {
    const bench = new ServerBench({}, (event, server, now) => {
      if (event.type === "describe") server.reject(event.requestId, 404, now);
    });
    bench.handle(playRequests[1] as string, playRequests[0] as string);
    expect(bench.takeCodes()).toEqual([404, 200]);
  });
});

describe("media", () => {
  const packet = Uint8Array.of(0x80, 96, 0, 1, 2, 3);

  it("of a publisher comes with its track and kind, in any pieces", () => {
    const frames = [
      writeInterleaved(0, packet),
      writeInterleaved(3, packet),
      bytesOf(wire("GET_PARAMETER rtsp://host/live/cam RTSP/1.0\nCSeq: 9")),
      writeInterleaved(2, packet),
      writeInterleaved(1, new Uint8Array(65_535).fill(7)),
      writeInterleaved(9, packet), // nobody's channel
      writeInterleaved(0, new Uint8Array(0)),
      writeInterleaved(0, packet),
    ];
    for (let seed = 0; seed < 20; seed++) {
      const bench = recordingServer();
      bench.handle(...(seed === 0 ? frames : randomPieces(concat(frames), seededRandom(seed))));
      expect(bench.findAll("media").map(({ trackIndex, kind, data }) => [trackIndex, kind, data.length])).toEqual([
        [0, "rtp", 6],
        [1, "rtcp", 6],
        [1, "rtp", 6],
        [0, "rtcp", 65_535],
        [0, "rtp", 6],
      ]);
      expect(bench.session.droppedFrameCount).toBe(2);
      expect(bench.takeCodes()).toEqual([200]);
    }
  });

  it("is a view of the input when it is whole in it", () => {
    const bench = recordingServer();
    const input = writeInterleaved(0, packet);
    bench.session.handle(input, bench.now);
    const event = bench.session.pollEvent();
    expect(event?.type === "media" && event.data.buffer).toBe(input.buffer);
  });

  it("before RECORD is accepted is nobody's", () => {
    const bench = new ServerBench({}, (event, server, now) => {
      if (event.type !== "record") acceptAll(event, server, now);
    });
    bench.handle(...recordRequests, writeInterleaved(0, packet));
    expect(bench.find("media")).toBeUndefined();
    expect(bench.session.droppedFrameCount).toBe(1);
  });

  it("of a player is its RTCP", () => {
    const bench = playingServer();
    bench.handle(writeInterleaved(0, packet), writeInterleaved(1, packet));
    expect(bench.findAll("media").map(({ trackIndex, kind }) => [trackIndex, kind])).toEqual([[0, "rtcp"]]);
  });

  it("goes out on the track's channels", () => {
    const bench = playingServer();
    bench.session.sendInterleaved(1, "rtcp", packet);
    expect(bench.takeOutput().toHex()).toBe("24030006806000010203");
    bench.session.sendInterleaved(5, "rtp", packet);
    expect(bench.takeOutput().length).toBe(0);
  });
});

describe("SETUP", () => {
  function setUp(transport: string, options = {}, track = 0, role: "play" | "record" = "play"): string {
    const bench = new ServerBench(options);
    bench.handle((role === "play" ? playRequests[1] : recordRequests[0]) as string);
    bench.takeText();
    const control = role === "play" ? "trackID" : "streamid";
    const answer = bench.ask(
      `SETUP rtsp://host/live/cam/${control}=${track} RTSP/1.0\nCSeq: 3\nTransport: ${transport}`,
    );
    return /^Transport: (.*)\r$/m.exec(answer)?.[1] ?? answer.slice(9, 12);
  }

  it.each([
    ["RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1"],
    ["RTP/AVP/TCP;unicast;interleaved=168-169", "RTP/AVP/TCP;unicast;interleaved=168-169"], // IndigoVision
    ["RTP/AVP/TCP;interleaved=5-4;unicast", "RTP/AVP/TCP;unicast;interleaved=5-4"],
    ["RTP/AVP/TCP;unicast;interleaved=1-2", "RTP/AVP/TCP;unicast;interleaved=1-2"], // Qognify
    ["RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast;interleaved=0-1"], // Genetec
    ["RTP/AVP/TCP;unicast;interleaved=300-301", "RTP/AVP/TCP;unicast;interleaved=0-1"],
    ['rtp/avp/tcp;Unicast;Interleaved=0-1;mode="PLAY"', "RTP/AVP/TCP;unicast;interleaved=0-1"],
    ["RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001"],
    ["RTP/AVP/UDP;unicast;client_port=5000-5001", "RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=8000-8001"],
    ["RTP/AVP/UDP;client_port=5000", "RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=8000-8001"],
    [
      "RTP/AVP;unicast;destination=127.0.0.9;client_port=5000-5001",
      "RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001",
    ],
    ["RTP/AVP;unicast;client_port=22-23", "461"],
    ["RTP/AVP;unicast;client_port=1023-1024", "461"],
    ["RTP/AVP;unicast;client_port=1024-1025", "RTP/AVP;unicast;client_port=1024-1025;server_port=8000-8001"],
    ["RTP/AVP;unicast;client_port=1024-1023", "461"],
    ["RTP/AVP;unicast;client_port=0-1", "461"],
    ["RTP/AVP;unicast", "461"],
    ["RTP/AVP", "461"],
    ["RTP/AVP;multicast", "461"],
    ["RTP/SAVP;unicast;client_port=5000-5001", "461"],
    ["RTP/SAVP/TCP;unicast;interleaved=0-1", "461"],
    ["RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", "461"],
    ["RAW/RAW/UDP;unicast;client_port=5000-5001", "400"],
    ["", "461"],
    [
      "RTP/SAVPF;unicast;client_port=5000-5001,RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1",
      "RTP/AVP/TCP;unicast;interleaved=0-1",
    ],
    [Array(17).fill("RTP/AVP;multicast").join(","), "400"],
  ])("of %s is answered by %s", (transport, expected) => {
    expect(setUp(transport)).toBe(expected);
  });

  it("takes only what is enabled", () => {
    const both = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1";
    const only = (transports: object) =>
      setUp(both, { transports: { tcp: false, udp: false, multicast: false, ...transports } });
    expect(only({ tcp: true })).toBe("RTP/AVP/TCP;unicast;interleaved=0-1");
    expect(only({ udp: true })).toBe("RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001");
    expect(only({})).toBe("461");
  });

  it("multicast has the group's address, and is for players only", () => {
    const options = { transports: { tcp: true, udp: true, multicast: true } };
    expect(setUp("RTP/AVP;multicast", options)).toBe("RTP/AVP;multicast;destination=239.1.2.3;port=9000-9001;ttl=1");
    expect(setUp("RTP/AVP", options)).toContain("multicast");
    expect(setUp("RTP/AVP;multicast", options, 0, "record")).toBe("461");
  });

  it("of what was announced means record, with or without a mode", () => {
    const expected = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record";
    expect(setUp("RTP/AVP/TCP;unicast;interleaved=0-1", {}, 1, "record")).toBe(expected);
    expect(setUp("RTP/AVP/TCP;unicast;interleaved=0-1;mode=receive", {}, 1, "record")).toBe(expected);
    expect(setUp("RTP/AVP/TCP;unicast;interleaved=0-1;mode=play", {}, 1, "record")).toBe("461");
  });

  it("takes other channels for the second track when the client repeats itself", () => {
    const bench = new ServerBench();
    bench.handle(playRequests[1] as string, playRequests[2] as string);
    bench.takeText();
    const second = (playRequests[3] as string).replace("2-3", "0-1");
    bench.handle(second);
    expect(bench.takeText()).toContain("interleaved=2-3");
  });

  it("does not mix TCP and UDP in one session", () => {
    const bench = new ServerBench();
    bench.handle(playRequests[1] as string, playRequests[2] as string);
    bench.takeText();
    const both = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=8-9";
    const answer = bench.ask(`SETUP rtsp://host/live/cam/trackID=1 RTSP/1.0\nCSeq: 4\nTransport: ${both}`);
    expect(answer).toContain("interleaved=8-9");
  });

  it("without DESCRIBE asks whether the stream may be played", () => {
    const bench = new ServerBench();
    const answer = bench.ask(
      "SETUP rtsp://host/live/cam/trackID=1?token=x RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1",
    );
    expect(bench.find("describe")).toMatchObject({ path: "live/cam", query: "token=x", isSetup: true });
    expect(bench.find("setup")).toMatchObject({ trackIndex: 1, role: "play" });
    expect(answer).toContain("200 OK");
  });

  it("of a track that is not there is 404, whether it was described or not", () => {
    const transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";
    const ask = `SETUP rtsp://host/live/cam/trackID=2 RTSP/1.0\nCSeq: 3\n${transport}`;
    const bench = new ServerBench();
    expect(bench.askCode(ask)).toBe(404);
    expect(bench.askCode(ask)).toBe(404);
  });

  it("of the presentation itself is its first track, and 459 from then on", () => {
    const bench = new ServerBench();
    bench.handle(playRequests[1] as string);
    bench.takeText();
    const ask = "SETUP rtsp://host/live/cam RTSP/1.0\nCSeq: 3\nTransport: RTP/AVP/TCP;unicast";
    expect([bench.askCode(ask), bench.askCode(ask)]).toEqual([200, 459]);
    expect(bench.find("setup")?.trackIndex).toBe(0);
  });

  it.each([
    "rtsp://host/live/cam/trackID=1",
    "rtsp://other:8554/live/cam/trackID=1",
    "/live/cam/trackID=1",
    "rtsp://host/live/cam/trackID=1/",
    "rtsp://host/live/cam//trackID=1",
    "rtsp://host/live/cam?token=x/trackID=1",
    "rtsp://host/live/cam/?token=x/trackID=1",
    "rtsp://host/live/cam/trackID=1?token=x",
  ])("finds the track of %s", (url) => {
    const bench = new ServerBench();
    bench.handle(wire("DESCRIBE rtsp://host/live/cam?token=x RTSP/1.0\nCSeq: 1"));
    bench.takeText();
    bench.ask(`SETUP ${url} RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP/TCP;unicast`);
    expect([bench.find("setup")?.trackIndex, bench.findAll("describe").length]).toEqual([1, 1]);
  });

  it("of an announced track with an absolute control", () => {
    const sdp = sdpOf(["rtsp://host/live/cam/video", "rtsp://host/live/cam/audio?x=1"]);
    const bench = new ServerBench();
    bench.handle(wire(`ANNOUNCE rtsp://host/live/cam RTSP/1.0\nCSeq: 1\nContent-Length: ${sdp.length}`) + sdp);
    bench.takeText();
    bench.ask("SETUP rtsp://host/live/cam/audio?x=1 RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP/TCP;unicast;mode=record");
    expect(bench.find("setup")?.trackIndex).toBe(1);
  });

  it("lets the driver choose the channels", () => {
    const bench = new ServerBench({}, (event, server, now) => {
      if (event.type === "setup") server.acceptSetup(event.requestId, { channels: [6, 7], ssrc: 0xabc }, now);
      else acceptAll(event, server, now);
    });
    bench.handle(playRequests[1] as string, playRequests[2] as string);
    expect(bench.takeText()).toContain("Transport: RTP/AVP/TCP;unicast;interleaved=6-7;ssrc=00000ABC\r\n");
  });
});

describe("states", () => {
  const cases: [name: string, make: () => ServerBench, request: string, code: number][] = [
    ["PLAY without a session", () => new ServerBench(), "PLAY rtsp://host/live/cam RTSP/1.0", 455],
    ["PLAY with somebody's session", () => new ServerBench(), "PLAY rtsp://host/live/cam RTSP/1.0\nSession: 1", 454],
    ["TEARDOWN without a session", () => new ServerBench(), "TEARDOWN rtsp://host/live/cam RTSP/1.0", 454],
    ["GET_PARAMETER with somebody's session", () => playingServer(), "GET_PARAMETER * RTSP/1.0\nSession: 1", 454],
    ["GET_PARAMETER without one", () => new ServerBench(), "GET_PARAMETER * RTSP/1.0", 200],
    [
      "SETUP with a session that is not there",
      () => new ServerBench(),
      "SETUP rtsp://host/a RTSP/1.0\nSession: 1",
      454,
    ],
    ["SETUP while playing", () => playingServer(), "SETUP rtsp://host/live/cam/trackID=1 RTSP/1.0", 455],
    ["RECORD of a player", () => playingServer(), "RECORD rtsp://host/live/cam RTSP/1.0", 455],
    ["PLAY of a publisher", () => recordingServer(), "PLAY rtsp://host/live/cam RTSP/1.0", 455],
    ["PAUSE of a publisher", () => recordingServer(), "PAUSE rtsp://host/live/cam RTSP/1.0", 200],
    ["PLAY again", () => playingServer(), "PLAY rtsp://host/live/cam RTSP/1.0", 200],
    ["PLAY of one track of two", () => playingServer(), "PLAY rtsp://host/live/cam/trackID=0 RTSP/1.0", 460],
    ["PLAY of another stream", () => playingServer(), "PLAY rtsp://host/live/other RTSP/1.0", 404],
    ["a second ANNOUNCE", () => recordingServer(), "ANNOUNCE rtsp://host/live/other RTSP/1.0", 455],
    ["ANNOUNCE without a body", () => new ServerBench(), "ANNOUNCE rtsp://host/live/cam RTSP/1.0", 400],
    ["ANNOUNCE of a text", () => new ServerBench(), "ANNOUNCE rtsp://h/a RTSP/1.0\nContent-Type: text/plain", 415],
    ["DESCRIBE as something else", () => new ServerBench(), "DESCRIBE rtsp://h/a RTSP/1.0\nAccept: text/html", 406],
    ["DESCRIBE as one of many", () => new ServerBench(), "DESCRIBE rtsp://h/a RTSP/1.0\nAccept: text/html, */*", 200],
    ["DESCRIBE of no address", () => new ServerBench(), "DESCRIBE http://host/live RTSP/1.0", 400],
    ["an unknown option", () => new ServerBench(), "OPTIONS * RTSP/1.0\nRequire: www.onvif.org/ver20/backchannel", 551],
    ["a server's method", () => new ServerBench(), "REDIRECT rtsp://host/live/cam RTSP/1.0", 405],
    ["an unknown method", () => new ServerBench(), "FETCH rtsp://host/live/cam RTSP/1.0", 501],
    ["a range that is none", () => playingServer(), "PLAY rtsp://host/live/cam RTSP/1.0\nRange: x", 400],
    ["a session that is none", () => playingServer(), "PLAY rtsp://host/live/cam RTSP/1.0\nSession: ;", 400],
    // Larix sends the timeout back.
    ["a session with its timeout", () => playingServer(), `PLAY rtsp://host/live/cam RTSP/1.0\n${session}`, 200],
    // Inone Proxy Service makes up a session of its own before there is one.
    ["ANNOUNCE with an own session", () => new ServerBench(), "OPTIONS * RTSP/1.0\nSession: X", 200],
  ];
  it.each(cases)("%s", (_, make, request, code) => {
    expect(make().askCode(`${request}\nCSeq: 20`)).toBe(code);
  });

  it("a parameter that nobody knows is 451, and a sign of life all the same", () => {
    const bench = playingServer();
    bench.handle(`${wire("GET_PARAMETER rtsp://host/live/cam RTSP/1.0\nCSeq: 9\nContent-Length: 6")}jitter`);
    expect(bench.takeCodes()).toEqual([451]);
  });

  it("PAUSE stops, PLAY goes on", () => {
    const bench = playingServer();
    expect(bench.askCode("PAUSE rtsp://host/live/cam RTSP/1.0\nCSeq: 6")).toBe(200);
    expect(bench.find("pause")).toBeDefined();
    const resumed = bench.ask("PLAY rtsp://host/live/cam RTSP/1.0\nCSeq: 7\nRange: npt=12.5-");
    expect(resumed).toContain("Range: npt=now-\r\n");
    expect(bench.findAll("play").length).toBe(2);
  });

  it("PAUSE of a publisher is told as well: what comes over UDP is not for the session to drop", () => {
    const bench = recordingServer();
    expect(bench.askCode("PAUSE rtsp://host/live/cam RTSP/1.0\nCSeq: 6")).toBe(200);
    expect(bench.askCode("PAUSE rtsp://host/live/cam RTSP/1.0\nCSeq: 7")).toBe(200);
    expect(bench.findAll("pause")).toHaveLength(1);
    expect(bench.askCode("RECORD rtsp://host/live/cam RTSP/1.0\nCSeq: 8")).toBe(200);
    expect(bench.findAll("record")).toHaveLength(2);
  });

  it("after TEARDOWN the connection may be used for another stream", () => {
    const bench = playingServer();
    expect(bench.askCode("TEARDOWN rtsp://host/live/cam RTSP/1.0\nCSeq: 6")).toBe(200);
    expect(bench.findAll("teardown").length).toBe(1);
    bench.handle(...recordRequests);
    expect(bench.takeCodes()).toEqual([200, 200, 200, 200]);
    expect(bench.find("announce")).toMatchObject({ path: "live/cam" });
  });

  it("another connection does not get at a session, TEARDOWN included", () => {
    const bench = playingServer();
    const other = new ServerBench();
    expect(other.askCode(`TEARDOWN rtsp://host/live/cam RTSP/1.0\nCSeq: 1\n${session}`)).toBe(454);
    expect(other.askCode(`PLAY rtsp://host/live/cam RTSP/1.0\nCSeq: 1\n${session}`)).toBe(454);
    expect(bench.find("teardown")).toBeUndefined();
  });

  it("the end of the connection is the end of the session", () => {
    const bench = playingServer();
    bench.session.close();
    bench.drain();
    expect(bench.events.slice(-2)).toEqual([{ type: "teardown" }, { type: "closed" }]);
  });
});

import { describe, expect, it } from "vitest";
import { amfObject } from "../../formats/amf/amf-value.ts";
import { writeMessage } from "./chunk-writer.ts";
import { messageTypeId } from "./message/message-type.ts";
import { writeUserControl } from "./message/user-control.ts";
import {
  commandChunk,
  connectedServer,
  playChunks,
  playingServer,
  ServerBench,
  streamCommandChunk,
} from "./pair.cases.ts";

describe("play", () => {
  it("is an event", () => {
    const bench = connectedServer();
    bench.handle(commandChunk("createStream", 2), streamCommandChunk(1, "play", 3, null, "cam?a=b", -1000));
    expect(bench.find("play")).toEqual({
      type: "play",
      messageStreamId: 1,
      app: "live",
      name: "cam",
      query: "a=b",
      start: -1000,
      reset: true,
    });
  });

  it("accepted is answered as players expect", () => {
    const bench = new ServerBench();
    bench.handle(...playChunks());
    bench.takeMessages();
    bench.session.acceptPlay(1, bench.now);
    const messages = bench.takeMessages();
    expect(messages.map(({ type }) => type)).toEqual(["control", "command", "command", "data", "command"]);
    expect(messages.every(({ type, messageStreamId }) => type === "control" || messageStreamId === 1)).toBe(true);
  });

  it("accepted says Play.Reset, Play.Start and Data.Start", () => {
    const bench = new ServerBench();
    bench.handle(...playChunks());
    bench.takeMessages();
    bench.session.acceptPlay(1, bench.now);
    expect(bench.takeReplies()).toEqual([
      "onStatus 0 NetStream.Play.Reset",
      "onStatus 0 NetStream.Play.Start",
      "onStatus 0 NetStream.Data.Start",
    ]);
  });

  it("does not say Play.Reset to a player that adds to a playlist", () => {
    const bench = connectedServer();
    bench.handle(commandChunk("createStream", 2), streamCommandChunk(1, "play", 3, null, "cam", -2, -1, false));
    bench.takeMessages();
    bench.session.acceptPlay(1, bench.now);
    expect(bench.takeReplies()[0]).toBe("onStatus 0 NetStream.Play.Start");
  });

  it.each([
    ["stream-not-found", "NetStream.Play.StreamNotFound"],
    ["failed", "NetStream.Play.Failed"],
  ] as const)("rejected as %s says %s", (reason, code) => {
    const bench = new ServerBench();
    bench.handle(...playChunks());
    bench.takeMessages();
    bench.session.rejectPlay(1, reason, "no such stream");
    expect(bench.takeReplies()).toEqual([`onStatus 0 ${code}`]);
  });

  it("carries media", () => {
    const bench = playingServer();
    bench.session.sendMedia(1, messageTypeId.video, 0xffff_ffff, Uint8Array.of(1, 2));
    expect(bench.takeMessages()).toMatchObject([
      { type: "video", timestamp: 0xffff_ffff, messageStreamId: 1, payload: Uint8Array.of(1, 2) },
    ]);
  });

  it("ended by us says so in every way that players know", () => {
    const bench = playingServer();
    bench.session.endPlay(1);
    const messages = bench.takeMessages();
    expect(messages.map(({ type }) => type)).toEqual(["control", "command", "data", "command"]);
    expect(messages[0]?.payload.toHex()).toBe("000100000001");
    bench.session.sendMedia(1, messageTypeId.video, 0, Uint8Array.of(1));
    expect(bench.takeMessages()).toEqual([]);
  });

  it("can be paused", () => {
    const bench = playingServer();
    bench.handle(streamCommandChunk(1, "pause", 0, null, true, 0), streamCommandChunk(1, "pause", 0, null, false, 0));
    expect(bench.takeReplies()).toEqual(["onStatus 0 NetStream.Pause.Notify", "onStatus 0 NetStream.Unpause.Notify"]);
    expect(bench.events.slice(-2)).toEqual([
      { type: "pause", messageStreamId: 1, isPaused: true },
      { type: "pause", messageStreamId: 1, isPaused: false },
    ]);
  });

  it("can be without audio or video", () => {
    const bench = playingServer();
    bench.handle(streamCommandChunk(1, "receiveAudio", 0, null, false));
    expect(bench.find("receive")).toEqual({ type: "receive", messageStreamId: 1, media: "audio", isWanted: false });
  });

  it("changes to another stream", () => {
    const bench = playingServer();
    bench.handle(streamCommandChunk(1, "play", 0, null, "cam2"));
    expect(bench.events.slice(-2)).toMatchObject([{ type: "stop" }, { type: "play", name: "cam2" }]);
  });

  it("ends with deleteStream, and with closeStream", () => {
    for (const end of [commandChunk("deleteStream", 0, null, 1), streamCommandChunk(1, "closeStream", 0)]) {
      const bench = playingServer();
      bench.handle(end);
      expect(bench.events.at(-1)).toEqual({ type: "stop", messageStreamId: 1 });
    }
  });
});

describe("other commands", () => {
  it.each([
    ["an unknown one", "doSomething", 9, ["_error 9 NetConnection.Call.Failed"]],
    ["an unknown one that wants no answer", "doSomething", 0, []],
    ["_checkbw", "_checkbw", 9, ["_result 9"]],
    ["getStreamLength", "getStreamLength", 9, ["_result 9"]],
    ["FCSubscribe", "FCSubscribe", 9, ["onFCSubscribe 0 NetStream.Play.Start", "_result 9"]],
    ["play2", "play2", 0, ["onStatus 0 NetStream.Play.Failed"]],
    ["play2 that wants an answer", "play2", 9, ["_error 9 NetStream.Play.Failed"]],
    ["seek", "seek", 0, ["onStatus 0 NetStream.Seek.Failed"]],
    ["an answer", "_result", 9, []],
    ["deleteStream of none", "deleteStream", 9, []],
    ["__proto__", "__proto__", 9, ["_error 9 NetConnection.Call.Failed"]],
  ])("answers %s", (_what, name, transactionId, replies) => {
    const bench = connectedServer();
    bench.takeMessages();
    bench.handle(commandChunk(name, transactionId, null, null));
    expect(bench.takeReplies()).toEqual(replies);
    expect(bench.find("closed")).toBeUndefined();
  });

  it("opens at most eight message streams, from 1 on, and reuses deleted ones", () => {
    const bench = connectedServer();
    bench.takeMessages();
    for (let i = 1; i <= 9; i++) bench.handle(commandChunk("createStream", i));
    const replies = bench.takeCommands();
    expect(replies.map(({ arguments: [id] }) => (typeof id === "number" ? id : "refused"))).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      "refused",
    ]);
    bench.handle(commandChunk("deleteStream", 0, null, 3), commandChunk("createStream", 10));
    expect(bench.takeCommands()[0]?.arguments[0]).toBe(3);
  });

  it("passes on the buffer length", () => {
    const bench = playingServer();
    const payload = writeUserControl({ event: "set-buffer-length", messageStreamId: 1, bufferLengthMs: 3000 });
    bench.handle(writeMessage(2, 0, messageTypeId.userControl, 0, payload, 128));
    expect(bench.find("bufferLength")).toEqual({ type: "bufferLength", messageStreamId: 1, bufferLengthMs: 3000 });
  });
});

describe("a reconnect request", () => {
  it("goes to a client that announced it", () => {
    const bench = connectedServer(true);
    bench.takeMessages();
    expect(bench.session.requestReconnect({ tcUrl: "rtmp://other/live" })).toBe(true);
    const [status] = bench.takeCommands();
    expect(status).toMatchObject({ name: "onStatus", transactionId: 0, messageStreamId: 0, commandObject: null });
    const fields = amfObject(status?.arguments[0])?.fields;
    expect(fields?.get("code")).toBe("NetConnection.Connect.ReconnectRequest");
    expect(fields?.get("level")).toBe("status");
    expect(fields?.get("tcUrl")).toBe("rtmp://other/live");
  });

  it("does not go to others", () => {
    const bench = connectedServer();
    bench.takeMessages();
    expect(bench.session.requestReconnect()).toBe(false);
    expect(bench.takeOutput().length).toBe(0);
  });
});

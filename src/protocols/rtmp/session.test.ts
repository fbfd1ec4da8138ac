import { describe, expect, it } from "vitest";
import { corpusSeeds } from "../../../test/support/material.ts";
import { amfObject, makeAmfObject } from "../../formats/amf/amf-value.ts";
import { writeMessage } from "./chunk-writer.ts";
import { concatBytes } from "./concat-bytes.ts";
import { writeAggregate } from "./message/aggregate.ts";
import { writeData } from "./message/data.ts";
import { messageTypeId, type RtmpMessage } from "./message/message-type.ts";
import {
  clientHello,
  commandChunk,
  connectChunk,
  connectedServer,
  publishChunks,
  publishingServer,
  randomPieces,
  ServerBench,
  seededRandom,
  streamCommandChunk,
  videoChunks,
} from "./pair.cases.ts";

describe("connect", () => {
  it("is answered with window, bandwidth, chunk size and _result, in this order", () => {
    const messages = connectedServer().takeMessages();
    expect(messages.map(({ typeId }) => typeId)).toEqual([5, 6, 20]);
    const bench = connectedServer();
    const [result] = bench.takeCommands();
    expect(result).toMatchObject({ name: "_result", transactionId: 1, messageStreamId: 0 });
    expect(amfObject(result?.commandObject)?.fields.get("fmsVer")).toMatch(/^FMS\//);
    expect(amfObject(result?.arguments[0])?.fields.get("code")).toBe("NetConnection.Connect.Success");
    expect(amfObject(result?.arguments[0])?.fields.has("capsEx")).toBe(false);
  });

  it("becomes an event", () => {
    expect(connectedServer().find("connect")).toMatchObject({
      app: "live",
      tcUrl: "rtmp://host/live",
      flashVer: "test",
    });
  });

  it("tells an enhanced client what we can", () => {
    const bench = connectedServer(true);
    const [result] = bench.takeCommands();
    const fields = amfObject(result?.arguments[0])?.fields;
    expect(fields?.get("capsEx")).toBe(15);
    expect(amfObject(fields?.get("videoFourCcInfoMap"))?.fields.get("hvc1")).toBe(7);
    expect(fields?.get("fourCcList")).toContain("Opus");
    expect(bench.session.capabilities?.capsEx).toBe(15);
  });

  it("has to be the first command", () => {
    const bench = new ServerBench();
    bench.handle(clientHello(), commandChunk("createStream", 2));
    expect(bench.errorCode).toBe("ERR_RTMP_COMMAND_ORDER");
  });

  it("comes once", () => {
    const bench = connectedServer();
    bench.handle(connectChunk());
    expect(bench.errorCode).toBe("ERR_RTMP_COMMAND_ORDER");
  });

  it("without an app is refused with _error", () => {
    const bench = new ServerBench();
    bench.handle(clientHello(), commandChunk("connect", 1, makeAmfObject({ app: false })));
    expect(bench.takeReplies()).toEqual(["_error 1 NetConnection.Connect.Rejected"]);
    expect(bench.errorCode).toBe("ERR_RTMP_COMMAND_ARGUMENT");
  });
});

describe("publish", () => {
  it("is an event with app, name and both queries", () => {
    const bench = new ServerBench();
    bench.handle(
      clientHello(),
      connectChunk("live?user=u"),
      commandChunk("createStream", 2),
      streamCommandChunk(1, "publish", 3, null, "cam?token=t", "live"),
    );
    expect(bench.find("publish")).toEqual({
      type: "publish",
      messageStreamId: 1,
      app: "live",
      name: "cam",
      query: "token=t&user=u",
      kind: "live",
    });
  });

  it("accepted is answered as encoders expect", () => {
    const bench = new ServerBench();
    bench.handle(...publishChunks());
    bench.takeMessages();
    bench.session.acceptPublish(1, bench.now);
    const [begin, start] = bench.takeMessages();
    expect(begin?.payload.toHex()).toBe("000000000001");
    expect(start).toMatchObject({ type: "command", messageStreamId: 1 });
  });

  it("accepted after FCPublish is announced with onFCPublish first", () => {
    const bench = new ServerBench();
    const [hello, connect, create, publish] = publishChunks() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    bench.handle(
      hello,
      connect,
      commandChunk("releaseStream", 2, null, "cam"),
      commandChunk("FCPublish", 3, null, "cam"),
    );
    bench.handle(create, publish);
    bench.session.acceptPublish(1, bench.now);
    expect(bench.takeReplies()).toEqual([
      "_result 1 NetConnection.Connect.Success",
      "_result 2",
      "_result 3",
      "_result 2",
      "onFCPublish 0 NetStream.Publish.Start",
      "onStatus 0 NetStream.Publish.Start",
    ]);
  });

  it.each([
    ["bad-name", "NetStream.Publish.BadName"],
    ["denied", "NetStream.Publish.Denied"],
    ["failed", "NetStream.Failed"],
  ] as const)("rejected as %s says %s with a sentence, and drops what came", (reason, code) => {
    const bench = new ServerBench();
    bench.handle(...publishChunks(), videoChunks(0, Uint8Array.of(1)));
    bench.takeMessages();
    bench.session.rejectPublish(1, reason, "somebody else publishes it");
    const [status] = bench.takeCommands();
    expect(status).toMatchObject({ name: "onStatus", messageStreamId: 1 });
    const fields = amfObject(status?.arguments[0])?.fields;
    expect([...(fields ?? [])]).toEqual([
      ["level", "error"],
      ["code", code],
      ["description", "somebody else publishes it"],
    ]);
    bench.handle(videoChunks(40, Uint8Array.of(2)));
    expect(bench.find("video")).toBeUndefined();
    expect(bench.find("closed")).toBeUndefined();
  });

  it.each(["record", "append", "whatever"])("of type %s is refused with a sentence", (kind) => {
    const bench = connectedServer();
    bench.handle(commandChunk("createStream", 2), streamCommandChunk(1, "publish", 3, null, "cam", kind));
    expect(bench.takeReplies().at(-1)).toBe("onStatus 0 NetStream.Publish.Denied");
    expect(bench.find("publish")).toBeUndefined();
  });

  it("with a name that is no string says so and ends the session", () => {
    const bench = connectedServer();
    bench.handle(streamCommandChunk(1, "publish", 3, null, false));
    expect(bench.takeReplies().at(-1)).toBe("onStatus 0 NetStream.Publish.BadName");
    expect(bench.errorCode).toBe("ERR_RTMP_COMMAND_ARGUMENT");
  });

  it("twice on one message stream is refused", () => {
    const bench = publishingServer();
    bench.handle(streamCommandChunk(1, "publish", 4, null, "other", "live"));
    expect(bench.events.filter(({ type }) => type === "publish").length).toBe(1);
    expect(bench.find("unpublish")).toBeUndefined();
  });

  it("without createStream is possible", () => {
    const bench = connectedServer();
    bench.handle(streamCommandChunk(5, "publish", 3, null, "cam"));
    expect(bench.find("publish")?.messageStreamId).toBe(5);
  });

  it("on several message streams at once", () => {
    const bench = connectedServer();
    for (const id of [1, 2]) {
      bench.handle(commandChunk("createStream", id), streamCommandChunk(id, "publish", 3, null, `cam${id}`));
      bench.session.acceptPublish(id, bench.now);
    }
    bench.handle(
      videoChunks(1, Uint8Array.of(1), 2),
      videoChunks(2, Uint8Array.of(2), 1),
      videoChunks(3, Uint8Array.of(3), 9),
    );
    const media = bench.events.filter(({ type }) => type === "video") as RtmpMessage[];
    expect(media.map(({ messageStreamId }) => messageStreamId)).toEqual([2, 1]);
    expect(bench.session.droppedMessageCount).toBe(1);
  });
});

describe("media", () => {
  it("comes as events, in order, data included", () => {
    const bench = publishingServer();
    const metadata = writeData("@setDataFrame", "onMetaData", makeAmfObject({ width: 1 }));
    bench.handle(
      concatBytes([
        writeMessage(5, 0, messageTypeId.dataAmf0, 1, metadata, 128),
        writeMessage(4, 7, messageTypeId.audio, 1, Uint8Array.of(0xaf, 0), 128),
        videoChunks(8, Uint8Array.of(0x17, 0)),
      ]),
    );
    expect(bench.events.slice(-3)).toMatchObject([
      { type: "data", timestamp: 0, payload: metadata },
      { type: "audio", timestamp: 7, payload: Uint8Array.of(0xaf, 0), messageStreamId: 1 },
      { type: "video", timestamp: 8, payload: Uint8Array.of(0x17, 0), messageStreamId: 1 },
    ]);
    expect(bench.session.lastMediaAt).toBe(bench.now);
  });

  it("that comes before acceptance comes as events after it, in order", () => {
    const bench = new ServerBench();
    bench.handle(...publishChunks(), videoChunks(0, Uint8Array.of(1)), videoChunks(40, Uint8Array.of(2)));
    expect(bench.find("video")).toBeUndefined();
    bench.session.acceptPublish(1, bench.now);
    bench.handle(videoChunks(80, Uint8Array.of(3)));
    const media = bench.events.filter(({ type }) => type === "video") as RtmpMessage[];
    expect(media.map(({ payload }) => payload[0])).toEqual([1, 2, 3]);
  });

  it("that comes before acceptance is kept up to 256 KiB, the rest is dropped and counted", () => {
    const bench = new ServerBench();
    bench.handle(...publishChunks());
    for (let i = 0; i < 10; i++) bench.handle(videoChunks(i, new Uint8Array(50_000)));
    bench.session.acceptPublish(1, bench.now);
    bench.drain();
    expect(bench.events.filter(({ type }) => type === "video").length).toBe(5);
    expect(bench.session.droppedMessageCount).toBe(5);
  });

  it("on a wrong message stream belongs to the only publish", () => {
    const bench = publishingServer();
    bench.handle(videoChunks(0, Uint8Array.of(1), 0));
    expect(bench.find("video")?.messageStreamId).toBe(1);
  });

  it("without payload is dropped", () => {
    const bench = publishingServer();
    bench.handle(videoChunks(0, new Uint8Array(0)));
    expect(bench.find("video")).toBeUndefined();
  });

  it("without a publish is dropped and counted", () => {
    const bench = connectedServer();
    bench.handle(videoChunks(0, Uint8Array.of(1)));
    expect(bench.find("video")).toBeUndefined();
    expect(bench.session.droppedMessageCount).toBe(1);
  });

  it("in an aggregate comes one by one, its time shifted to the aggregate's", () => {
    const bench = publishingServer();
    const part = (typeId: number, timestamp: number): RtmpMessage => ({
      type: "audio",
      typeId,
      timestamp,
      messageStreamId: 0,
      chunkStreamId: 0,
      payload: Uint8Array.of(1),
    });
    const payload = writeAggregate([part(8, 100), part(9, 120)]);
    bench.handle(writeMessage(4, 5000, messageTypeId.aggregate, 1, payload, 128));
    expect(bench.events.slice(-2)).toMatchObject([
      { type: "audio", timestamp: 5000 },
      { type: "video", timestamp: 5020 },
    ]);
  });

  it("in the AMF3 form of data loses its format byte", () => {
    const bench = publishingServer();
    bench.handle(writeMessage(5, 0, messageTypeId.dataAmf3, 1, Uint8Array.of(0, 2, 0, 1, 97), 128));
    expect(bench.find("data")?.payload).toEqual(Uint8Array.of(2, 0, 1, 97));
  });
});

describe("the end of a publish", () => {
  it("by FCUnpublish and deleteStream is one event", () => {
    const bench = publishingServer();
    bench.handle(commandChunk("FCUnpublish", 6, null, "cam"), commandChunk("deleteStream", 7, null, 1));
    expect(bench.events.filter(({ type }) => type === "unpublish")).toEqual([
      { type: "unpublish", messageStreamId: 1 },
    ]);
    expect(bench.takeReplies()).toEqual([
      "onFCUnpublish 0 NetStream.Unpublish.Success",
      "onStatus 0 NetStream.Unpublish.Success",
      "_result 6",
    ]);
  });

  it("by closeStream leaves the message stream for another one", () => {
    const bench = publishingServer();
    bench.handle(streamCommandChunk(1, "closeStream", 0), streamCommandChunk(1, "publish", 4, null, "cam2"));
    expect(bench.events.slice(-2)).toMatchObject([{ type: "unpublish" }, { type: "publish", name: "cam2" }]);
  });

  it("by a deleteStream that names the stream, as GStreamer does", () => {
    const bench = publishingServer();
    bench.handle(commandChunk("deleteStream", 0, null, "cam"));
    expect(bench.find("unpublish")).toEqual({ type: "unpublish", messageStreamId: 1 });
  });

  it("comes before the end of the session", () => {
    const bench = publishingServer();
    bench.session.close();
    bench.drain();
    expect(bench.events.slice(-2)).toEqual([{ type: "unpublish", messageStreamId: 1 }, { type: "closed" }]);
  });

  it("while it is being decided: the decision is not taken for another publish", () => {
    const bench = new ServerBench();
    bench.handle(...publishChunks(), commandChunk("deleteStream", 0, null, 1));
    bench.handle(streamCommandChunk(1, "publish", 4, null, "secret", "live"), videoChunks(0, Uint8Array.of(1)));
    expect(bench.session.acceptPublish(1, bench.now)).toBe(false); // means "cam"
    bench.handle(videoChunks(0, Uint8Array.of(1)));
    expect(bench.find("video")).toBeUndefined();
    expect(bench.events.filter(({ type }) => type === "publish")).toMatchObject([{ name: "cam" }]);
    bench.handle(streamCommandChunk(1, "publish", 5, null, "cam2", "live"));
    expect(bench.events.at(-1)).toMatchObject({ type: "publish", name: "cam2" });
  });
});

describe("the end of a session", () => {
  it("is one event, and nothing comes after it", () => {
    const bench = publishingServer();
    bench.handle(Uint8Array.of(0xff));
    bench.handle(videoChunks(0, Uint8Array.of(1)));
    bench.session.acceptPublish(1, bench.now);
    bench.session.close();
    bench.drain();
    expect(bench.events.filter(({ type }) => type === "closed").length).toBe(1);
    expect(bench.events.at(-1)?.type).toBe("closed");
    expect(bench.session.nextTimeout()).toBeUndefined();
  });

  it("with a reason is told to the peer", () => {
    const bench = connectedServer();
    bench.takeMessages();
    bench.session.close("the server restarts");
    expect(bench.takeReplies()).toEqual(["onStatus 0 NetConnection.Connect.Closed"]);
    expect(bench.events.at(-1)).toEqual({ type: "closed" });
  });
});

describe("recorded sessions", () => {
  for (const { name, bytes } of corpusSeeds("rtmp_session")) {
    it(`gives the same events for ${name} in one piece and in many, or a coded error`, () => {
      const run = (pieces: Iterable<Uint8Array>): string[] => {
        const bench = new ServerBench();
        const seen: string[] = [];
        for (const piece of pieces) {
          bench.handle(piece.slice());
          for (const event of bench.events.splice(0)) {
            seen.push(event.type === "closed" ? `closed ${event.error?.code}` : JSON.stringify(event));
            if (event.type === "publish") bench.session.acceptPublish(event.messageStreamId, bench.now);
            if (event.type === "play") bench.session.acceptPlay(event.messageStreamId, bench.now);
          }
        }
        return seen;
      };
      const whole = run([bytes]);
      for (let seed = 0; seed < 5; seed++) {
        // Media is only an event after acceptance, which comes between pieces: compare what does not depend on it.
        expect(run(randomPieces(bytes, seededRandom(seed))).filter((text) => !text.includes("payload"))).toEqual(
          whole.filter((text) => !text.includes("payload")),
        );
      }
    });
  }
});

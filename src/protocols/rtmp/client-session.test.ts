import { describe, expect, it } from "vitest";
import { canReceive, ownCapabilities } from "./capabilities.ts";
import { messageTypeId, type RtmpMessage } from "./message/message-type.ts";
import { Pair } from "./pair.cases.ts";

const { audio, video, dataAmf0 } = messageTypeId;

function mediaAt(events: readonly { type: string }[]): [number, number, number][] {
  return events
    .filter(({ type }) => type === "audio" || type === "video" || type === "data")
    .map((event) => event as RtmpMessage)
    .map(({ typeId, timestamp, payload }) => [typeId, timestamp, payload.length]);
}

describe("a publisher", () => {
  it("gets through the negotiation of the server", () => {
    const pair = new Pair({ role: "publish", url: "rtmp://host/live/cam?token=x" });
    pair.start();
    expect(pair.server.find("publish")).toMatchObject({ app: "live", name: "cam", query: "token=x" });
    expect(pair.findAtClient("ready")).toEqual({ type: "ready", messageStreamId: 1 });
    expect(pair.client.isReady).toBe(true);
    expect(pair.statusCodes()).toEqual(["NetStream.Publish.Start"]);
    expect(pair.client.nextTimeout()).toBeUndefined();
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`carries media in random pieces, across 2^24 and 2^32 ms (seed ${seed})`, () => {
      const pair = new Pair({ role: "publish", chunkSize: 1000 + seed, digestScheme: (seed % 2) as 0 | 1 }, {}, seed);
      pair.start();
      const sent: [number, number, number][] = [
        [dataAmf0, 0, 20],
        [video, 0xff_fffe, 5000],
        [audio, 0xff_ffff, 300],
        [video, 0x100_0000, 3000],
        [video, 0xffff_fffe, 70_000],
        [audio, 0xffff_ffff, 1],
        [video, 1, 1001],
      ];
      for (const [typeId, timestamp, length] of sent) {
        pair.client.sendMedia(typeId, timestamp, new Uint8Array(length).fill(typeId));
        pair.exchange();
      }
      expect(mediaAt(pair.server.events)).toEqual(sent);
    });
  }

  it("is told why it is refused", () => {
    const pair = new Pair({ role: "publish" });
    pair.exchange();
    pair.server.session.rejectPublish(1, "bad-name", "somebody else publishes live/cam");
    pair.exchange();
    const error = pair.findAtClient("closed")?.error;
    expect(error?.code).toBe("ERR_RTMP_REFUSED");
    expect(error?.message).toContain("somebody else publishes live/cam");
  });

  it("ends its stream in order", () => {
    const pair = new Pair({ role: "publish" });
    pair.start();
    pair.client.close();
    pair.exchange();
    expect(pair.server.find("unpublish")).toEqual({ type: "unpublish", messageStreamId: 1 });
    expect(pair.findAtClient("closed")).toEqual({ type: "closed" });
  });

  it("sends nothing before it is ready", () => {
    const pair = new Pair({ role: "publish" });
    pair.exchange();
    pair.client.sendMedia(video, 0, Uint8Array.of(1));
    pair.start();
    expect(pair.server.find("video")).toBeUndefined();
  });

  it("acknowledges, and is acknowledged", () => {
    const pair = new Pair({ role: "publish", chunkSize: 60_000 });
    pair.start();
    for (let i = 0; i < 30; i++) pair.client.sendMedia(video, i, new Uint8Array(100_000));
    pair.exchange();
    expect(pair.client.bytesAcknowledged).toBeGreaterThan(1_250_000);
  });
});

describe("a player", () => {
  it("gets media, in random pieces", () => {
    const pair = new Pair({ role: "play" }, {}, 9);
    pair.start();
    expect(pair.findAtClient("ready")).toBeDefined();
    const sent: [number, number, number][] = [
      [video, 0xffff_ffff, 200_000],
      [audio, 0, 100],
    ];
    for (const [typeId, timestamp, length] of sent) {
      pair.server.session.sendMedia(1, typeId, timestamp, new Uint8Array(length));
    }
    pair.exchange();
    const media = mediaAt(pair.clientEvents).filter(([typeId]) => typeId !== dataAmf0);
    expect(media).toEqual(sent);
  });

  it("sees the end of the stream in a status, and stays connected", () => {
    const pair = new Pair({ role: "play" });
    pair.start();
    pair.server.session.endPlay(1);
    pair.exchange();
    expect(pair.statusCodes().slice(-2)).toEqual(["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"]);
    expect(pair.findAtClient("closed")).toBeUndefined();
  });

  it("answers pings for as long as it is there", () => {
    const pair = new Pair({ role: "play" }, { pingIntervalMs: 1_000, pingTimeoutMs: 500 });
    pair.start();
    for (let i = 0; i < 100; i++) pair.advance(100);
    expect(pair.server.find("closed")).toBeUndefined();
  });

  it("pauses", () => {
    const pair = new Pair({ role: "play" });
    pair.start();
    pair.client.pause(true);
    pair.exchange();
    expect(pair.server.find("pause")).toEqual({ type: "pause", messageStreamId: 1, isPaused: true });
  });

  it("is asked to reconnect when it announced that it can", () => {
    const pair = new Pair({ role: "play", capabilities: ownCapabilities });
    pair.start();
    pair.server.session.requestReconnect({ tcUrl: "rtmp://other/live", description: "update" });
    pair.exchange();
    expect(pair.findAtClient("reconnectRequest")).toEqual({
      type: "reconnectRequest",
      tcUrl: "rtmp://other/live",
      description: "update",
    });
  });

  it("and the server tell each other their codecs", () => {
    const pair = new Pair({ role: "play", capabilities: ownCapabilities });
    pair.start();
    expect(canReceive(pair.server.session.capabilities, "video", "hvc1")).toBe(true);
    expect(canReceive(pair.client.serverCapabilities, "audio", "Opus")).toBe(true);
    expect(new Pair({ role: "play" }).client.serverCapabilities).toBeUndefined();
  });
});

describe("deadlines", () => {
  it("5 s for the handshake", () => {
    const pair = new Pair({});
    const now = pair.server.now;
    pair.client.handleTimeout(now + 4_999);
    expect(pair.client.pollEvent()).toBeUndefined();
    pair.client.handleTimeout(now + 5_000);
    expect(pair.client.pollEvent()).toMatchObject({ type: "closed", error: { code: "ERR_RTMP_HANDSHAKE_TIMEOUT" } });
  });

  it("10 s from there until it may publish", () => {
    const pair = new Pair({});
    pair.exchange();
    pair.advance(9_999);
    expect(pair.findAtClient("closed")).toBeUndefined();
    pair.advance(1);
    expect(pair.findAtClient("closed")?.error?.code).toBe("ERR_RTMP_COMMAND_TIMEOUT");
  });
});

it("refuses an address that is none", () => {
  expect(() => new Pair({ url: "rtmp://host" })).toThrowError(expect.objectContaining({ code: "ERR_RTMP_URL" }));
});

import { describe, expect, it } from "vitest";
import { ChunkReader } from "./chunk-reader.ts";
import { RtmpLink } from "./link.ts";
import type { RtmpMessage } from "./message/message-type.ts";
import { writeSetPeerBandwidth } from "./message/set-peer-bandwidth.ts";
import { writeWindowAcknowledgementSize } from "./message/window-acknowledgement-size.ts";

function control(typeId: number, payload: Uint8Array): RtmpMessage {
  return { type: "control", typeId, timestamp: 0, messageStreamId: 0, chunkStreamId: 2, payload };
}

/** What the link has sent: type and payload. */
function sent(link: RtmpLink): [number, string][] {
  const reader = new ChunkReader();
  reader.handle(link.pollOutput() ?? new Uint8Array(0));
  const messages: [number, string][] = [];
  for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
    messages.push([message.typeId, message.payload.toHex()]);
  }
  return messages;
}

function receive(link: RtmpLink, bytes: number): void {
  link.countReceived(bytes);
  link.acknowledge();
}

describe("acknowledgements", () => {
  it("go out at half the peer's window", () => {
    const link = new RtmpLink();
    link.handleControl(control(5, writeWindowAcknowledgementSize(10_000)));
    receive(link, 4_999);
    expect(sent(link)).toEqual([]);
    receive(link, 1);
    expect(sent(link)).toEqual([[3, "00001388"]]);
    receive(link, 4_999);
    expect(sent(link)).toEqual([]);
    receive(link, 1);
    expect(sent(link)).toEqual([[3, "00002710"]]);
  });

  it("wrap at 2^32", () => {
    const link = new RtmpLink();
    receive(link, 2 ** 32 - 1);
    expect(sent(link)).toEqual([[3, "ffffffff"]]);
    receive(link, 2_500_000);
    expect(sent(link)).toEqual([[3, (2_500_000 - 1).toString(16).padStart(8, "0")]]);
    expect(link.receivedBytes).toBe(2 ** 32 + 2_500_000 - 1);
  });

  it("are not sent for every packet to a peer with a tiny window", () => {
    const link = new RtmpLink();
    link.handleControl(control(5, writeWindowAcknowledgementSize(1)));
    for (let i = 0; i < 20; i++) receive(link, 100);
    expect(sent(link)).toEqual([]);
  });

  it("take a window of 0 as no opinion", () => {
    const link = new RtmpLink();
    link.handleControl(control(5, writeWindowAcknowledgementSize(0)));
    receive(link, 100_000);
    expect(sent(link)).toEqual([]);
  });

  it("of the peer are kept", () => {
    const link = new RtmpLink();
    link.handleControl(control(3, Uint8Array.of(0xff, 0, 0, 1)));
    expect(link.peerAcknowledgedBytes).toBe(0xff00_0001);
  });
});

describe("peer bandwidth", () => {
  function windows(...limits: [number, "hard" | "soft" | "dynamic"][]): string[] {
    const link = new RtmpLink();
    link.sendWindow(1000);
    sent(link);
    for (const [windowBytes, limitType] of limits) {
      link.handleControl(control(6, writeSetPeerBandwidth({ windowBytes, limitType })));
    }
    return sent(link).map(([, hex]) => String(Number.parseInt(hex, 16)));
  }

  it("is confirmed with a window of the same size, unless that is ours already", () => {
    expect(windows([5000, "hard"])).toEqual(["5000"]);
    expect(windows([1000, "hard"])).toEqual([]);
    expect(windows([5000, "hard"], [5000, "hard"])).toEqual(["5000"]);
  });

  it("soft only ever lowers", () => {
    expect(windows([5000, "hard"], [6000, "soft"], [4000, "soft"])).toEqual(["5000", "4000"]);
  });

  it("dynamic counts after hard only", () => {
    expect(windows([5000, "dynamic"])).toEqual([]);
    expect(windows([5000, "hard"], [6000, "dynamic"])).toEqual(["5000", "6000"]);
    expect(windows([5000, "soft"], [6000, "dynamic"])).toEqual(["5000"]);
  });
});

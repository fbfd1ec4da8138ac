import { describe, expect, it } from "vitest";
import { framesOf } from "../../../test/support/rtp-payloads.ts";
import { maxHeldBytes, maxHeldPackets, maxRelayedPayloadBytes, trustDelayMs } from "./limits.ts";
import { PacketRelay } from "./packet-relay.ts";
import { openH264Reader } from "./payload/nal-depacketizer.ts";
import { avcC } from "./payload/video-payloads.cases.ts";

/** A relay of H.264 whose reader knows the parameter sets, and what has gone on. */
class Relaying {
  readonly sent: { payload: string; startsUnit: boolean; isKey: boolean; ticks: number }[] = [];
  readonly #reader = openH264Reader(avcC);
  readonly relay = new PacketRelay(
    { payloadType: 96, codec: "h264", clockRate: 90_000, config: avcC, payloadFormat: { name: "h264" } },
    this.#reader,
    ({ payload, startsUnit, isKey, ticks }) => this.sent.push({ payload: payload.toHex(), startsUnit, isKey, ticks }),
  );

  /** Returns whether its unit goes on in packets. */
  send(payload: string | Uint8Array, ticks: number, { marker = false, nowMs = 0, isDescribed = true } = {}): boolean {
    const bytes = typeof payload === "string" ? Uint8Array.fromHex(payload) : payload;
    this.#reader.handle(bytes, ticks, marker, false);
    framesOf(this.#reader);
    this.relay.handle(bytes, marker, ticks, nowMs, true, isDescribed);
    return this.relay.isRelaying;
  }
}

const delimiter = "09f0";
const keySlice = "6588aa";

describe("a packet relay", () => {
  it("holds what stands before a picture until it knows whether that is key", () => {
    const relaying = new Relaying();
    expect(relaying.send(delimiter, 7)).toBe(false);
    expect(relaying.sent).toEqual([]);
    expect(relaying.send(keySlice, 7, { marker: true })).toBe(true);
    expect(relaying.sent).toEqual([
      { payload: delimiter, startsUnit: true, isKey: true, ticks: 7 },
      { payload: keySlice, startsUnit: false, isKey: true, ticks: 7 },
    ]);
    relaying.send("419a", 8, { marker: true });
    expect(relaying.sent.at(-1)).toEqual({ payload: "419a", startsUnit: true, isKey: false, ticks: 8 });
  });

  it.each([
    ["packets", Array.from({ length: maxHeldPackets + 1 }, () => new Uint8Array(4).fill(6))],
    [
      "bytes",
      Array.from({ length: Math.ceil(maxHeldBytes / 1_400) }, () => new Uint8Array(1_400).fill(6)), // SEI
    ],
  ])("does not hold any number of %s: then it is frames that go on", (_name, units) => {
    const relaying = new Relaying();
    for (const unit of units) expect(relaying.send(unit, 1)).toBe(false);
    expect(relaying.send(keySlice, 1, { marker: true })).toBe(false);
    expect(relaying.send(keySlice, 2, { marker: true })).toBe(false);
    expect(relaying.sent).toEqual([]);
  });

  it("begins with a unit, not in the middle of one, when the track is known", () => {
    const relaying = new Relaying();
    expect(relaying.send("7c8588", 1, { isDescribed: false })).toBe(false);
    expect(relaying.send("7c4501", 1, { marker: true })).toBe(false);
    expect(relaying.send("419a", 2, { marker: true })).toBe(true);
    expect(relaying.sent).toHaveLength(1);
  });

  it("waits with a line that has lost something, or has yet to show that it does not", () => {
    const relaying = new Relaying();
    relaying.relay.distrust(1_000);
    const untilMs = 1_000 + trustDelayMs;
    expect(relaying.send(keySlice, 1, { marker: true, nowMs: untilMs - 1 })).toBe(false);
    expect(relaying.send(keySlice, 2, { marker: true, nowMs: untilMs })).toBe(true);
  });

  it("breaks a unit off in which something is lost, whose frame is not to be sent any more", () => {
    const relaying = new Relaying();
    expect(relaying.send("7c8588", 1)).toBe(true);
    relaying.relay.distrust(0);
    expect(relaying.send("7c4501", 1, { marker: true })).toBe(true);
    expect(relaying.sent).toHaveLength(1);
    expect(relaying.send(keySlice, 2, { marker: true })).toBe(false);
  });

  it("passes on payloads as large as may be, and none above", () => {
    const relaying = new Relaying();
    const slice = new Uint8Array(maxRelayedPayloadBytes + 1).fill(0xaa);
    slice.set([0x65, 0x88]);
    expect(relaying.send(slice.subarray(0, maxRelayedPayloadBytes), 1, { marker: true })).toBe(true);
    expect(relaying.send(slice, 2, { marker: true })).toBe(false);
    expect(relaying.send(keySlice, 3, { marker: true })).toBe(false); // nor anything after it
  });
});

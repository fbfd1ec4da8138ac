import { describe, expect, it } from "vitest";
import { closeStatus, WebSocketSession } from "./session.ts";

/** A frame of a client: masked with 1, 2, 3, 4. */
function frame(first: number, payload: Uint8Array, isMasked = true): Uint8Array {
  const length = payload.length;
  const header =
    length < 126
      ? [first, length]
      : length < 65_536
        ? [first, 126, length >> 8, length]
        : [first, 127, 0, 0, 0, 0, 0, 1, 0, 0];
  header[1] = (header[1] as number) | (isMasked ? 0x80 : 0);
  const mask = isMasked ? [1, 2, 3, 4] : [];
  const body = payload.map((byte, index) => byte ^ (isMasked ? (mask[index % 4] as number) : 0));
  return Uint8Array.of(...header, ...mask, ...body);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** All that the session says to these bytes, given in pieces of `size`. */
function answers(bytes: Uint8Array, size = bytes.length): { session: WebSocketSession; output: number[][] } {
  const session = new WebSocketSession();
  for (let at = 0; at < bytes.length; at += size) session.handle(bytes.subarray(at, at + size));
  return { session, output: drain(session) };
}

function drain(session: WebSocketSession): number[][] {
  const output: number[][] = [];
  for (let piece = session.pollOutput(); piece !== undefined; piece = session.pollOutput()) output.push([...piece]);
  return output;
}

describe.each([1, 2, 7, 10_000])("a player's WebSocket, read in pieces of %i", (size) => {
  it("answers a ping with its own words", () => {
    const { session, output } = answers(frame(0x89, text("hello")), size);
    expect(output).toEqual([[0x8a, 5, ...text("hello")]]);
    expect(session.isClosed).toBe(false);
  });

  it("answers an empty ping", () => {
    expect(answers(frame(0x89, text("")), size).output).toEqual([[0x8a, 0]]);
  });

  it("answers a close with the same status, and is closed", () => {
    const { session, output } = answers(frame(0x88, Uint8Array.of(3, 233, ...text("bye"))), size);
    expect(output).toEqual([[0x88, 2, 3, 233]]);
    expect(session.isClosed).toBe(true);
    expect(session.error).toBeUndefined();
  });

  it("reads messages over, whole or in frames with a ping between", () => {
    const bytes = [
      ...frame(0x81, text("hällo")),
      ...frame(0x81, text("")),
      ...frame(0x01, Uint8Array.of(0xc3)),
      ...frame(0x80, Uint8Array.of(0xa4)),
      ...frame(0x02, new Uint8Array(300)),
      ...frame(0x89, text("p")),
      ...frame(0x80, new Uint8Array(200)),
      ...frame(0x8a, text("unasked")),
    ];
    const { session, output } = answers(Uint8Array.from(bytes), size);
    expect(output).toEqual([[0x8a, 1, ...text("p")]]);
    expect(session.isClosed).toBe(false);
  });

  it.each([
    ["a frame without a mask", frame(0x81, text("x"), false), closeStatus.protocolError],
    ["a reserved bit", frame(0xc1, text("x")), closeStatus.protocolError],
    ["an opcode that nobody assigned", frame(0x83, text("x")), closeStatus.protocolError],
    ["text that is no UTF-8", frame(0x81, Uint8Array.of(0x61, 0xff)), closeStatus.protocolError],
    [
      "text whose last letter is cut off",
      Uint8Array.of(...frame(0x01, text("x")), ...frame(0x80, Uint8Array.of(0xc3))),
      closeStatus.protocolError,
    ],
    ["a ping in pieces", frame(0x09, text("x")), closeStatus.protocolError],
    ["a ping of 126 bytes", frame(0x89, new Uint8Array(126)), closeStatus.protocolError],
    ["a continuation of nothing", frame(0x80, text("x")), closeStatus.protocolError],
    [
      "a message inside of another",
      Uint8Array.of(...frame(0x01, text("x")), ...frame(0x81, text("y"))),
      closeStatus.protocolError,
    ],
    ["a message of 5,000 bytes", frame(0x82, new Uint8Array(5_000)), closeStatus.tooLong],
    [
      "a message that grows too long",
      Uint8Array.of(...frame(0x02, new Uint8Array(4_000)), ...frame(0x80, new Uint8Array(97))),
      closeStatus.tooLong,
    ],
    ["a message of 65,536 bytes", frame(0x82, new Uint8Array(65_536)), closeStatus.tooLong],
  ])("closes on %s", (_name, bytes, status) => {
    const { session, output } = answers(bytes, size);
    expect(output).toEqual([[0x88, 2, status >> 8, status & 0xff]]);
    expect(session.isClosed).toBe(true);
    expect(session.error?.code).toMatch(/^ERR_WEBSOCKET_/);
  });
});

describe("closing from our side", () => {
  it("says goodbye once and waits for the answer", () => {
    const session = new WebSocketSession();
    session.close(closeStatus.normal);
    session.close(closeStatus.normal);
    expect(drain(session)).toEqual([[0x88, 2, 3, 232]]);
    expect(session.isClosed).toBe(false);
    session.handle(frame(0x89, text("late")));
    session.handle(frame(0x88, Uint8Array.of(3, 232)));
    expect(drain(session)).toEqual([]);
    expect(session.isClosed).toBe(true);
  });
});

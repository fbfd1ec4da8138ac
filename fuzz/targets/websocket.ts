/** A player's WebSocket: any bytes, in any pieces, give answers or a close, and memory stays what it was. */

import { parseWebSocketRequest } from "../../src/protocols/websocket/handshake.ts";
import { WebSocketSession } from "../../src/protocols/websocket/session.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "websocket",
  covers: ["src/protocols/websocket/session.ts", "src/protocols/websocket/handshake.ts"],
  corpora: [],
  seeds: () => [
    Uint8Array.of(0x89, 0x81, 1, 2, 3, 4, 0x61),
    Uint8Array.of(0x88, 0x82, 1, 2, 3, 4, 2, 0xeb),
    Uint8Array.of(0x02, 0x81, 0, 0, 0, 0, 1, 0x80, 0x81, 0, 0, 0, 0, 1),
    Uint8Array.of(0x82, 0xfe, 0x0f, 0xff, 0, 0, 0, 0),
    Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
  ],
  run(bytes) {
    const whole = new WebSocketSession();
    whole.handle(bytes);
    const pieces = new WebSocketSession();
    for (let at = 0; at < bytes.length; at += 3) pieces.handle(bytes.subarray(at, at + 3));
    if (whole.isClosed !== pieces.isClosed || output(whole) !== output(pieces)) {
      throw new Error("the answer depends on how the bytes were cut");
    }
    const text = String.fromCharCode(...bytes.subarray(0, 256));
    parseWebSocketRequest("GET", {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": text,
      "sec-websocket-protocol": text,
    });
  },
};

function output(session: WebSocketSession): string {
  const pieces: string[] = [];
  for (let piece = session.pollOutput(); piece !== undefined; piece = session.pollOutput()) pieces.push(piece.join());
  return pieces.join(";");
}

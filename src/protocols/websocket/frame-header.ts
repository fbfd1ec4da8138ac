/** The header of a WebSocket frame as servers send it, RFC 6455 §5.2: final, binary, not masked. */

import { writeU16, writeU32 } from "../../bytes/byte-writer.ts";

export const maxWebSocketHeaderLength = 10;

export function webSocketHeaderLength(payloadLength: number): number {
  return payloadLength < 126 ? 2 : payloadLength < 0x1_0000 ? 4 : 10;
}

/** Writes the header of a whole binary message of up to 2^32 - 1 bytes and returns the offset behind it. */
export function writeWebSocketHeader(target: Uint8Array, at: number, payloadLength: number): number {
  target[at] = 0x82;
  if (payloadLength < 126) {
    target[at + 1] = payloadLength;
    return at + 2;
  }
  if (payloadLength < 0x1_0000) {
    target[at + 1] = 126;
    writeU16(target, at + 2, payloadLength);
    return at + 4;
  }
  target[at + 1] = 127;
  writeU32(target, at + 2, 0);
  writeU32(target, at + 6, payloadLength);
  return at + 10;
}

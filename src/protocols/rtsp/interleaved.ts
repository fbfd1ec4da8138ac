/** Interleaved binary data: RFC 2326 §10.12. "$", the channel, the length in two bytes, and a packet. */

import { writeU16 } from "../../bytes/byte-writer.ts";

export const interleavedMagic = 0x24;
export const interleavedHeaderLength = 4;

export interface InterleavedFrame {
  readonly kind: "interleaved";
  readonly channel: number;
  /** A view of the input when the frame was whole in it, else memory of its own. */
  readonly data: Uint8Array;
}

/** Writes the header of a packet of `length` bytes (at most 65,535) at `at`. */
export function writeInterleavedHeader(bytes: Uint8Array, at: number, channel: number, length: number): void {
  bytes[at] = interleavedMagic;
  bytes[at + 1] = channel;
  writeU16(bytes, at + 2, length);
}

/** Header and packet in memory of their own: for what does not go through an egress log. */
export function writeInterleaved(channel: number, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(interleavedHeaderLength + packet.length);
  writeInterleavedHeader(frame, 0, channel, packet.length);
  frame.set(packet, interleavedHeaderLength);
  return frame;
}

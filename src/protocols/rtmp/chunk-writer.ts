/**
 * Messages into chunks, RTMP 1.0 §5.3.1. A message starts with a header of format 0, which needs no history, and goes on with
 * format 3; so a subscriber may start at any message.
 *
 * Chunk stream ids here are 2 to 63 (headers of one byte): it is our own choice which to use.
 */

import { writeU24, writeU32 } from "../../bytes/byte-writer.ts";

/** What we use each chunk stream for. */
export const chunkStreamId = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;

/**
 * Bytes on the wire of a message of `payloadLength`. `timestamp` counts because from 0xffffff on each chunk repeats it in four
 * bytes.
 */
export function chunkedLength(payloadLength: number, timestamp: number, chunkSize: number): number {
  const extension = timestamp >= extendedFrom ? 4 : 0;
  const continuations = payloadLength === 0 ? 0 : Math.ceil(payloadLength / chunkSize) - 1;
  return 12 + extension + payloadLength + continuations * (1 + extension);
}

/**
 * Writes the header of a message's first chunk, 12 bytes or 16, and returns the offset behind it. `timestamp` is absolute, in
 * milliseconds, below 2^32.
 */
export function writeChunkHeader0(
  target: Uint8Array,
  at: number,
  csid: number,
  timestamp: number,
  length: number,
  typeId: number,
  messageStreamId: number,
): number {
  target[at] = csid;
  writeU24(target, at + 1, timestamp >= extendedFrom ? extendedFrom : timestamp);
  writeU24(target, at + 4, length);
  target[at + 7] = typeId;
  // The one little-endian field, §5.3.1.2.1.
  target[at + 8] = messageStreamId;
  target[at + 9] = messageStreamId >>> 8;
  target[at + 10] = messageStreamId >>> 16;
  target[at + 11] = messageStreamId >>> 24;
  if (timestamp < extendedFrom) return at + 12;
  writeU32(target, at + 12, timestamp);
  return at + 16;
}

/** Writes the header of a message's further chunk, 1 byte or 5, and returns the offset behind it. */
export function writeChunkHeader3(target: Uint8Array, at: number, csid: number, timestamp: number): number {
  target[at] = 0xc0 | csid;
  if (timestamp < extendedFrom) return at + 1;
  writeU32(target, at + 1, timestamp);
  return at + 5;
}

/** Writes a whole message at `at`, {@link chunkedLength} bytes, and returns the offset behind it. */
export function writeChunks(
  target: Uint8Array,
  at: number,
  csid: number,
  timestamp: number,
  typeId: number,
  messageStreamId: number,
  payload: Uint8Array,
  chunkSize: number,
): number {
  let offset = writeChunkHeader0(target, at, csid, timestamp, payload.length, typeId, messageStreamId);
  if (payload.length <= chunkSize) {
    target.set(payload, offset);
    return offset + payload.length;
  }
  for (let done = 0; done < payload.length; done += chunkSize) {
    if (done > 0) offset = writeChunkHeader3(target, offset, csid, timestamp);
    const chunk = payload.subarray(done, done + chunkSize);
    target.set(chunk, offset);
    offset += chunk.length;
  }
  return offset;
}

/** A whole message in memory of its own: for control messages and commands, which are few. */
export function writeMessage(
  csid: number,
  timestamp: number,
  typeId: number,
  messageStreamId: number,
  payload: Uint8Array,
  chunkSize: number,
): Uint8Array {
  const target = new Uint8Array(chunkedLength(payload.length, timestamp, chunkSize));
  writeChunks(target, 0, csid, timestamp, typeId, messageStreamId, payload, chunkSize);
  return target;
}

/** The value of the 24-bit field that says "the timestamp follows in 32 bits". */
const extendedFrom = 0xff_ffff;

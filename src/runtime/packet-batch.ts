/** Packets of an egress log, copied out of its ring: what the portable transport sends to all who stand at the same entry. */

import { assert } from "../bytes/assert.ts";
import type { LogReader } from "../kernel/log-reader.ts";

export interface Packet {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

export interface PacketBatch {
  readonly packets: readonly Packet[];
  /** Of the entries, with the four bytes in front of each packet. */
  readonly byteLength: number;
  /** The entry to go on with, and its position. */
  readonly endEntry: number;
  readonly endPosition: number;
}

/**
 * Whole entries from `entry` (at `position`) on, until `maxBytes` are exceeded, as packets. A copy: a socket may keep them for as
 * long as it likes.
 *
 * @param isStarting - whether the preamble belongs to it
 * @returns undefined when the writer was faster
 */
export function readPackets(
  reader: LogReader,
  entry: number,
  position: number,
  isStarting: boolean,
  maxBytes: number,
): PacketBatch | undefined {
  const { views, byteLength, endEntry, endPosition } = reader.gather(entry, isStarting, maxBytes);
  const copy = new Uint8Array(byteLength);
  let at = 0;
  for (const view of views) {
    copy.set(view, at);
    at += view.length;
  }
  if (!reader.isIntact(entry, position)) return undefined;
  return { packets: cutRecords(copy), byteLength, endEntry, endPosition };
}

/** Each record is "$", a channel, and a length of two bytes, big-endian (RFC 2326 §10.12). */
function cutRecords(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const end = at + recordHeaderBytes + length;
    assert(bytes[at] === recordMark && end <= bytes.length, "an entry of a log of packets is whole records");
    packets.push({ channel: bytes[at + 1] as number, bytes: bytes.subarray(at + recordHeaderBytes, end) });
    at = end;
  }
  return packets;
}

const recordMark = 0x24;
const recordHeaderBytes = 4;

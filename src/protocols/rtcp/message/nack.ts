/** Generic NACK, packets that are asked for again: RFC 4585 §6.2.1. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTCP_PACKET } from "../errors.ts";
import { maxNackedPackets } from "../limits.ts";

export interface Nack {
  readonly kind: "nack";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** Sequence numbers in the order in which they were sent. */
  readonly lost: readonly number[];
}

/** FMT of a transport layer feedback message (205). */
export const nackFormat = 1;

export function parseNack(reader: ByteReader): Nack {
  const senderSsrc = reader.u32();
  const mediaSsrc = reader.u32();
  const lost: number[] = [];
  while (reader.left > 0) {
    const first = reader.u16();
    lost.push(first);
    for (let following = reader.u16(), i = 1; following !== 0; following >>= 1, i++) {
      if ((following & 1) !== 0) lost.push((first + i) & 0xffff);
    }
    if (lost.length > maxNackedPackets) {
      throw new CodedError(ERR_RTCP_PACKET, `a NACK asks for more than ${maxNackedPackets} packets`);
    }
  }
  return { kind: "nack", senderSsrc, mediaSsrc, lost };
}

export function writeNack(writer: ByteWriter, { senderSsrc, mediaSsrc, lost }: Nack): void {
  writer.u32(senderSsrc).u32(mediaSsrc);
  for (let i = 0; i < lost.length; ) {
    const first = lost[i++] as number;
    let following = 0;
    for (; i < lost.length; i++) {
      const distance = ((lost[i] as number) - first) & 0xffff;
      if (distance < 1 || distance > 16) break;
      following |= 1 << (distance - 1);
    }
    writer.u16(first).u16(following);
  }
}

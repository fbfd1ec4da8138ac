/** BYE, sources that leave: RFC 3550 §6.6. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";

export interface Bye {
  readonly kind: "bye";
  readonly ssrcs: readonly number[];
  /** For people; at most 255 bytes. */
  readonly reason: string | undefined;
}

export const byeType = 203;

export function parseBye(reader: ByteReader, sourceCount: number): Bye {
  const ssrcs = Array.from({ length: sourceCount }, () => reader.u32());
  const reason = reader.left > 0 ? new TextDecoder().decode(reader.view(reader.u8())) : undefined;
  return { kind: "bye", ssrcs, reason };
}

export function writeBye(writer: ByteWriter, { ssrcs, reason }: Bye): void {
  for (const ssrc of ssrcs) writer.u32(ssrc);
  if (reason === undefined) return;
  const bytes = new TextEncoder().encode(reason).subarray(0, 255);
  writer.u8(bytes.length).put(bytes);
  while (writer.length % 4 !== 0) writer.u8(0);
}

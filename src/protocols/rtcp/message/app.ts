/** APP, what an application defines for itself: RFC 3550 §6.7. */

import type { ByteReader } from "../../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../../bytes/byte-writer.ts";

export interface App {
  readonly kind: "app";
  /** 5 bits. */
  readonly subtype: number;
  readonly ssrc: number;
  /** Four characters, as a number. */
  readonly name: number;
  /** A multiple of four bytes; when parsed, a view. */
  readonly data: Uint8Array;
}

export const appType = 204;

export function parseApp(reader: ByteReader, subtype: number): App {
  return { kind: "app", subtype, ssrc: reader.u32(), name: reader.u32(), data: reader.rest() };
}

export function writeApp(writer: ByteWriter, { ssrc, name, data }: App): void {
  writer.u32(ssrc).u32(name).put(data);
}

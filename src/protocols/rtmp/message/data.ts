/** Data Message, RTMP 1.0 §7.1.2: a handler's name (`@setDataFrame`, `onMetaData`, …) and its values, in AMF0. */

import { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError, truncatedError } from "../../../bytes/coded-error.ts";
import type { AmfValue } from "../../../formats/amf/amf-value.ts";
import { writeAmf0 } from "../../../formats/amf/amf0.ts";
import { ERR_RTMP_COMMAND } from "../errors.ts";
import { maxDataBytes } from "../limits.ts";
import { messageTypeId } from "./message-type.ts";

/**
 * The AMF0 values of a data message, not parsed (who uses them parses them): `payload` itself for type 18, a view without the
 * format byte for type 15. Errors: ERR_RTMP_COMMAND, ERR_TRUNCATED.
 */
export function parseData(typeId: number, payload: Uint8Array): Uint8Array {
  if (payload.length > maxDataBytes) {
    throw new CodedError(
      ERR_RTMP_COMMAND,
      `expected a data message of at most ${maxDataBytes} bytes, got ${payload.length}`,
    );
  }
  return typeId === messageTypeId.dataAmf3 ? amf0Part(payload) : payload;
}

/** The payload of a message of type 18. */
export function writeData(...values: readonly AmfValue[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writeAmf0(writer, value);
  return writer.finish();
}

/** What follows the format byte of types 15 and 17, a view. */
export function amf0Part(payload: Uint8Array): Uint8Array {
  if (payload.length === 0) throw truncatedError(1, 0, 0);
  if (payload[0] !== 0) {
    throw new CodedError(ERR_RTMP_COMMAND, `expected format 0 in front of an AMF3 message, got ${payload[0]}`);
  }
  return payload.subarray(1);
}

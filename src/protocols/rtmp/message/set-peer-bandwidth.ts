/** Set Peer Bandwidth, RTMP 1.0 §5.4.5: the receiver is to limit what it has sent and not seen acknowledged. */

import { readU32 } from "../../../bytes/byte-reader.ts";
import { writeU32 } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTMP_CONTROL } from "../errors.ts";
import { requireLength } from "./control-length.ts";

export type BandwidthLimitType = "hard" | "soft" | "dynamic";

export interface SetPeerBandwidth {
  readonly windowBytes: number;
  readonly limitType: BandwidthLimitType;
}

/** Errors: ERR_TRUNCATED, ERR_RTMP_CONTROL (limit type above 2). */
export function parseSetPeerBandwidth(payload: Uint8Array): SetPeerBandwidth {
  requireLength(payload, 5);
  const limitType = limitTypes[payload[4] as number];
  if (limitType === undefined) {
    throw new CodedError(ERR_RTMP_CONTROL, `expected a bandwidth limit type of 0, 1 or 2, got ${payload[4]}`);
  }
  return { windowBytes: readU32(payload, 0), limitType };
}

export function writeSetPeerBandwidth(message: SetPeerBandwidth): Uint8Array {
  const payload = new Uint8Array(5);
  writeU32(payload, 0, message.windowBytes);
  payload[4] = limitTypes.indexOf(message.limitType);
  return payload;
}

const limitTypes: readonly BandwidthLimitType[] = ["hard", "soft", "dynamic"];

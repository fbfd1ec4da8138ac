/** SSRCs and first numbers of the tracks that are sent: a keyed hash of stream and track, the same on all shards. */

import { createHash, createHmac, randomBytes } from "node:crypto";
import type { RtpIdentity } from "../bridges/rtsp-egress.ts";
import type { TrackKind } from "../kernel/frame.ts";
import type { RtspCrypto } from "../protocols/rtsp/digest.ts";

/** @param secret - random, and the same on all shards, so that streams may move between them */
export function rtpIdentityOf(secret: Uint8Array, stream: string, kind: TrackKind, number: number): RtpIdentity {
  const hash = createHmac("sha256", secret).update(`${stream} ${kind} ${number}`).digest();
  return {
    ssrc: hash.readUInt32BE(0),
    timestampOffset: hash.readUInt32BE(4),
    firstSequence: hash.readUInt16BE(8),
    initialPictureId: hash.readUInt16BE(10) & 0x7fff,
  };
}

export const nodeCrypto: RtspCrypto = {
  randomBytes: (length) => randomBytes(length),
  md5: (data) => createHash("md5").update(data).digest(),
  sha256: (data) => createHash("sha256").update(data).digest(),
};

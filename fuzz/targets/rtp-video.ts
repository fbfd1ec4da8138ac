/**
 * The readers of video payloads under random packets, and the writers under what came of it. The first byte chooses the format;
 * then follow packets: a byte of flags, two of length, the payload. Frames are written to payloads and read again: the same.
 */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { maxFrameBytes } from "../../src/protocols/rtp/limits.ts";
import {
  type VideoPayloadName,
  videoPayloadCases,
  videoPayloads,
} from "../../src/protocols/rtp/payload/video-payloads.cases.ts";
import type { RtpFrame } from "../../src/protocols/rtp/payload.ts";
import { framesOf, payloadsOf } from "../../test/support/rtp-payloads.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const names = Object.keys(videoPayloads) as VideoPayloadName[];

export const target: FuzzTarget = {
  name: "rtp-video",
  covers: [
    "src/protocols/rtp/payload/video-reader.ts",
    "src/protocols/rtp/payload/nal-depacketizer.ts",
    "src/protocols/rtp/payload/av1-depacketizer.ts",
    "src/protocols/rtp/payload/vp8-depacketizer.ts",
    "src/protocols/rtp/payload/vp9-depacketizer.ts",
  ],
  corpora: ["rtp_depay_h264", "rtp_depay_h265", "rtp_depay_h266", "rtp_depay_av1", "rtp_depay_vp8", "rtp_depay_vp9"],
  seeds: () => videoPayloadCases.map(({ codec, payloads }) => packed(codec, payloads)),
  run(bytes) {
    const [first = 0] = bytes;
    const name = names[first % names.length] as VideoPayloadName;
    // What is in packets by chance, and the whole input as one payload: the seeds of the shared material are such.
    readPackets(name, bytes.subarray(1));
    for (const each of names) readOne(each, bytes);
  },
};

function readPackets(name: VideoPayloadName, bytes: Uint8Array): void {
  const reader = videoPayloads[name].read();
  let givenBytes = 0;
  let timestamp = 0;
  let frameBytes = 0;
  let frameCount = 0;
  for (let at = 0; at + 3 <= bytes.length; ) {
    const [flags = 0, high = 0, low = 0] = bytes.subarray(at, at + 3);
    const payload = bytes.subarray(at + 3, at + 3 + (high & 1) * 256 + low);
    at += 3 + payload.length;
    givenBytes += payload.length;
    if ((flags & 2) !== 0) timestamp += 3_000;
    const before = payload.slice();
    try {
      reader.handle(payload, timestamp, (flags & 1) !== 0, (flags & 4) !== 0);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    assert(isDeepStrictEqual(payload, before), "the payload was changed");
    for (const frame of framesOf(reader)) {
      frameCount++;
      frameBytes += frame.data.length;
      assert(frame.data.length <= maxFrameBytes, "a frame is longer than its limit");
      writeAndRead(name, frame);
    }
  }
  // A length of four bytes before a NAL unit of one byte, a superframe's index: never more than this.
  assert(frameBytes <= 5 * givenBytes + 64 * frameCount, "more came out than went in");
}

function readOne(name: VideoPayloadName, payload: Uint8Array): void {
  const reader = videoPayloads[name].read();
  try {
    reader.handle(payload, 0, true, false);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
  for (const frame of framesOf(reader)) writeAndRead(name, frame);
}

function writeAndRead(name: VideoPayloadName, { data, isKey }: RtpFrame): void {
  const reader = videoPayloads[name].read();
  for (const { bytes, marker } of payloadsOf(videoPayloads[name].write(64), data, isKey)) {
    reader.handle(bytes, 0, marker, false);
  }
  const [frame] = framesOf(reader);
  assert(frame !== undefined && isDeepStrictEqual(frame.data, data), "the frame changed");
  assert(frame.isKey === isKey, "the frame is key once, and once not");
}

function packed(codec: VideoPayloadName, payloads: readonly Uint8Array[]): Uint8Array {
  const packets = payloads.map((payload, i) => {
    const isLast = i === payloads.length - 1;
    return [isLast ? 1 : 0, payload.length >> 8, payload.length & 255, ...payload];
  });
  return Uint8Array.from([names.indexOf(codec), ...packets.flat()]);
}

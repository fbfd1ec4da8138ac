/** Payload writers and readers at work, for tests: what goes where packets would. */

import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../../src/protocols/rtp/payload.ts";

export interface Payload {
  readonly bytes: Uint8Array;
  readonly marker: boolean;
}

/** The payloads of one frame. Fails when a writer does not write what it announced. */
export function payloadsOf(writer: RtpPayloadWriter, frame: Uint8Array, isKey: boolean): Payload[] {
  const payloads: Payload[] = [];
  let room = 0;
  const sink: PayloadSink = {
    begin(payloadBytes, isLastOfFrame) {
      if (room !== 0) throw new Error(`a payload lacks ${room} bytes`);
      room = payloadBytes;
      payloads.push({ bytes: new Uint8Array(payloadBytes), marker: isLastOfFrame });
    },
    write(bytes, start = 0, end = bytes.length) {
      const payload = payloads.at(-1)!.bytes;
      payload.set(bytes.subarray(start, end), payload.length - room);
      room -= end - start;
    },
  };
  writer.writeFrame(frame, isKey, sink);
  if (room !== 0) throw new Error(`the last payload lacks ${room} bytes`);
  return payloads;
}

/** All frames that a reader has. */
export function framesOf(reader: RtpPayloadReader): RtpFrame[] {
  const frames: RtpFrame[] = [];
  for (let frame = reader.poll(); frame !== undefined; frame = reader.poll()) frames.push(frame);
  return frames;
}

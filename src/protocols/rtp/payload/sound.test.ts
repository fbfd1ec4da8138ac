import { describe, expect, it } from "vitest";
import { vectors } from "../../../../test/support/material.ts";
import { ERR_TRUNCATED } from "../../../bytes/coded-error.ts";
import { aacHbr } from "../../rtp-payload-format.ts";
import {
  ERR_RTP_FRAME_TOO_LONG,
  ERR_RTP_NOT_FRAGMENTABLE,
  ERR_RTP_PAYLOAD,
  ERR_RTP_PAYLOAD_UNSUPPORTED,
} from "../errors.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader } from "../payload.ts";
import { AacGenericReader, AacGenericWriter } from "./aac-generic.ts";
import { AacLatmReader, AacLatmWriter } from "./aac-latm.ts";
import { Ac3Reader, Ac3Writer } from "./ac3.ts";
import { MpegAudioReader, MpegAudioWriter } from "./mpeg-audio.ts";
import { OpusReader, OpusWriter } from "./opus.ts";
import { PcmReader } from "./pcm.ts";
import { type SoundPacket, soundCases } from "./sound.cases.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("sound in RTP", () => {
  it.each(soundCases)("is read: $name", ({ open, packets, frames, droppedFrameCount = 0 }) => {
    const reader = open();
    const found: RtpFrame[] = [];
    for (const { payload, timestamp, marker, isLossBefore = false } of packets) {
      const lent = payload.slice();
      reader.handle(lent, timestamp, marker, isLossBefore);
      expect(lent).toEqual(payload);
      lent.fill(0xee); // the packet's memory is another's after the call
      found.push(...framesOf(reader));
    }
    expect(found).toEqual(frames.map((frame) => ({ ...frame, isKey: true })));
    expect(reader.droppedFrameCount).toBe(droppedFrameCount);
  });

  it.each(soundCases.filter(({ write }) => write !== undefined))(
    "is written: $name",
    ({ write, packets, frames, isOneFrame }) => {
      const writer = write!();
      const sink = new PacketSink();
      if (isOneFrame) writer.writeFrame(concat(frames.map(({ data }) => data)), true, sink);
      else for (const { data, timestamp } of frames) writer.writeFrame(data, true, sink.at(timestamp));
      expect(sink.packets).toEqual(packets.map(({ payload, marker, timestamp }) => ({ payload, marker, timestamp })));
    },
  );

  it.each(vectors("rtp-depay").filter(({ codec }) => codec === "aac-hbr"))(
    "agrees with vector $id",
    ({ packets, expect: expected }) => {
      const reader = new AacGenericReader(aacHbr, 1_024);
      for (const { payload, marker } of packets) reader.handle(hex(payload), 0, marker, false);
      const found = framesOf(reader);
      expect(found.map(({ data }) => [data.toHex()])).toEqual(expected);
      expect(found.map(({ timestamp }) => timestamp)).toEqual(found.map((_, index) => index * 1_024));
    },
  );

  it.each([
    ["nothing", hbrReader(), "", ERR_TRUNCATED],
    ["AU-headers that are longer than the packet", hbrReader(), "00400010", ERR_RTP_PAYLOAD],
    ["AU-headers of no bit", hbrReader(), "0000aabb", ERR_RTP_PAYLOAD],
    ["the second access unit cut off", hbrReader(), "002000100020aabbcc", ERR_RTP_PAYLOAD],
    ["interleaving", hbrReader(), "002000100011aabbccdd", ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["an ADTS frame cut off", hbrReader(), "fff14c80013ffcaa", ERR_RTP_PAYLOAD],
    ["an empty Opus packet", new OpusReader(), "", ERR_TRUNCATED],
    ["less than one sample", new PcmReader(4), "000102", ERR_RTP_PAYLOAD],
    ["MP3 without its header", new MpegAudioReader(), "0000", ERR_TRUNCATED],
    ["MPEG audio of layer 2", new MpegAudioReader(), "00000000fffd1400", ERR_RTP_PAYLOAD_UNSUPPORTED],
    ["AC-3 that is shorter than it says", new Ac3Reader("ac3", 48_000), "00010b77000000400000", ERR_RTP_PAYLOAD],
  ])("is refused: %s", (_, reader, payload, code) => {
    expect(() => reader.handle(hex(payload), 0, true, false)).toThrow(expect.objectContaining({ code }));
  });

  it("keeps the access units in front of one that is cut off", () => {
    const reader = hbrReader();
    expect(() => reader.handle(hex("002000100020aabbcc"), 0, true, false)).toThrow();
    expect(framesOf(reader).map(({ data }) => data.toHex())).toEqual(["aabb"]);
  });

  it("goes on after a refused packet", () => {
    const reader = hbrReader();
    expect(() => reader.handle(hex("00400010"), 0, true, false)).toThrow();
    reader.handle(hex("00100010aabb"), 1_024, true, true);
    expect(framesOf(reader)).toHaveLength(1);
  });

  it.each([
    ["AAC", new AacGenericReader({ ...aacHbr, sizeLength: 16 }, 1_024), "0013ffff00", "0013ffff00"],
    ["LATM", openLatm(), "ff", "ff"],
    ["AC-3", new Ac3Reader("ac3", 48_000), "0100", "0300"],
  ])("does not grow without end when a sender of %s never ends a frame", (_, reader, begin, more) => {
    const pieces = (head: string): Uint8Array => concat([hex(head), new Uint8Array(1_000)]);
    let code: string | undefined;
    for (let i = 0; i < 100 && code === undefined; i++) {
      try {
        reader.handle(pieces(i === 0 ? begin : more), 0, false, false);
      } catch (error) {
        code = (error as { code: string }).code;
      }
      expect(framesOf(reader).length).toBeLessThanOrEqual(1);
    }
    expect([ERR_RTP_FRAME_TOO_LONG, undefined]).toContain(code);
    // 16 bits of AU-size end an AAC frame by themselves.
    if (!(reader instanceof AacGenericReader)) expect(code).toBe(ERR_RTP_FRAME_TOO_LONG);
  });

  it.each([
    ["an AAC frame of 8,192 bytes", new AacGenericWriter(1_200), new Uint8Array(8_192)],
    ["a LATM frame of 64 KiB and one", new AacLatmWriter(1_200), new Uint8Array(65_537)],
    ["an Opus packet above the payload's size", new OpusWriter(1_200), new Uint8Array(1_201)],
  ])("does not write %s", (_, writer, data) => {
    const sink = new PacketSink();
    const code = ERR_RTP_NOT_FRAGMENTABLE;
    expect(() => writer.writeFrame(data, true, sink)).toThrow(expect.objectContaining({ code }));
    expect(sink.packets).toEqual([]);
  });

  it.each([
    ["MP3", new MpegAudioWriter(1_200), "fff314c0"],
    ["AC-3", new Ac3Writer("ac3", 48_000, 1_200), "0b77000000400000"],
  ])("does not write %s that is shorter than it says", (_, writer, data) => {
    const code = ERR_RTP_PAYLOAD;
    expect(() => writer.writeFrame(hex(data), true, new PacketSink())).toThrow(expect.objectContaining({ code }));
  });
});

/** Puts payloads together and checks that each has the bytes that were announced. */
class PacketSink implements PayloadSink {
  readonly packets: SoundPacket[] = [];
  #frameTimestamp = 0;
  #left = 0;

  at(timestamp: number): this {
    this.#frameTimestamp = timestamp;
    return this;
  }

  begin(payloadBytes: number, isLastOfFrame: boolean, timestampOffset = 0): void {
    expect(this.#left).toBe(0);
    this.#left = payloadBytes;
    const timestamp = this.#frameTimestamp + timestampOffset;
    this.packets.push({ payload: new Uint8Array(payloadBytes), marker: isLastOfFrame, timestamp });
  }

  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const { payload } = this.packets.at(-1)!;
    payload.set(bytes.subarray(start, end), payload.length - this.#left);
    this.#left -= end - start;
  }
}

function framesOf(reader: RtpPayloadReader): RtpFrame[] {
  const frames: RtpFrame[] = [];
  for (let frame = reader.poll(); frame !== undefined; frame = reader.poll()) frames.push(frame);
  return frames;
}

function hbrReader(): AacGenericReader {
  return new AacGenericReader(aacHbr, 1_024);
}

/** Behind its first element, so that it knows where the next begins. */
function openLatm(): AacLatmReader {
  const config = {
    audioSpecificConfig: hex("1190"),
    subFrameCount: 1,
    fixedFrameBytes: undefined,
    otherDataBits: 0,
  };
  const reader = new AacLatmReader(config, () => 1_024);
  reader.handle(hex("0155"), 0, true, false);
  return reader;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Payloads of sound under random bytes. The first byte chooses the format; then come packets, each behind a byte of flags (marker,
 * loss, another time) and a byte of length. What a reader takes for frames is written again, in packets of several sizes, and read
 * the same.
 */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { equalBytes } from "../../src/bytes/equal-bytes.ts";
import { maxSoundFrameBytes } from "../../src/protocols/rtp/limits.ts";
import { AacGenericReader, AacGenericWriter } from "../../src/protocols/rtp/payload/aac-generic.ts";
import { AacLatmReader, AacLatmWriter } from "../../src/protocols/rtp/payload/aac-latm.ts";
import { Ac3Reader, Ac3Writer } from "../../src/protocols/rtp/payload/ac3.ts";
import { MpegAudioReader, MpegAudioWriter } from "../../src/protocols/rtp/payload/mpeg-audio.ts";
import { OpusReader, OpusWriter } from "../../src/protocols/rtp/payload/opus.ts";
import { PcmReader, PcmWriter } from "../../src/protocols/rtp/payload/pcm.ts";
import { soundCases } from "../../src/protocols/rtp/payload/sound.cases.ts";
import type { PayloadSink, RtpFrame, RtpPayloadReader, RtpPayloadWriter } from "../../src/protocols/rtp/payload.ts";
import { aacHbr, aacLbr } from "../../src/protocols/rtp-payload-format.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtp-sound",
  covers: [
    "src/protocols/rtp/payload/aac-generic.ts",
    "src/protocols/rtp/payload/aac-latm.ts",
    "src/protocols/rtp/payload/ac3.ts",
    "src/protocols/rtp/payload/mpeg-audio.ts",
    "src/protocols/rtp/payload/opus.ts",
    "src/protocols/rtp/payload/pcm.ts",
  ],
  corpora: [
    "rtp_depay_mpeg4audio",
    "rtp_depay_mpeg1audio",
    "rtp_depay_ac3",
    "rtp_depay_lpcm",
    "rtp_depay_opus",
    "rtp_depay_fragmented",
  ],
  *seeds() {
    for (const { packets } of soundCases) {
      const pieces = packets.map(({ payload, marker, isLossBefore = false }) => [
        (marker ? markerFlag : 0) | (isLossBefore ? lossFlag : 0),
        payload.length,
        ...payload,
      ]);
      for (let choice = 0; choice < formats.length; choice++) yield Uint8Array.of(choice, ...pieces.flat());
    }
  },
  run(bytes) {
    const format = formats[(bytes[0] ?? 0) % formats.length] as SoundFormat;
    const frames = readPackets(format.open(), bytes);
    for (const frame of frames) {
      for (const maxPayloadBytes of [40, 1_200]) rewrite(format, frame, maxPayloadBytes);
    }
  },
};

interface SoundFormat {
  readonly open: () => RtpPayloadReader;
  /** Undefined where the reader's format is not one that we write. */
  readonly write: ((maxPayloadBytes: number) => RtpPayloadWriter) | undefined;
  /** A reader that has nothing to wait for, where the format's own has. */
  readonly openAgain?: () => RtpPayloadReader;
}

function readPackets(reader: RtpPayloadReader, bytes: Uint8Array): RtpFrame[] {
  const frames: RtpFrame[] = [];
  let timestamp = 0xffff_ff00; // soon to wrap
  for (let at = 1; at + 2 < bytes.length; ) {
    const flags = bytes[at] as number;
    const end = at + 2 + (bytes[at + 1] as number);
    const payload = bytes.slice(at + 2, end);
    if ((flags & newTimeFlag) !== 0) timestamp = (timestamp + 1_024) >>> 0;
    const before = payload.slice();
    try {
      reader.handle(payload, timestamp, (flags & markerFlag) !== 0, (flags & lossFlag) !== 0);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    assert(equalBytes(payload, before), "a reader changed the packet");
    payload.fill(0);
    for (let frame = reader.poll(); frame !== undefined; frame = reader.poll()) frames.push(frame);
    at = end;
  }
  for (const { data, timestamp: time } of frames) {
    assert(data.length > 0 && data.length <= maxSoundFrameBytes, "a frame is empty or too long");
    assert(Number.isInteger(time) && time >= 0 && time < 2 ** 32, "a timestamp is not one of 32 bits");
  }
  return frames;
}

function rewrite({ open, openAgain = open, write }: SoundFormat, frame: RtpFrame, maxPayloadBytes: number): void {
  if (write === undefined) return;
  const sink = new PacketSink();
  try {
    write(maxPayloadBytes).writeFrame(frame.data, true, sink);
  } catch (error) {
    if (error instanceof CodedError) return; // Opus has no fragments
    throw error;
  }
  const reader = openAgain();
  const again: Uint8Array[] = [];
  for (const { payload, marker, offset } of sink.packets) {
    assert(payload.length <= maxPayloadBytes, "a payload is too long");
    reader.handle(payload, frame.timestamp + offset, marker, false);
    for (let each = reader.poll(); each !== undefined; each = reader.poll()) again.push(each.data);
  }
  const joined = Uint8Array.from(again.flatMap((data) => [...data]));
  // A frame of AAC that begins as ADTS does was taken out of ADTS, and would be again.
  const isAdts = frame.data[0] === 0xff && ((frame.data[1] ?? 0) & 0xf6) === 0xf0;
  assert(equalBytes(joined, frame.data) || isAdts, "a frame is another one after it was written");
}

class PacketSink implements PayloadSink {
  readonly packets: { payload: Uint8Array; marker: boolean; offset: number }[] = [];
  #at = 0;

  begin(payloadBytes: number, isLastOfFrame: boolean, timestampOffset = 0): void {
    const last = this.packets.at(-1);
    assert(last === undefined || this.#at === last.payload.length, "a payload has fewer bytes than were announced");
    this.packets.push({ payload: new Uint8Array(payloadBytes), marker: isLastOfFrame, offset: timestampOffset });
    this.#at = 0;
  }

  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const { payload } = this.packets.at(-1) as { payload: Uint8Array };
    assert(this.#at + end - start <= payload.length, "a payload has more bytes than were announced");
    payload.set(bytes.subarray(start, end), this.#at);
    this.#at += end - start;
  }
}

const markerFlag = 1;
const lossFlag = 2;
const newTimeFlag = 4;
const lc48 = Uint8Array.of(0x11, 0x90);
const latmConfig = { audioSpecificConfig: lc48, subFrameCount: 1, fixedFrameBytes: undefined, otherDataBits: 0 };
const openLatm = (): RtpPayloadReader => {
  const reader = new AacLatmReader(latmConfig, () => 1_024);
  reader.handle(Uint8Array.of(0), 0, true, false); // an empty element, so that it knows where the next one begins
  return reader;
};

const formats: readonly SoundFormat[] = [
  { open: () => new AacGenericReader(aacHbr, 1_024), write: (max) => new AacGenericWriter(max) },
  { open: () => new AacGenericReader(aacLbr, 1_024), write: undefined },
  {
    open: () =>
      new AacGenericReader(
        { ...aacHbr, ctsDeltaLength: 5, dtsDeltaLength: 7, streamStateIndication: 3, auxiliaryDataSizeLength: 4 },
        1_024,
      ),
    write: undefined,
  },
  {
    open: () =>
      new AacGenericReader({ ...aacHbr, sizeLength: 0, indexLength: 0, indexDeltaLength: 0, constantSize: 3 }, 1_024),
    write: undefined,
  },
  { open: openLatm, write: (max) => new AacLatmWriter(max) },
  {
    open: () => new AacLatmReader(undefined, () => 1_024),
    write: (max) => new AacLatmWriter(max),
    openAgain: openLatm,
  },
  { open: () => new OpusReader(), write: (max) => new OpusWriter(max) },
  { open: () => new PcmReader(6), write: (max) => new PcmWriter(6, max) },
  { open: () => new MpegAudioReader(), write: (max) => new MpegAudioWriter(max) },
  { open: () => new Ac3Reader("ac3", 48_000), write: (max) => new Ac3Writer("ac3", 48_000, max) },
  { open: () => new Ac3Reader("eac3", 48_000), write: (max) => new Ac3Writer("eac3", 48_000, max) },
];

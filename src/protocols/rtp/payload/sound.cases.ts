/** Payloads of sound and the frames in them: one table for readers, writers, round trips and the fuzzer. */

import { writeStreamMuxConfig } from "../../../codecs/aac/stream-mux-config.ts";
import { aacHbr, aacLbr } from "../../rtp-payload-format.ts";
import type { RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { AacGenericReader, AacGenericWriter } from "./aac-generic.ts";
import { AacLatmReader, AacLatmWriter } from "./aac-latm.ts";
import { Ac3Reader, Ac3Writer } from "./ac3.ts";
import { MpegAudioReader, MpegAudioWriter } from "./mpeg-audio.ts";
import { OpusReader, OpusWriter } from "./opus.ts";
import { PcmReader, PcmWriter } from "./pcm.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export interface SoundPacket {
  readonly payload: Uint8Array;
  readonly marker: boolean;
  readonly timestamp: number;
  /** Packets are missing before it. */
  readonly isLossBefore?: boolean;
}

export interface SoundFrame {
  readonly timestamp: number;
  readonly data: Uint8Array;
  readonly config?: Uint8Array;
}

export interface SoundCase {
  readonly name: string;
  readonly open: () => RtpPayloadReader;
  readonly packets: readonly SoundPacket[];
  readonly frames: readonly SoundFrame[];
  readonly droppedFrameCount?: number;
  /** Where the frames are written as exactly these packets; all of them as one frame when `isOneFrame`. */
  readonly write?: () => RtpPayloadWriter;
  readonly isOneFrame?: boolean;
}

const packet = (payload: string, timestamp = 0, marker = true, isLossBefore = false): SoundPacket => ({
  payload: hex(payload),
  marker,
  timestamp,
  isLossBefore,
});
const frame = (data: string, timestamp = 0, config?: string): SoundFrame => ({
  timestamp,
  data: hex(data),
  ...(config === undefined ? undefined : { config: hex(config) }),
});

const hbr = (): RtpPayloadReader => new AacGenericReader(aacHbr, 1_024);
const lc48 = hex("1190");
const latmConfig = {
  audioSpecificConfig: lc48,
  subFrameCount: 1,
  fixedFrameBytes: undefined,
  otherDataBits: 0,
};
const latm = (): RtpPayloadReader => new AacLatmReader(latmConfig, () => 1_024);
const latmInBand = (): RtpPayloadReader => new AacLatmReader(undefined, () => 1_024);

/** 48 kHz, 32 kbit/s, stereo: 128 bytes; MPEG 2 at 24 kHz, 8 kbit/s: 24 bytes. */
const ac3Frame = `0b77000000400000${"a5".repeat(120)}`;
const mp3Frame = `fff314c0${"5a".repeat(20)}`;
/** 16 bytes: stream type 0 or 1, substream 0, frmsiz 7, 48 kHz, 6 blocks, stereo, bsid 16. */
const eac3Frame = `0b7700073480${"11".repeat(10)}`;
const eac3Dependent = `0b7740073480${"22".repeat(10)}`;

const aacGenericCases: readonly SoundCase[] = [
  {
    name: "AAC-hbr: one access unit (RFC 3640 §3.3.6)",
    open: hbr,
    write: () => new AacGenericWriter(1_200),
    packets: [packet("001000282110045678", 7)],
    frames: [frame("2110045678", 7)],
  },
  {
    name: "AAC-hbr: three access units, each 1,024 samples behind the last",
    open: hbr,
    packets: [packet("0030001000180020aabbccddee01020304", 0xffff_fc00)],
    frames: [frame("aabb", 0xffff_fc00), frame("ccddee", 0), frame("01020304", 1_024)],
  },
  {
    name: "AAC-hbr: one access unit in three packets",
    open: hbr,
    write: () => new AacGenericWriter(6),
    packets: [packet("00100030aabb", 5, false), packet("00100030ccdd", 5, false), packet("00100030eeff", 5, true)],
    frames: [frame("aabbccddeeff", 5)],
  },
  {
    name: "AAC-hbr: a piece in the middle is lost, the next unit is whole",
    open: hbr,
    packets: [packet("00100030aabb", 5, false), packet("00100030eeff", 5, true, true), packet("0010001001ff", 1_029)],
    frames: [frame("01ff", 1_029)],
    droppedFrameCount: 2, // what had come, and the end that could not be joined to it
  },
  {
    name: "AAC-hbr: the last piece is lost",
    open: hbr,
    packets: [packet("00100030aabb", 5, false), packet("0010001001ff", 1_029, true, true)],
    frames: [frame("01ff", 1_029)],
    droppedFrameCount: 1,
  },
  {
    name: "AAC-lbr: sizes of 6 bits, two access units (§3.3.5)",
    open: () => new AacGenericReader(aacLbr, 1_024),
    packets: [packet("0010080caabbccddee", 0)],
    frames: [frame("aabb", 0), frame("ccddee", 1_024)],
  },
  {
    name: "AAC generic: CTS and DTS deltas, random access flags and an auxiliary section",
    open: () =>
      new AacGenericReader(
        { ...aacHbr, ctsDeltaLength: 4, dtsDeltaLength: 4, randomAccessIndication: 1, auxiliaryDataSizeLength: 8 },
        1_024,
      ),
    // 16 bits of size and index, CTS-flag 1 and 4 bits, DTS-flag 0, RAP 1: 23 bits; 8 bits of auxiliary data.
    packets: [packet(`0017${"0010fa"}${"08ee"}aabb`, 0)],
    frames: [frame("aabb")],
  },
  {
    name: "AAC generic: units of a constant size, without AU-headers",
    open: () =>
      new AacGenericReader({ ...aacHbr, sizeLength: 0, indexLength: 0, indexDeltaLength: 0, constantSize: 2 }, 1_024),
    packets: [packet("aabbccdd", 9)],
    frames: [frame("aabb", 9), frame("ccdd", 1_033)],
  },
  {
    name: "AMS32: a size and no index, so AU-headers of 13 bits",
    open: () => new AacGenericReader({ ...aacHbr, indexLength: 0, indexDeltaLength: 0 }, 1_024),
    packets: [packet("000d0010aabb")],
    frames: [frame("aabb")],
  },
  {
    name: "anjvision: ADTS frames without AU-headers",
    open: hbr,
    packets: [packet("fff14c80013ffcaabb" + "fff14c80011ffccc", 0)],
    frames: [frame("aabb", 0), frame("cc", 1_024)],
  },
  {
    name: "a camera that puts an ADTS frame into the access unit",
    open: hbr,
    packets: [packet("00100048fff14c80013ffcaabb")],
    frames: [frame("aabb")],
  },
  {
    name: "live555 in front of a silent encoder: access units of 0 bytes",
    open: hbr,
    packets: [packet("00100000"), packet("002000000010aabb", 1_024)],
    frames: [frame("aabb", 1_024)],
  },
];

const aacLatmCases: readonly SoundCase[] = [
  {
    name: "LATM: one access unit (RFC 6416 §6)",
    open: latm,
    write: () => new AacLatmWriter(1_200),
    packets: [packet("03aabbcc", 3)],
    frames: [frame("aabbcc", 3)],
  },
  {
    name: "LATM: 255 bytes have a length of two bytes",
    open: latm,
    write: () => new AacLatmWriter(1_200),
    packets: [packet(`ff00${"ab".repeat(255)}`)],
    frames: [frame("ab".repeat(255))],
  },
  {
    name: "LATM: an element in two packets, behind a whole one",
    open: latm,
    write: () => new AacLatmWriter(4),
    packets: [packet("0155", 0), packet("05aabbcc", 1_024, false), packet("ddee", 1_024)],
    frames: [frame("55", 0), frame("aabbccddee", 1_024)],
  },
  {
    name: "LATM: the first element is in two packets, and so is the one behind a loss",
    open: latm,
    packets: [packet("04aabb", 0, false), packet("ccdd", 0), packet("0311", 2_048, false, true), packet("2233", 2_048)],
    frames: [frame("aabbccdd", 0), frame("112233", 2_048)],
  },
  {
    name: "LATM: the beginning of an element is lost",
    open: latm,
    packets: [packet("0155"), packet("ddee", 1_024, true, true), packet("01cc", 2_048)],
    frames: [frame("55"), frame("cc", 2_048)],
    droppedFrameCount: 1,
  },
  {
    name: "LATM: the end of an element is lost",
    open: latm,
    packets: [packet("0155"), packet("05aabbcc", 1_024, false), packet("01cc", 2_048, true, true)],
    frames: [frame("55"), frame("cc", 2_048)],
    droppedFrameCount: 1,
  },
  {
    name: "LATM: two subframes in an element",
    open: () => new AacLatmReader({ ...latmConfig, subFrameCount: 2 }, () => 960),
    packets: [packet("02aabb01cc", 100)],
    frames: [frame("aabb", 100), frame("cc", 1_060)],
  },
  {
    name: "LATM: the configuration in the stream, so nothing is aligned to bytes",
    open: latmInBand,
    // useSameStreamMux 0, then the StreamMuxConfig of 44 bits, the length 2 and two bytes; the next goes on with it.
    packets: [packet(inBandElement("02aabb"), 0), packet("80d500", 1_024)],
    frames: [frame("aabb", 0, "1190"), frame("aa", 1_024)],
  },
];

const plainSoundCases: readonly SoundCase[] = [
  {
    name: "Opus: a packet is a frame (RFC 7587 §4.2)",
    open: () => new OpusReader(),
    write: () => new OpusWriter(1_200),
    packets: [packet("fc112233", 960)],
    frames: [frame("fc112233", 960)],
  },
  {
    name: "G.711: a packet is a frame (RFC 3551 §4.5.14)",
    open: () => new PcmReader(1),
    write: () => new PcmWriter(1, 1_200),
    packets: [packet("d5d5d5", 160)],
    frames: [frame("d5d5d5", 160)],
  },
  {
    name: "L16 stereo: a frame in two packets, each with its time",
    open: () => new PcmReader(4),
    write: () => new PcmWriter(4, 11),
    isOneFrame: true,
    packets: [packet("0001000200030004", 0, false), packet("00050006", 2)],
    frames: [frame("0001000200030004", 0), frame("00050006", 2)],
  },
  {
    name: "L16: half a sample at the end is cut off",
    open: () => new PcmReader(2),
    packets: [packet("0001ff")],
    frames: [frame("0001")],
  },
];

const mpegAudioCases: readonly SoundCase[] = [
  {
    name: "MP3: one frame (RFC 2250 §3.5)",
    open: () => new MpegAudioReader(),
    write: () => new MpegAudioWriter(1_200),
    packets: [packet(`00000000${mp3Frame}`, 4)],
    frames: [frame(mp3Frame, 4)],
  },
  {
    name: "MP3: two frames in a packet",
    open: () => new MpegAudioReader(),
    packets: [packet(`00000000${mp3Frame}${mp3Frame}`, 0)],
    frames: [frame(mp3Frame, 0), frame(mp3Frame, 2_160)], // 576 samples at 24 kHz
  },
  {
    name: "MP3: two frames at once in two packets",
    open: () => new MpegAudioReader(),
    write: () => new MpegAudioWriter(1_200),
    isOneFrame: true,
    packets: [packet(`00000000${mp3Frame}`, 0, false), packet(`00000000${mp3Frame}`, 2_160)],
    frames: [frame(mp3Frame, 0), frame(mp3Frame, 2_160)],
  },
  {
    name: "MP3: a frame in two packets",
    open: () => new MpegAudioReader(),
    write: () => new MpegAudioWriter(20),
    packets: [packet(`00000000${mp3Frame.slice(0, 32)}`, 4, false), packet(`00000010${mp3Frame.slice(32)}`, 4)],
    frames: [frame(mp3Frame, 4)],
  },
  {
    name: "MP3: the beginning of a frame is lost",
    open: () => new MpegAudioReader(),
    packets: [packet(`00000010${mp3Frame.slice(32)}`, 4, true, true), packet(`00000000${mp3Frame}`, 2_164)],
    frames: [frame(mp3Frame, 2_164)],
    droppedFrameCount: 1,
  },
];

const ac3Cases: readonly SoundCase[] = [
  {
    name: "AC-3: one frame (RFC 4184 §4.1.1)",
    open: () => new Ac3Reader("ac3", 48_000),
    write: () => new Ac3Writer("ac3", 48_000, 1_200),
    packets: [packet(`0001${ac3Frame}`, 1)],
    frames: [frame(ac3Frame, 1)],
  },
  {
    name: "AC-3: two frames in a packet",
    open: () => new Ac3Reader("ac3", 48_000),
    packets: [packet(`0002${ac3Frame}${ac3Frame}`, 1)],
    frames: [frame(ac3Frame, 1), frame(ac3Frame, 1_537)],
  },
  {
    name: "AC-3: a frame in two packets, the first with more than 5/8",
    open: () => new Ac3Reader("ac3", 48_000),
    write: () => new Ac3Writer("ac3", 48_000, 102),
    packets: [packet(`0102${ac3Frame.slice(0, 200)}`, 1, false), packet(`0302${ac3Frame.slice(200)}`, 1)],
    frames: [frame(ac3Frame, 1)],
  },
  {
    name: "AC-3: a frame in three packets, the first with less than 5/8",
    open: () => new Ac3Reader("ac3", 48_000),
    write: () => new Ac3Writer("ac3", 48_000, 52),
    packets: [
      packet(`0203${ac3Frame.slice(0, 100)}`, 1, false),
      packet(`0303${ac3Frame.slice(100, 200)}`, 1, false),
      packet(`0303${ac3Frame.slice(200)}`, 1),
    ],
    frames: [frame(ac3Frame, 1)],
  },
  {
    name: "AC-3: the beginning of a frame is lost",
    open: () => new Ac3Reader("ac3", 48_000),
    packets: [packet(`0302${ac3Frame.slice(200)}`, 1, true, true), packet(`0001${ac3Frame}`, 1_537)],
    frames: [frame(ac3Frame, 1_537)],
    droppedFrameCount: 1,
  },
  {
    name: "E-AC-3: a frame of two substreams, and another (RFC 4598 §4.1.1)",
    open: () => new Ac3Reader("eac3", 48_000),
    packets: [packet(`0002${eac3Frame}${eac3Dependent}${eac3Frame}`, 0)],
    frames: [frame(eac3Frame + eac3Dependent, 0), frame(eac3Frame, 1_536)],
  },
  {
    name: "E-AC-3: a frame in two packets",
    open: () => new Ac3Reader("eac3", 48_000),
    write: () => new Ac3Writer("eac3", 48_000, 12),
    packets: [packet(`0102${eac3Frame.slice(0, 20)}`, 0, false), packet(`0102${eac3Frame.slice(20)}`, 0)],
    frames: [frame(eac3Frame, 0)],
  },
];

export const soundCases: readonly SoundCase[] = [
  ...aacGenericCases,
  ...aacLatmCases,
  ...plainSoundCases,
  ...mpegAudioCases,
  ...ac3Cases,
];

/** useSameStreamMux 0 and the configuration in front of `rest`, bit by bit. */
function inBandElement(rest: string): string {
  const bits = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const all = `0${bits(writeStreamMuxConfig(lc48)).slice(0, 44)}${bits(hex(rest))}`;
  const bytes = all.padEnd(Math.ceil(all.length / 8) * 8, "0").match(/.{8}/g) ?? [];
  return bytes.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0")).join("");
}

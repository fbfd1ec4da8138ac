import { av1ConfigCases } from "../../../codecs/av1/av1.cases.ts";
import { avcConfigCases } from "../../../codecs/h264/avc-config.cases.ts";
import { hevcConfigCases } from "../../../codecs/h265/hevc-config.cases.ts";
import { vvcConfigCases } from "../../../codecs/vvc/vvc-config.cases.ts";
import type { RtpPayloadReader, RtpPayloadWriter } from "../payload.ts";
import { openAv1Reader } from "./av1-depacketizer.ts";
import { openAv1Writer } from "./av1-writer.ts";
import { openH264Reader, openH265Reader, openVvcReader } from "./nal-depacketizer.ts";
import { openH264Writer, openH265Writer, openVvcWriter } from "./nal-writer.ts";
import { openVp8Reader } from "./vp8-depacketizer.ts";
import { openVp9Reader } from "./vp9-depacketizer.ts";
import { openVp8Writer, openVp9Writer } from "./vpx-writer.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

export const avcC: Uint8Array = avcConfigCases[0]!.bytes;
export const hvcC: Uint8Array = hevcConfigCases[0]!.bytes;
export const vvcC: Uint8Array = vvcConfigCases[0]!.bytes;
export const av1C: Uint8Array = av1ConfigCases[0]!.bytes;

export type VideoPayloadName = "h264" | "h265" | "vvc" | "av1" | "vp8" | "vp9";

/** Writers that repeat nothing, and readers that know the configuration. */
export const videoPayloads: Readonly<
  Record<
    VideoPayloadName,
    { readonly write: (maxPayloadBytes: number) => RtpPayloadWriter; readonly read: () => RtpPayloadReader }
  >
> = {
  h264: {
    write: (maxPayloadBytes) => openH264Writer({ maxPayloadBytes, config: avcC, repeatsParameterSets: false }),
    read: () => openH264Reader(avcC),
  },
  h265: {
    write: (maxPayloadBytes) => openH265Writer({ maxPayloadBytes, config: hvcC, repeatsParameterSets: false }),
    read: () => openH265Reader(hvcC),
  },
  vvc: {
    write: (maxPayloadBytes) => openVvcWriter({ maxPayloadBytes, config: vvcC, repeatsParameterSets: false }),
    read: () => openVvcReader(),
  },
  av1: {
    write: (maxPayloadBytes) => openAv1Writer({ maxPayloadBytes, config: av1C, repeatsSequenceHeader: false }),
    read: () => openAv1Reader(av1C),
  },
  vp8: {
    write: (maxPayloadBytes) => openVp8Writer({ maxPayloadBytes, initialPictureId: 0x7fff }),
    read: openVp8Reader,
  },
  vp9: {
    write: (maxPayloadBytes) => openVp9Writer({ maxPayloadBytes, initialPictureId: 0x7fff }),
    read: () => openVp9Reader(),
  },
};

/** A frame, and its payloads of at most `maxPayloadBytes` as our writers make them, checked by hand against the RFC. */
export interface VideoPayloadCase {
  readonly name: string;
  readonly codec: VideoPayloadName;
  readonly maxPayloadBytes: number;
  readonly isKey: boolean;
  readonly frame: Uint8Array;
  readonly payloads: readonly Uint8Array[];
}

export const videoPayloadCases: readonly VideoPayloadCase[] = [
  {
    name: "H.264: one NAL unit in one packet (RFC 6184 §5.6)",
    codec: "h264",
    maxPayloadBytes: 16,
    isKey: false,
    frame: hex("00000005 419a020304"),
    payloads: [hex("419a020304")],
  },
  {
    name: "H.264: STAP-A, with the highest NRI (RFC 6184 §5.7.1)",
    codec: "h264",
    maxPayloadBytes: 16,
    isKey: false,
    frame: hex("00000003 060501 00000002 619a 00000002 019b"),
    payloads: [hex("78 0003 060501 0002 619a 0002 019b")],
  },
  {
    name: "H.264: FU-A of an IDR slice behind a single unit (RFC 6184 §5.8)",
    codec: "h264",
    maxPayloadBytes: 16,
    isKey: true,
    frame: hex("00000003 060501 0000001f 65 888182838485868788898a8b8c8d 8e8f909192939495969798999a9b 9c9d"),
    payloads: [
      hex("060501"),
      hex("7c 85 888182838485868788898a8b8c8d"),
      hex("7c 05 8e8f909192939495969798999a9b"),
      hex("7c 45 9c9d"),
    ],
  },
  {
    name: "H.265: AP of lowest layer and temporal id (RFC 7798 §4.4.2)",
    codec: "h265",
    maxPayloadBytes: 20,
    isKey: false,
    frame: hex("00000003 4e01ff 00000003 02 0a d0 00000003 0202d1"),
    payloads: [hex("60 01 0003 4e01ff 0003 020ad0 0003 0202d1")],
  },
  {
    name: "H.265: FU of an IDR slice (RFC 7798 §4.4.3)",
    codec: "h265",
    maxPayloadBytes: 16,
    isKey: true,
    frame: hex("00000012 2601 af0102030405060708090a0b0c 0d0e0f"),
    payloads: [hex("6201 93 af0102030405060708090a0b0c"), hex("6201 53 0d0e0f")],
  },
  {
    name: "VVC: AP (RFC 9328 §4.3.2)",
    codec: "vvc",
    maxPayloadBytes: 16,
    isKey: false,
    frame: hex("00000003 00b9ff 00000003 0002d0"),
    payloads: [hex("00 e1 0003 00b9ff 0003 0002d0")],
  },
  {
    name: "VVC: FU of an IDR_N_LP slice (RFC 9328 §4.3.3)",
    codec: "vvc",
    maxPayloadBytes: 16,
    isKey: true,
    frame: hex("00000011 0041 c00102030405060708090a0b0c 0d0e"),
    payloads: [hex("00e9 88 c00102030405060708090a0b0c"), hex("00e9 68 0d0e")],
  },
  {
    name: "AV1: sequence header and frame as two elements (§4.4)",
    codec: "av1",
    maxPayloadBytes: 64,
    isKey: true,
    frame: hex("0a0b000000043cfeccdaf90040 3204 10001700"),
    payloads: [hex("28 0c 08000000043cfeccdaf90040 30 10001700")],
  },
  {
    name: "AV1: a frame in three fragments (§4.4)",
    codec: "av1",
    maxPayloadBytes: 32,
    isKey: false,
    frame: hex(`3242 30${"a1".repeat(65)}`),
    payloads: [hex(`50 30 30${"a1".repeat(29)}`), hex(`d0 ${"a1".repeat(31)}`), hex(`90 ${"a1".repeat(5)}`)],
  },
  {
    name: "AV1: a fragment behind a whole OBU",
    codec: "av1",
    maxPayloadBytes: 32,
    isKey: false,
    frame: hex(`2a03 010203 321c 30${"a1".repeat(27)}`),
    payloads: [hex(`60 04 28010203 30 30${"a1".repeat(24)}`), hex(`90 a1a1a1`)],
  },
  {
    name: "AV1: an OBU that begins in a packet of its own, because the rest of the one before is small",
    codec: "av1",
    maxPayloadBytes: 32,
    isKey: false,
    frame: hex(`2a13 ${"b2".repeat(19)} 3214 30${"a1".repeat(19)}`),
    payloads: [hex(`10 28${"b2".repeat(19)}`), hex(`10 30 30${"a1".repeat(19)}`)],
  },
  {
    name: "VP8: a key frame in two packets (RFC 7741 §4.2)",
    codec: "vp8",
    maxPayloadBytes: 16,
    isKey: true,
    frame: hex("50010000 9d012a40 01f0 00aa bbccddee"),
    payloads: [hex("90 80 ffff 50010000 9d012a40 01f0 00aa"), hex("80 80 ffff bbccddee")],
  },
  {
    name: "VP9: a key frame with its structure (RFC 9628 §4.2)",
    codec: "vp9",
    maxPayloadBytes: 20,
    isKey: true,
    frame: hex("82498342 0013f00b3f00 aabb"),
    payloads: [hex("8a ffff 18 0140 00b4 01 04 01 82498342 0013f00b3f"), hex("84 ffff 00 aabb")],
  },
  {
    name: "VP9: an inter frame (RFC 9628 §4.2)",
    codec: "vp9",
    maxPayloadBytes: 16,
    isKey: false,
    frame: hex("860041 92"),
    payloads: [hex("cc ffff 860041 92")],
  },
];

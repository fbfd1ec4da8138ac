import type { Av1Config } from "./av1-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const av1ConfigCases: readonly { name: string; bytes: Uint8Array; config: Av1Config }[] = [
  {
    name: "Main (FFmpeg, libaom)",
    bytes: hex("81000c000a0b000000043cfeccdaf90040"),
    config: {
      profile: 0,
      levelIdx: 0,
      highTier: false,
      bitDepth: 8,
      monochrome: false,
      subsamplingX: true,
      subsamplingY: true,
      chromaSamplePosition: 0,
      initialPresentationDelay: undefined,
      configObus: hex("0a0b000000043cfeccdaf90040"),
    },
  },
  {
    name: "Professional, 12 bits, high tier, without OBUs",
    bytes: hex("814df81f"),
    config: {
      profile: 2,
      levelIdx: 13,
      highTier: true,
      bitDepth: 12,
      monochrome: true,
      subsamplingX: true,
      subsamplingY: false,
      chromaSamplePosition: 0,
      initialPresentationDelay: 16,
      configObus: hex(""),
    },
  },
];

export const leb128Cases: readonly { bytes: Uint8Array; value: number }[] = [
  { bytes: hex("00"), value: 0 },
  { bytes: hex("7f"), value: 127 },
  { bytes: hex("8001"), value: 128 },
  { bytes: hex("e58e26"), value: 624_485 },
  { bytes: hex("ffffffff07"), value: 0x7fff_ffff },
  { bytes: hex("8080808008"), value: 0x8000_0000 },
  { bytes: hex("ffffffff0f"), value: 0xffff_ffff },
];

/** Temporal units, cut behind the first bytes of the frame. */
export const temporalUnitCases: readonly { name: string; unit: Uint8Array; isKey: boolean; trimmedFrom: number }[] = [
  {
    name: "sequence header and key frame (libaom)",
    unit: hex("0a0b000000043cfeccdaf90040320410001700"),
    isKey: true,
    trimmedFrom: 0,
  },
  { name: "key frame behind a delimiter", unit: hex("1200320410001700"), isKey: true, trimmedFrom: 2 },
  { name: "key frame with a frame header of its own", unit: hex("1a0110220100"), isKey: true, trimmedFrom: 0 },
  { name: "key frame that is not shown yet", unit: hex("32020017"), isKey: false, trimmedFrom: 0 },
  { name: "inter frame", unit: hex("320430001700"), isKey: false, trimmedFrom: 0 },
  { name: "frame shown again", unit: hex("1a0190"), isKey: false, trimmedFrom: 0 },
  { name: "OBU without size and with extension", unit: hex("340010"), isKey: true, trimmedFrom: 0 },
  { name: "delimiter alone", unit: hex("1200"), isKey: false, trimmedFrom: 2 },
  { name: "nothing", unit: hex(""), isKey: false, trimmedFrom: 0 },
];

/** AudioSpecificConfig, the configuration of an AAC track: ISO/IEC 14496-3 §1.6.2.1. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { within } from "../bounds.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { maxSampleRateHz } from "../limits.ts";
import { BitWriter } from "./bit-writer.ts";
import { aacChannels, aacSampleRate, aacSampleRateIndex } from "./channels.ts";

export interface AudioSpecificConfig {
  /** audioObjectType of the core: 2 is AAC-LC. */
  readonly objectType: number;
  /** Of the core; with SBR the output has twice that. */
  readonly sampleRate: number;
  readonly channelConfiguration: number;
  /** 0 when only the frames tell. */
  readonly channels: number;
  /** frameLengthFlag: 960 samples in a frame instead of 1,024 (480 instead of 512 for ELD). */
  readonly shortFrames: boolean;
  /** Set when the stream depends on a core coder, which is not AAC's usual life. */
  readonly coreCoderDelay: number | undefined;
  /** 5 SBR (HE-AAC), 29 SBR and parametric stereo (HE-AAC v2). */
  readonly extensionType: 5 | 29 | undefined;
  readonly extensionSampleRate: number | undefined;
  /** True when the extension stands behind the core's part, where old decoders overlook it. */
  readonly backwardCompatible: boolean;
}

export function parseAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig {
  return readAudioSpecificConfig(new BitReader(bytes), true);
}

/**
 * Reads the configuration inside of another structure, and leaves the reader behind it. `isLast`: nothing follows, so what is left
 * may be an extension that old decoders overlook; otherwise it can't be told from what follows, and is not looked for.
 */
export function readAudioSpecificConfig(bits: BitReader, isLast: boolean): AudioSpecificConfig {
  const start = bits.bitOffset;
  const firstType = parseObjectType(bits);
  const sampleRate = parseSampleRate(bits);
  const channelConfiguration = bits.bits(4);
  let channels = aacChannels(channelConfiguration);
  let objectType = firstType;
  let extension: Extension = noExtension;
  if (firstType === objectTypeSbr || firstType === objectTypePs) {
    const extensionSampleRate = parseSampleRate(bits);
    objectType = parseObjectType(bits);
    if (objectType === objectTypeErBsac) bits.skip(4); // extensionChannelConfiguration
    extension = { extensionType: firstType, extensionSampleRate, backwardCompatible: false };
  }
  if (objectType === 0 || objectType === objectTypeSbr || objectType === objectTypePs) {
    throw new CodedError(ERR_CODEC_CONFIG, `AudioSpecificConfig has ${objectType} as its core's audioObjectType`);
  }
  let shortFrames = false;
  let coreCoderDelay: number | undefined;
  if (generalAudioTypes.has(objectType)) {
    shortFrames = bits.flag();
    coreCoderDelay = bits.flag() ? bits.bits(14) : undefined;
    const extensionFlag = bits.flag();
    // Some encoders announce a program_config_element and leave it out; it stands in the frames then.
    if (channelConfiguration === 0 && bits.bitsLeft >= leastProgramConfigBits)
      channels = parseProgramConfig(bits, start);
    if (objectType === 6 || objectType === 20) bits.skip(3); // layerNr
    if (extensionFlag) skipExtensionFlags(bits, objectType);
    if (isLast && extension === noExtension) extension = parseSyncExtension(bits);
  } else if (objectType === objectTypeEld) {
    shortFrames = bits.flag();
  }
  return { objectType, sampleRate, channelConfiguration, channels, shortFrames, coreCoderDelay, ...extension };
}

/** Writes the configuration of AAC Main, LC, SSR or LTP, with its SBR and PS signalling. */
export function writeAudioSpecificConfig(config: AudioSpecificConfig): Uint8Array {
  const { objectType, channelConfiguration, extensionType, extensionSampleRate } = config;
  if (objectType < 1 || objectType > 4 || channelConfiguration === 0) {
    throw new CodedError(
      ERR_CODEC_UNSUPPORTED,
      `only AAC of types 1 to 4 without program_config_element can be written, not type ${objectType}`,
    );
  }
  const bits = new BitWriter();
  const hierarchical = extensionType !== undefined && !config.backwardCompatible;
  bits.bits(hierarchical ? extensionType : objectType, 5);
  writeSampleRate(bits, config.sampleRate);
  bits.bits(channelConfiguration, 4);
  if (hierarchical) {
    writeSampleRate(bits, extensionSampleRate ?? config.sampleRate);
    bits.bits(objectType, 5);
  }
  bits.bits(config.shortFrames ? 1 : 0, 1);
  bits.bits(config.coreCoderDelay === undefined ? 0 : 1, 1);
  if (config.coreCoderDelay !== undefined) bits.bits(config.coreCoderDelay, 14);
  bits.bits(0, 1); // extensionFlag
  if (extensionType !== undefined && config.backwardCompatible) {
    bits.bits(sbrSync, 11).bits(objectTypeSbr, 5).bits(1, 1);
    writeSampleRate(bits, extensionSampleRate ?? config.sampleRate);
    if (extensionType === objectTypePs) bits.bits(psSync, 11).bits(1, 1);
  }
  return bits.finish();
}

type Extension = Pick<AudioSpecificConfig, "extensionType" | "extensionSampleRate" | "backwardCompatible">;

function parseObjectType(bits: BitReader): number {
  const type = bits.bits(5);
  return type === objectTypeEscape ? 32 + bits.bits(6) : type;
}

function parseSampleRate(bits: BitReader): number {
  const index = bits.bits(4);
  if (index === sampleRateEscape) return within(bits.bits(24), 1, maxSampleRateHz, "samplingFrequency");
  const rate = aacSampleRate(index);
  if (rate === undefined) {
    throw new CodedError(ERR_CODEC_CONFIG, `samplingFrequencyIndex ${index} of the AudioSpecificConfig is reserved`);
  }
  return rate;
}

function writeSampleRate(bits: BitWriter, sampleRate: number): void {
  const index = aacSampleRateIndex(sampleRate);
  if (index === undefined) bits.bits(sampleRateEscape, 4).bits(sampleRate, 24);
  else bits.bits(index, 4);
}

/** The end of GASpecificConfig: §4.4.1. */
function skipExtensionFlags(bits: BitReader, objectType: number): void {
  if (objectType === objectTypeErBsac) bits.skip(16); // numOfSubFrame, layer_length
  if ([17, 19, 20, 23].includes(objectType)) bits.skip(3); // three resilience flags
  bits.skip(1); // extensionFlag3
}

/** §1.6.6.2: SBR and PS for decoders that know them, invisible for those that don't. */
function parseSyncExtension(bits: BitReader): Extension {
  if (bits.bitsLeft < 16 || bits.bits(11) !== sbrSync || parseObjectType(bits) !== objectTypeSbr) return noExtension;
  if (bits.bitsLeft < 1 || !bits.flag()) return noExtension;
  const extensionSampleRate = parseSampleRate(bits);
  const ps = bits.bitsLeft >= 12 && bits.bits(11) === psSync && bits.flag();
  return { extensionType: ps ? objectTypePs : objectTypeSbr, extensionSampleRate, backwardCompatible: true };
}

/** program_config_element (§4.4.1.1): the channels that it lists. */
function parseProgramConfig(bits: BitReader, start: number): number {
  bits.skip(4 + 2 + 4); // element_instance_tag, object_type, sampling_frequency_index
  const pairable = bits.bits(4) + bits.bits(4) + bits.bits(4); // front, side, back
  const lowFrequency = bits.bits(2);
  const dataElements = bits.bits(3);
  const couplings = bits.bits(4);
  if (bits.flag()) bits.skip(4); // mono_mixdown_element_number
  if (bits.flag()) bits.skip(4); // stereo_mixdown_element_number
  if (bits.flag()) bits.skip(3); // matrix_mixdown_idx, pseudo_surround_enable
  let channels = lowFrequency;
  for (let i = 0; i < pairable; i++) {
    channels += bits.flag() ? 2 : 1; // element_is_cpe
    bits.skip(4); // element_tag_select
  }
  bits.skip(4 * lowFrequency + 4 * dataElements + 5 * couplings);
  bits.skip((8 - ((bits.bitOffset - start) % 8)) % 8); // aligned to the start of the configuration
  bits.skip(8 * bits.bits(8)); // comment_field_data
  return channels;
}

const objectTypeSbr = 5;
const objectTypeErBsac = 22;
const objectTypePs = 29;
const objectTypeEscape = 31;
const objectTypeEld = 39;
const sampleRateEscape = 15;
const sbrSync = 0x2b7;
const psSync = 0x548;
const leastProgramConfigBits = 34 + 8; // without elements, and the comment's length
const generalAudioTypes: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23]);
const noExtension: Extension = {
  extensionType: undefined,
  extensionSampleRate: undefined,
  backwardCompatible: false,
};

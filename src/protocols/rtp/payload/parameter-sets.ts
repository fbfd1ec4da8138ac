/** The parameter sets of one track as they come in band, and the decoder configuration that is made of them. */

import { BitReader } from "../../../bytes/bit-reader.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import { equalBytes } from "../../../bytes/equal-bytes.ts";
import { atMost } from "../../../codecs/bounds.ts";
import { avcConfigOf, parseAvcConfig, writeAvcConfig } from "../../../codecs/h264/avc-config.ts";
import { h264NalPps, h264NalSps } from "../../../codecs/h264/nal-unit.ts";
import { parseH264Sps } from "../../../codecs/h264/sps.ts";
import { hevcConfigOf, parseHevcConfig, writeHevcConfig } from "../../../codecs/h265/hevc-config.ts";
import { h265NalPps, h265NalSps, h265NalVps } from "../../../codecs/h265/nal-unit.ts";
import { parseH265Sps } from "../../../codecs/h265/sps.ts";
import { maxParameterSetBytes } from "../../../codecs/limits.ts";
import { vvcNalPps, vvcNalSps, vvcNalVps } from "../../../codecs/vvc/nal-unit.ts";
import { parseVvcSps } from "../../../codecs/vvc/sps.ts";
import { parseVvcConfig, vvcConfigOf, writeVvcConfig } from "../../../codecs/vvc/vvc-config.ts";
import { maxParameterSets } from "../limits.ts";

/** What {@link ParameterSets} has to know of a codec. */
export interface ParameterSetCodec {
  /** NAL unit types in the order in which decoders want them. */
  readonly types: readonly number[];
  /** The id by which later sets and slices name the set. The SPS is parsed for it as far as it is understood at all. */
  idOf(type: number, unit: Uint8Array): number;
  /** The sets of a configuration record, by type. */
  unitsOf(config: Uint8Array): readonly (readonly Uint8Array[])[];
  /** The record, from the sets by type. */
  write(units: readonly (readonly Uint8Array[])[]): Uint8Array;
}

export class ParameterSets {
  readonly #codec: ParameterSetCodec;
  /** For each type of the codec: id → set, in order of arrival. */
  readonly #sets: readonly Map<number, Uint8Array>[];
  #isChanged = false;

  /** `config` is what the session description told, if it told it. */
  constructor(codec: ParameterSetCodec, config?: Uint8Array) {
    this.#codec = codec;
    this.#sets = codec.types.map(() => new Map());
    if (config === undefined) return;
    codec.unitsOf(config).forEach((units, index) => {
      for (const unit of units) this.#put(index, unit);
    });
    this.#isChanged = false;
  }

  get spsType(): number {
    return this.#codec.types.at(-2) as number;
  }

  get ppsType(): number {
    return this.#codec.types.at(-1) as number;
  }

  /**
   * Takes a NAL unit, which is copied when it is kept. One of a type that is not in the configuration is passed over, and one that
   * is not understood as well: it is in the frame, and without a configuration nobody gets to see that.
   */
  put(type: number, unit: Uint8Array): void {
    const index = this.#codec.types.indexOf(type);
    if (index < 0) return;
    try {
      this.#put(index, withoutTrailingZeros(unit));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** The configuration record, when there is one and it is another than the last time. */
  take(): Uint8Array | undefined {
    // The VPS of VVC is optional, and H.265 streams lack theirs when a camera is careless.
    const isComplete = this.#sets.slice(-2).every((sets) => sets.size > 0);
    if (!this.#isChanged || !isComplete) return undefined;
    this.#isChanged = false;
    return this.#codec.write(this.#sets.map((sets) => [...sets.values()]));
  }

  #put(index: number, unit: Uint8Array): void {
    atMost(unit.length, maxParameterSetBytes, "length of the parameter set");
    const sets = this.#sets[index] as Map<number, Uint8Array>;
    // The usual case first: the same set again.
    for (const known of sets.values()) if (equalBytes(known, unit)) return;
    const id = this.#codec.idOf(this.#codec.types[index] as number, unit);
    if (!sets.has(id)) atMost(sets.size + 1, maxParameterSets, "number of parameter sets of one kind");
    sets.set(id, unit.slice());
    this.#isChanged = true;
  }
}

export const h264ParameterSets: ParameterSetCodec = {
  types: [h264NalSps, h264NalPps],
  idOf: (type, unit) => (type === h264NalSps ? parseH264Sps(unit).spsId : new BitReader(unit, 8).ue()),
  unitsOf(config) {
    const { sps, pps } = parseAvcConfig(config);
    return [sps, pps];
  },
  write: ([sps = [], pps = []]) => writeAvcConfig(avcConfigOf(sps, pps)),
};

export const h265ParameterSets: ParameterSetCodec = {
  types: [h265NalVps, h265NalSps, h265NalPps],
  idOf(type, unit) {
    if (type === h265NalSps) return parseH265Sps(unit).spsId;
    const bits = new BitReader(unit, 16);
    return type === h265NalVps ? bits.bits(4) : bits.ue();
  },
  unitsOf: (config) => unitsByType(parseHevcConfig(config).arrays, h265ParameterSets.types),
  write: ([vps = [], sps = [], pps = []]) => writeHevcConfig(hevcConfigOf(vps, sps, pps)),
};

export const vvcParameterSets: ParameterSetCodec = {
  types: [vvcNalVps, vvcNalSps, vvcNalPps],
  idOf(type, unit) {
    if (type === vvcNalSps) return parseVvcSps(unit).spsId;
    return new BitReader(unit, 16).bits(type === vvcNalVps ? 4 : 6);
  },
  unitsOf: (config) => unitsByType(parseVvcConfig(config).arrays, vvcParameterSets.types),
  write: ([vps = [], sps = [], pps = []]) => writeVvcConfig(vvcConfigOf(vps, sps, pps)),
};

function unitsByType(
  arrays: readonly { readonly nalType: number; readonly units: readonly Uint8Array[] }[],
  types: readonly number[],
): (readonly Uint8Array[])[] {
  return types.map((type) => arrays.filter(({ nalType }) => nalType === type).flatMap(({ units }) => units));
}

/** Cameras fill parameter sets up to four bytes; a NAL unit itself never ends with a zero. */
function withoutTrailingZeros(unit: Uint8Array): Uint8Array {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end--;
  return unit.subarray(0, end);
}

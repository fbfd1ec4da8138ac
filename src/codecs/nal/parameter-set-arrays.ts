/** The arrays of parameter sets at the end of hvcC (ISO/IEC 14496-15 §8.3.3.1.2) and vvcC (§11.2.4.2.2). */

import { assert } from "../../bytes/assert.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { atMost } from "../bounds.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { maxParameterSetBytes } from "../limits.ts";

export interface ParameterSetArray {
  readonly nalType: number;
  /** array_completeness: no parameter set of this type stands in the frames. */
  readonly complete: boolean;
  /** NAL units; when parsed, views of the record. */
  readonly units: readonly Uint8Array[];
}

/** Parses numOfArrays and the arrays. `hasCount(type)` is false for the types of which there is always one. */
export function parseParameterSetArrays(
  reader: ByteReader,
  typeMask: number,
  hasCount: (nalType: number) => boolean,
): ParameterSetArray[] {
  const arrays: ParameterSetArray[] = [];
  const arrayCount = reader.u8();
  for (let i = 0; i < arrayCount; i++) {
    const head = reader.u8();
    const nalType = head & typeMask;
    const unitCount = hasCount(nalType) ? reader.u16() : 1;
    const units: Uint8Array[] = [];
    for (let j = 0; j < unitCount; j++) {
      const length = reader.u16();
      if (length === 0) throw new CodedError(ERR_CODEC_CONFIG, `a parameter set of type ${nalType} is empty`);
      units.push(reader.view(length));
    }
    arrays.push({ nalType, complete: head >= 0x80, units });
  }
  return arrays;
}

/** Writes what {@link parseParameterSetArrays} parses when every type has a count, as in hvcC. */
export function writeParameterSetArrays(writer: ByteWriter, arrays: readonly ParameterSetArray[]): void {
  assert(arrays.length <= 0xff, "a configuration record holds at most 255 arrays");
  writer.u8(arrays.length);
  for (const { nalType, complete, units } of arrays) {
    assert(units.length <= 0xffff, "an array holds at most 65,535 parameter sets");
    writer.u8((complete ? 0x80 : 0) | nalType).u16(units.length);
    for (const unit of units) {
      writer.u16(atMost(unit.length, maxParameterSetBytes, "length of the parameter set")).put(unit);
    }
  }
}

/** The first parameter set of a type, if there is one. */
export function firstParameterSet(arrays: readonly ParameterSetArray[], nalType: number): Uint8Array | undefined {
  return arrays.find((array) => array.nalType === nalType && array.units.length > 0)?.units[0];
}

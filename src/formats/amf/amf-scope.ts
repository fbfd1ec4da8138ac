/**
 * The bounds of one AMF message while it is read: nesting, number of values, and the objects that references may name.
 *
 * A reference is cheap on the wire and dear to whoever walks or writes the result: a list of references to lists of
 * references doubles with every level. So each complete object remembers its height, its values and its bytes, and a
 * reference costs what it stands for. References to an object that is still being read (cycles) are refused.
 */

import type { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { AmfValue } from "./amf-value.ts";
import { ERR_AMF_DEPTH, ERR_AMF_REFERENCE, ERR_AMF_TOO_MANY_VALUES } from "./errors.ts";
import { maxAmfDepth, maxAmfRepeatedBytes, maxAmfValues } from "./limits.ts";

/** The objects of one reference table, in the order in which they began. */
export type AmfReferences = AmfReference[];

interface AmfReference {
  /** undefined until the object is complete. */
  complete: { value: AmfValue; height: number; valueCount: number; byteCount: number } | undefined;
}

export class AmfScope {
  readonly reader: ByteReader;
  #depth = 0;
  #deepest = 0;
  #valueCount = 0;
  #repeatedBytes = 0;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  /** Counts values that were read; every value counts. */
  countValues(count: number): void {
    this.#valueCount += count;
    if (this.#valueCount > maxAmfValues) {
      throw new CodedError(ERR_AMF_TOO_MANY_VALUES, `expected at most ${maxAmfValues} AMF values in one message`);
    }
  }

  /** Counts bytes that a reference stands for. */
  countRepeatedBytes(count: number): void {
    this.#repeatedBytes += count;
    if (this.#repeatedBytes > maxAmfRepeatedBytes) {
      throw new CodedError(
        ERR_AMF_REFERENCE,
        `expected references to stand for at most ${maxAmfRepeatedBytes} bytes in one message`,
      );
    }
  }

  /**
   * Reads one value that may have others inside: `readInside` runs one level deeper, and what it returns can be named
   * by later references of `references`.
   */
  nest(references: AmfReferences, readInside: () => AmfValue): AmfValue {
    const reference: AmfReference = { complete: undefined };
    references.push(reference);
    const outerDeepest = this.#deepest;
    const valuesBefore = this.#valueCount;
    const bytesBefore = this.reader.offset + this.#repeatedBytes;
    this.#depth++;
    checkDepth(this.#depth);
    this.#deepest = this.#depth;
    const value = readInside();
    reference.complete = {
      value,
      height: this.#deepest - this.#depth + 1,
      valueCount: this.#valueCount - valuesBefore + 1,
      byteCount: this.reader.offset + this.#repeatedBytes - bytesBefore,
    };
    this.#depth--;
    this.#deepest = Math.max(this.#deepest, outerDeepest);
    return value;
  }

  /** The object number `index` of `references`. */
  resolve(references: AmfReferences, index: number): AmfValue {
    const reference = references[index];
    if (reference === undefined) {
      throw new CodedError(ERR_AMF_REFERENCE, `expected one of ${references.length} objects, got reference ${index}`);
    }
    const complete = reference.complete;
    if (complete === undefined) {
      throw new CodedError(ERR_AMF_REFERENCE, `reference ${index} names an object that it is itself a part of`);
    }
    this.countValues(complete.valueCount);
    this.countRepeatedBytes(complete.byteCount);
    checkDepth(this.#depth + complete.height);
    this.#deepest = Math.max(this.#deepest, this.#depth + complete.height);
    return complete.value;
  }
}

function checkDepth(depth: number): void {
  if (depth > maxAmfDepth) throw new CodedError(ERR_AMF_DEPTH, `expected at most ${maxAmfDepth} levels of AMF objects`);
}

/**
 * FLV tags of thousands of players, read over: headers and sizes are checked, bodies are counted. FLV 10.1, §E.2 to §E.4.1. Stricter
 * than a player: a size behind a tag that does not agree with the tag is an error, because a cut in the wrong place is what a
 * load generator is to find.
 */

import { readU32 } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { flvTagHeaderLength, flvTagTrailerLength, flvTagType, parseFlvHeader } from "../../formats/flv/tag.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import { headBytes, type MediaChecks } from "./media-checks.ts";

export class FlvScanner {
  readonly #checks: MediaChecks;
  /** What a tag begins with: the size of the one before, and its header; before the first tag, the file's header. */
  readonly #pending: Uint8Array;
  readonly #pendingLength: Uint8Array;
  readonly #hasFileHeader: Uint8Array;
  readonly #tagType: Uint8Array;
  readonly #timestampMs: Uint32Array;
  readonly #bodyBytes: Uint32Array;
  readonly #bodyLeft: Uint32Array;
  readonly #heads: Uint8Array;

  constructor(playerCount: number, checks: MediaChecks) {
    this.#checks = checks;
    this.#pending = new Uint8Array(playerCount * prefixLength);
    this.#pendingLength = new Uint8Array(playerCount);
    this.#hasFileHeader = new Uint8Array(playerCount);
    this.#tagType = new Uint8Array(playerCount);
    this.#timestampMs = new Uint32Array(playerCount);
    this.#bodyBytes = new Uint32Array(playerCount);
    this.#bodyLeft = new Uint32Array(playerCount);
    this.#heads = new Uint8Array(playerCount * headBytes);
  }

  /** The row is somebody else's from now on. */
  reset(player: number): void {
    this.#pendingLength[player] = 0;
    this.#hasFileHeader[player] = 0;
    this.#bodyBytes[player] = 0;
    this.#bodyLeft[player] = 0;
    this.#tagType[player] = 0;
  }

  /** Reads `bytes[start, end)` over. Errors: ERR_BENCH_FRAMING, and those of tag.ts; after one the row is of no more use. */
  scan(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    let at = start;
    while (at < end) {
      if ((this.#bodyLeft[player] as number) > 0) at = this.#scanBody(player, bytes, at, end, nowMs);
      else at = this.#scanPrefix(player, bytes, at, end, nowMs);
    }
  }

  #scanBody(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    const left = this.#bodyLeft[player] as number;
    const count = Math.min(left, end - at);
    const done = (this.#bodyBytes[player] as number) - left;
    if (done === 0) this.#checks.beginTag(player, this.#tagType[player] as number, nowMs);
    const headAt = player * headBytes;
    const headEnd = Math.min(headBytes, done + count);
    for (let i = done; i < headEnd; i++) this.#heads[headAt + i] = bytes[at + i - done] as number;
    this.#bodyLeft[player] = left - count;
    if (left === count) this.#endTag(player, nowMs);
    return at + count;
  }

  #endTag(player: number, nowMs: number): void {
    const type = this.#tagType[player] as number;
    const headLength = Math.min(headBytes, this.#bodyBytes[player] as number);
    const timestampMs = this.#timestampMs[player] as number;
    this.#checks.endTag(player, type, timestampMs, this.#heads, player * headBytes, headLength, nowMs);
  }

  #scanPrefix(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    const wanted = this.#hasFileHeader[player] === 0 ? fileHeaderLength : prefixLength;
    const held = this.#pendingLength[player] as number;
    if (held === 0 && end - at >= wanted) {
      this.#readPrefix(player, bytes, at, nowMs);
      return at + wanted;
    }
    // Rare: once for each piece of input at most.
    const row = player * prefixLength;
    const count = Math.min(wanted - held, end - at);
    for (let i = 0; i < count; i++) this.#pending[row + held + i] = bytes[at + i] as number;
    this.#pendingLength[player] = held + count;
    if (held + count === wanted) {
      this.#pendingLength[player] = 0;
      this.#readPrefix(player, this.#pending, row, nowMs);
    }
    return at + count;
  }

  #readPrefix(player: number, bytes: Uint8Array, at: number, nowMs: number): void {
    if (this.#hasFileHeader[player] === 0) {
      const { dataOffset } = parseFlvHeader(bytes.subarray(at, at + fileHeaderLength));
      if (dataOffset !== fileHeaderLength) throw framing(`a file header of ${fileHeaderLength} bytes`, `${dataOffset}`);
      this.#hasFileHeader[player] = 1;
      return;
    }
    const previousSize = readU32(bytes, at);
    const isFirst = this.#tagType[player] === 0;
    const expectedSize = isFirst ? 0 : flvTagHeaderLength + (this.#bodyBytes[player] as number);
    if (previousSize !== expectedSize)
      throw framing(`${expectedSize} as the size of the tag before`, `${previousSize}`);
    const header = at + flvTagTrailerLength;
    const type = bytes[header] as number;
    const bodyBytes = readU32(bytes, header) % 0x100_0000;
    const streamId = readU32(bytes, header + 7) % 0x100_0000;
    if (!knownTypes.has(type) || streamId !== 0)
      throw framing("a tag of type 8, 9, 15 or 18 of stream 0", `${type} of ${streamId}`);
    this.#tagType[player] = type;
    this.#timestampMs[player] = (readU32(bytes, header + 3) % 0x100_0000) + (bytes[header + 7] as number) * 0x100_0000;
    this.#bodyBytes[player] = bodyBytes;
    this.#bodyLeft[player] = bodyBytes;
    if (bodyBytes === 0) this.#endTag(player, nowMs);
  }
}

function framing(expected: string, got: string): CodedError {
  return new CodedError(ERR_BENCH_FRAMING, `the FLV stream is torn: expected ${expected}, got ${got}`);
}

const fileHeaderLength = 9;
const prefixLength: number = flvTagTrailerLength + flvTagHeaderLength;
const knownTypes: ReadonlySet<number> = new Set(Object.values(flvTagType));

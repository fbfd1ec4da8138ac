/**
 * RTMP chunks of thousands of players, read over: RTMP 1.0 §5.3.1. Media is counted and not kept; control messages and commands
 * are handed out whole. The rules are those of protocols/rtmp/chunk-reader.ts, which keeps every message, and would be most of
 * what a load generator does.
 *
 * A chunk that continues nothing, or a message of a type that does not exist, is an error: that is what a torn stream looks like.
 */

import { readU32 } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { defaultChunkSize } from "../../protocols/rtmp/limits.ts";
import { parseAbort } from "../../protocols/rtmp/message/abort.ts";
import { messageTypeId } from "../../protocols/rtmp/message/message-type.ts";
import { parseSetChunkSize } from "../../protocols/rtmp/message/set-chunk-size.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import { chunkStreamsPerPlayer, maxKeptMessageBytes } from "./limits.ts";
import { headBytes, type MediaChecks } from "./media-checks.ts";

/** A message that is not media: a command, a ping, an acknowledgement. `payload` is the receiver's own. */
export type HandleMessage = (player: number, typeId: number, payload: Uint8Array) => void;

export class RtmpScanner {
  readonly #checks: MediaChecks;
  readonly #onMessage: HandleMessage;
  // A row for each player.
  readonly #chunkSize: Uint32Array;
  readonly #chunkLeft: Uint32Array;
  /** The row of the chunk stream that the chunk belongs to, while `chunkLeft` counts. */
  readonly #current: Uint32Array;
  readonly #streamCount: Uint8Array;
  /** The start of a chunk header whose rest has not come yet. */
  readonly #pending: Uint8Array;
  readonly #pendingLength: Uint8Array;
  // A row for each chunk stream of each player.
  readonly #ids: Uint32Array;
  readonly #timestampMs: Uint32Array;
  readonly #fields: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #received: Uint32Array;
  readonly #types: Uint8Array;
  readonly #flags: Uint8Array;
  readonly #heads: Uint8Array;
  /** Messages that are kept, by the row of their chunk stream. Few, and short. */
  readonly #kept = new Map<number, Uint8Array>();

  constructor(playerCount: number, checks: MediaChecks, onMessage: HandleMessage) {
    this.#checks = checks;
    this.#onMessage = onMessage;
    const streams = playerCount * chunkStreamsPerPlayer;
    this.#chunkSize = new Uint32Array(playerCount);
    this.#chunkLeft = new Uint32Array(playerCount);
    this.#current = new Uint32Array(playerCount);
    this.#streamCount = new Uint8Array(playerCount);
    this.#pending = new Uint8Array(playerCount * maxHeaderLength);
    this.#pendingLength = new Uint8Array(playerCount);
    this.#ids = new Uint32Array(streams);
    this.#timestampMs = new Uint32Array(streams);
    this.#fields = new Uint32Array(streams);
    this.#lengths = new Uint32Array(streams);
    this.#received = new Uint32Array(streams);
    this.#types = new Uint8Array(streams);
    this.#flags = new Uint8Array(streams);
    this.#heads = new Uint8Array(streams * headBytes);
  }

  /** The row is somebody else's from now on, who has just shaken hands. */
  reset(player: number): void {
    this.#chunkSize[player] = defaultChunkSize;
    this.#chunkLeft[player] = 0;
    this.#streamCount[player] = 0;
    this.#pendingLength[player] = 0;
    const first = player * chunkStreamsPerPlayer;
    for (let row = first; row < first + chunkStreamsPerPlayer; row++) this.#kept.delete(row);
  }

  /** Reads `bytes[start, end)` over. Errors: ERR_BENCH_FRAMING, and those of the control messages; after one the row is of no more use. */
  scan(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    let at = start;
    while (at < end) {
      if ((this.#chunkLeft[player] as number) > 0) at = this.#scanPayload(player, bytes, at, end, nowMs);
      else at = this.#scanHeader(player, bytes, at, end, nowMs);
    }
  }

  #scanHeader(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): number {
    let at = start;
    if (this.#pendingLength[player] === 0) {
      const length = this.#parseHeader(player, bytes, at, end, nowMs);
      if (length > 0) return at + length;
    }
    // Rare: once for each piece of input at most. Byte by byte, because the length shows itself on the way.
    const row = player * maxHeaderLength;
    while (at < end) {
      const held = (this.#pendingLength[player] as number) + 1;
      this.#pending[row + held - 1] = bytes[at++] as number;
      const length = this.#parseHeader(player, this.#pending, row, row + held, nowMs);
      this.#pendingLength[player] = length === 0 ? held : 0;
      if (length === 0) continue;
      // Bytes kept as the start of a timestamp turned out to be payload.
      const rest = this.#pending.slice(row + length, row + held);
      this.scan(player, rest, 0, rest.length, nowMs);
      return at;
    }
    return at;
  }

  /** Parses a chunk header and makes its chunk the current one. Returns the header's length; 0: it is not complete. */
  #parseHeader(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    const first = bytes[at] as number;
    const format = first >> 6;
    let id = first & 0x3f;
    let length = 1;
    if (id < 2) {
      length = 2 + id; // 0: one more byte, 1: two
      if (end - at < length) return 0;
      id = 64 + (bytes[at + 1] as number) + (length === 3 ? (bytes[at + 2] as number) * 256 : 0);
    }
    const fields = at + length;
    length += messageHeaderLengths[format] as number;
    if (end - at < length) return 0;
    if (format === 3) {
      const row = this.#find(player, id, format);
      if (((this.#flags[row] as number) & isExtended) !== 0) {
        const repeated = this.#repeatsTimestamp(row, bytes, fields, end);
        if (repeated === undefined) return 0;
        if (repeated) length += 4;
      }
      this.#startChunk(player, row, format, this.#fields[row] as number, nowMs);
      return length;
    }
    let field = readU32(bytes, fields - 1) % 0x100_0000;
    const hasExtension = field === 0xff_ffff;
    if (hasExtension) {
      if (end - at < length + 4) return 0;
      field = readU32(bytes, at + length);
      length += 4;
    }
    const row = this.#find(player, id, format);
    this.#giveUp(row);
    if (format < 2) {
      this.#lengths[row] = readU32(bytes, fields + 2) % 0x100_0000;
      this.#types[row] = bytes[fields + 6] as number;
      this.#checkType(row);
    }
    this.#flags[row] = hasExtension ? isExtended : 0;
    this.#startChunk(player, row, format, field, nowMs);
    return length;
  }

  /** `field`: the header's timestamp, or its delta, which format 3 repeats at the start of a message (§5.3.1.2.4). */
  #startChunk(player: number, row: number, format: number, field: number, nowMs: number): void {
    const flags = this.#flags[row] as number;
    if ((flags & isInMessage) === 0) {
      this.#flags[row] = flags | isInMessage;
      this.#fields[row] = field;
      this.#timestampMs[row] = format === 0 ? field : ((this.#timestampMs[row] as number) + field) % 0x1_0000_0000;
      if (isKept(this.#types[row] as number)) this.#kept.set(row, new Uint8Array(this.#lengths[row] as number));
    }
    const left = (this.#lengths[row] as number) - (this.#received[row] as number);
    this.#current[player] = row;
    this.#chunkLeft[player] = Math.min(left, this.#chunkSize[player] as number);
    if (left === 0) this.#finish(player, row, nowMs);
  }

  #scanPayload(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    const left = this.#chunkLeft[player] as number;
    const row = this.#current[player] as number;
    const done = this.#received[row] as number;
    const count = Math.min(left, end - at);
    const type = this.#types[row] as number;
    if (done === 0) this.#checks.beginTag(player, type, nowMs);
    const headEnd = Math.min(headBytes, done + count);
    const headAt = row * headBytes;
    for (let i = done; i < headEnd; i++) this.#heads[headAt + i] = bytes[at + i - done] as number;
    if (isKept(type)) this.#kept.get(row)?.set(bytes.subarray(at, at + count), done);
    this.#received[row] = done + count;
    this.#chunkLeft[player] = left - count;
    if (done + count === this.#lengths[row]) this.#finish(player, row, nowMs);
    return at + count;
  }

  #finish(player: number, row: number, nowMs: number): void {
    const type = this.#types[row] as number;
    const headLength = Math.min(headBytes, this.#lengths[row] as number);
    const payload = this.#kept.get(row);
    this.#giveUp(row);
    if (payload === undefined) {
      const timestampMs = this.#timestampMs[row] as number;
      this.#checks.endTag(player, type, timestampMs, this.#heads, row * headBytes, headLength, nowMs);
    } else if (type === messageTypeId.setChunkSize) {
      this.#chunkSize[player] = parseSetChunkSize(payload);
    } else if (type === messageTypeId.abort) {
      this.#abort(player, parseAbort(payload));
    } else {
      this.#onMessage(player, type, payload);
    }
  }

  #abort(player: number, id: number): void {
    const first = player * chunkStreamsPerPlayer;
    const row = this.#ids.subarray(first, first + (this.#streamCount[player] as number)).indexOf(id);
    if (row >= 0) this.#giveUp(first + row);
  }

  /** Ends the message of a chunk stream: it is complete, aborted, or interrupted by a new one. */
  #giveUp(row: number): void {
    this.#received[row] = 0;
    this.#flags[row] = (this.#flags[row] as number) & ~isInMessage;
    if (isKept(this.#types[row] as number)) this.#kept.delete(row);
  }

  #checkType(row: number): void {
    const type = this.#types[row] as number;
    if (!knownTypes.has(type)) throw framing(`a message type that exists, got ${type}`);
    const length = this.#lengths[row] as number;
    if (isKept(type) && length > maxKeptMessageBytes)
      throw framing(`at most ${maxKeptMessageBytes} bytes of type ${type}, got ${length}`);
  }

  /** The row of a chunk stream; new ones begin with a header that says everything (librtmp's also with format 1). */
  #find(player: number, id: number, format: number): number {
    const first = player * chunkStreamsPerPlayer;
    const count = this.#streamCount[player] as number;
    for (let row = first; row < first + count; row++) if (this.#ids[row] === id) return row;
    if (format > 1) throw framing(`a whole header first on chunk stream ${id}, got format ${format}`);
    if (count === chunkStreamsPerPlayer) throw framing(`at most ${chunkStreamsPerPlayer} chunk streams`);
    const row = first + count;
    this.#streamCount[player] = count + 1;
    this.#ids[row] = id;
    this.#timestampMs[row] = 0;
    this.#types[row] = 0;
    this.#flags[row] = 0;
    this.#received[row] = 0;
    return row;
  }

  /** Whether four bytes of timestamp follow a header of format 3, as field or as timestamp; undefined when more bytes must tell. */
  #repeatsTimestamp(row: number, bytes: Uint8Array, at: number, end: number): boolean | undefined {
    const count = Math.min(4, end - at);
    const isRepeated =
      startsWith(bytes, at, count, this.#fields[row] as number) ||
      startsWith(bytes, at, count, this.#timestampMs[row] as number);
    if (!isRepeated) return false;
    return count === 4 ? true : undefined;
  }
}

/** Whatever has to be understood or answered; media and metadata are not. */
function isKept(typeId: number): boolean {
  return typeId < messageTypeId.audio || typeId === messageTypeId.commandAmf0 || typeId === messageTypeId.commandAmf3;
}

function startsWith(bytes: Uint8Array, at: number, count: number, value: number): boolean {
  for (let i = 0; i < count; i++) if (bytes[at + i] !== ((value >>> (24 - 8 * i)) & 0xff)) return false;
  return true;
}

function framing(expected: string): CodedError {
  return new CodedError(ERR_BENCH_FRAMING, `the RTMP stream is torn: expected ${expected}`);
}

const isExtended = 1;
const isInMessage = 2;
/** Of formats 0 to 3, without the basic header and the extended timestamp: §5.3.1.2. */
const messageHeaderLengths: readonly number[] = [11, 7, 3, 0];
/** Three bytes of basic header, eleven of message header, four of timestamp. */
const maxHeaderLength = 18;
const knownTypes: ReadonlySet<number> = new Set(Object.values(messageTypeId));

/**
 * Chunks into messages, RTMP 1.0 §5.3. Bytes come in any pieces; Set Chunk Size and Abort, which change how the next byte is
 * read, are obeyed here and not handed on.
 *
 * Where peers differ from the specification this does what librtmp, FFmpeg and SRS do:
 * - a chunk stream may begin with format 1 (librtmp's ping responses): its message stream is 0, its time counts from 0;
 * - a new header (format 0 to 2) inside a message gives the incomplete one up;
 * - after an extended timestamp, a chunk of format 3 repeats it (§5.3.1.3) or, from some writers, does not: the four bytes are
 *   taken as a timestamp only when they hold the expected one.
 */

import { assert } from "../../bytes/assert.ts";
import { readU32 } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  ERR_RTMP_CHUNK_ORDER,
  ERR_RTMP_CHUNK_TOO_LONG,
  ERR_RTMP_CHUNKS_TOO_SMALL,
  ERR_RTMP_PARTIAL_BYTES,
  ERR_RTMP_TOO_MANY_CHUNK_STREAMS,
} from "./errors.ts";
import {
  bytesPerChunkCredit,
  chunkCreditMax,
  chunkCreditsPerMs,
  defaultChunkSize,
  initialMessageBytes,
  initialPieceBytes,
  maxChunkSize,
  maxChunkStreams,
  maxPartialBytes,
  sharedPieceBytes,
} from "./limits.ts";
import { parseAbort } from "./message/abort.ts";
import { messageTypeId, messageTypeOf, type RtmpMessage } from "./message/message-type.ts";
import { parseSetChunkSize } from "./message/set-chunk-size.ts";

export class ChunkReader {
  /** The newest first. Real peers have a few: a list of just so many is smaller than a Map, and as fast. */
  #streams: readonly ChunkStream[] = [];
  /** The start of a chunk header whose rest has not come yet: few connections are ever interrupted there. */
  #header: Uint8Array | undefined;
  #headerLength = 0;

  #input: Uint8Array = nothing;
  #at = 0;

  /** The chunk stream of the chunk that is being read, and what is missing of that chunk. */
  #current: ChunkStream | undefined;
  #chunkLeft = 0;
  /** The chunk stream of the last chunk: most chunks are followed by one of the same. */
  #last: ChunkStream | undefined;

  #declaredChunkSize: number = defaultChunkSize;
  #chunkSize: number = defaultChunkSize;
  #partialLimit: number = maxPartialBytes;
  #partialBytes = 0;
  #credit: number = chunkCreditMax;
  #creditedAt: number | undefined;

  /** Memory for the payloads of the messages that one {@link handle} brings, and how much of it is taken. */
  #piece: Uint8Array = nothing;
  #pieceUsed = 0;

  /**
   * Whether payloads are lent: views of the bytes that came, or of memory that is used again from the next {@link handle} on. For
   * publishers, whose every message is taken at once. Memory for each sound and picture is what the garbage collector would be busiest with.
   */
  sharesMemory = false;

  /** The peer's chunk size as it is used here: what it declared, at most `maxChunkSize`. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** Memory held by incomplete messages. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  /** Bounds the memory of incomplete messages; what is held already stays. */
  setPartialLimit(bytes: number): void {
    this.#partialLimit = bytes;
  }

  /** Earns credit for waiting (see `chunkCreditMax`); to be called now and then, `now` in milliseconds. */
  handleTime(now: number): void {
    const elapsedMs = now - (this.#creditedAt ?? now);
    this.#creditedAt = now;
    this.#credit = Math.min(chunkCreditMax, this.#credit + elapsedMs * chunkCreditsPerMs);
  }

  /** Takes bytes to read from. They must stay as they are until {@link pollMessage} has returned undefined. */
  handle(bytes: Uint8Array): void {
    assert(this.#at === this.#input.length, "pollMessage() must have returned undefined before the next handle()");
    this.#input = bytes;
    this.#at = 0;
    if (this.#pieceUsed > 0) this.#reusePiece();
  }

  /**
   * The next whole message; undefined when all bytes have been taken. Errors: ERR_RTMP_CHUNK_ORDER, _TOO_LONG, _CHUNK_SIZE,
   * _TOO_MANY_CHUNK_STREAMS, _PARTIAL_BYTES, _CHUNKS_TOO_SMALL, ERR_TRUNCATED; after an error the reader is of no more use.
   */
  pollMessage(): RtmpMessage | undefined {
    while (this.#at < this.#input.length) {
      if (this.#current === undefined && !this.#readHeader()) break;
      const stream = this.#current as ChunkStream;
      this.#readPayload(stream);
      if (this.#chunkLeft > 0) break;
      this.#current = undefined;
      if (stream.received < stream.length) continue;
      const message = this.#finish(stream);
      if (message !== undefined) return message;
    }
    this.#input = nothing; // the bytes are only lent
    this.#at = 0;
    return undefined;
  }

  /** Reads one chunk header, perhaps begun in earlier bytes. False: the bytes end inside of it, and are kept. */
  #readHeader(): boolean {
    if (this.#headerLength === 0) {
      const length = this.#parseHeader(this.#input, this.#at, this.#input.length);
      if (length > 0) {
        this.#at += length;
        return true;
      }
    }
    // Rare: once for each piece of input at most. Byte by byte, because the length shows itself on the way.
    this.#header ??= new Uint8Array(maxHeaderLength);
    const header = this.#header;
    while (this.#at < this.#input.length) {
      header[this.#headerLength++] = this.#input[this.#at++] as number;
      const length = this.#parseHeader(header, 0, this.#headerLength);
      if (length === 0) continue;
      if (length < this.#headerLength) this.#putBack(header.subarray(length, this.#headerLength));
      this.#headerLength = 0;
      return true;
    }
    return false;
  }

  /** Bytes kept as the start of a timestamp turned out to be payload. */
  #putBack(bytes: Uint8Array): void {
    const rest = this.#input.subarray(this.#at);
    const joined = new Uint8Array(bytes.length + rest.length);
    joined.set(bytes);
    joined.set(rest, bytes.length);
    this.#input = joined;
    this.#at = 0;
  }

  /** Parses a chunk header and makes its chunk the current one. Returns the header's length; 0: it is not complete. */
  #parseHeader(bytes: Uint8Array, at: number, end: number): number {
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
    const known = this.#find(id);
    if (format === 3) {
      const stream = requireHistory(known, id, format);
      if (stream.isExtended) {
        const repeated = repeatedTimestamp(bytes, fields, end, stream);
        if (repeated === undefined) return 0;
        if (repeated) length += 4;
      }
      this.#startChunk(stream, format, stream.field);
      return length;
    }
    let field = readU24(bytes, fields);
    const isExtended = field === 0xff_ffff;
    if (isExtended) {
      if (end - at < length + 4) return 0;
      field = readU32(bytes, at + length);
      length += 4;
    }
    const stream = format === 2 ? requireHistory(known, id, format) : (known ?? this.#open(id));
    this.#giveUp(stream);
    if (format < 2) {
      stream.length = readU24(bytes, fields + 3);
      stream.typeId = bytes[fields + 6] as number;
    }
    if (format === 0) stream.messageStreamId = readU32le(bytes, fields + 7);
    stream.isExtended = isExtended;
    this.#startChunk(stream, format, field);
    return length;
  }

  /** `field`: the header's timestamp, or its delta, which format 3 repeats at the start of a message (§5.3.1.2.4). */
  #startChunk(stream: ChunkStream, format: number, field: number): void {
    if (!stream.isInMessage) {
      stream.isInMessage = true;
      stream.field = field;
      stream.timestamp = format === 0 ? field : (stream.timestamp + field) % 0x1_0000_0000;
    }
    const left = stream.length - stream.received;
    this.#chunkLeft = left < this.#chunkSize ? left : this.#chunkSize;
    if (left > this.#chunkSize && this.#declaredChunkSize > this.#chunkSize) {
      throw new CodedError(
        ERR_RTMP_CHUNK_TOO_LONG,
        `expected chunks of at most ${maxChunkSize} bytes, got one of ${Math.min(left, this.#declaredChunkSize)}; ` +
          "set a smaller chunk size in the peer",
      );
    }
    if (--this.#credit < 0) {
      throw new CodedError(
        ERR_RTMP_CHUNKS_TOO_SMALL,
        `expected chunks of ${bytesPerChunkCredit} bytes and more on average, got too many smaller ones; ` +
          "set a larger chunk size in the peer",
      );
    }
    this.#current = stream;
    this.#last = stream;
  }

  #readPayload(stream: ChunkStream): void {
    const available = this.#input.length - this.#at;
    const count = available < this.#chunkLeft ? available : this.#chunkLeft;
    if (count === 0) return;
    if (this.sharesMemory && count === stream.length) {
      // Lent as it came: most messages of a publisher are one chunk.
      stream.payload = this.#input.subarray(this.#at, this.#at + count);
      stream.received = count;
      this.#partialBytes += count;
    } else {
      const received = stream.received + count;
      if (received > stream.payload.length) this.#grow(stream, received);
      copyBytes(this.#input, this.#at, stream.payload, stream.received, count);
      stream.received = received;
    }
    this.#at += count;
    this.#chunkLeft -= count;
    this.#credit = Math.min(chunkCreditMax, this.#credit + count / bytesPerChunkCredit);
  }

  /** Memory follows what has come, never what was declared; the last step makes the exact length of the message. */
  #grow(stream: ChunkStream, needed: number): void {
    const old = stream.payload;
    const start = Math.min(initialMessageBytes, Math.floor(this.#partialLimit / maxChunkStreams));
    const capacity = Math.min(stream.length, Math.max(needed, old.length === 0 ? start : 2 * old.length));
    const partialBytes = this.#partialBytes + capacity - old.length;
    if (partialBytes > this.#partialLimit) {
      throw new CodedError(
        ERR_RTMP_PARTIAL_BYTES,
        `expected at most ${this.#partialLimit} bytes of incomplete messages, this chunk would make it ${partialBytes}`,
      );
    }
    this.#partialBytes = partialBytes;
    const payload = this.#allocate(capacity);
    payload.set(old.subarray(0, stream.received));
    stream.payload = payload;
  }

  #allocate(length: number): Uint8Array {
    if (!this.sharesMemory || length > sharedPieceBytes) return new Uint8Array(length);
    if (this.#pieceUsed + length > this.#piece.length) {
      const wanted = Math.max(2 * this.#piece.length, length, initialPieceBytes);
      this.#piece = new Uint8Array(Math.min(wanted, sharedPieceBytes));
      this.#pieceUsed = 0;
    }
    const payload = this.#piece.subarray(this.#pieceUsed, this.#pieceUsed + length);
    this.#pieceUsed += length;
    return payload;
  }

  /** All messages have been taken; one that has only begun moves to the front. */
  #reusePiece(): void {
    let begun: ChunkStream | undefined;
    if (this.#partialBytes > 0) {
      for (const stream of this.#streams) {
        if (stream.payload.buffer !== this.#piece.buffer) continue;
        if (begun !== undefined) return; // rare: the next piece will be another one
        begun = stream;
      }
    }
    this.#pieceUsed = 0;
    if (begun === undefined) return;
    const { payload, received } = begun;
    this.#piece.copyWithin(0, payload.byteOffset, payload.byteOffset + received);
    begun.payload = this.#piece.subarray(0, payload.length);
    this.#pieceUsed = payload.length;
  }

  #finish(stream: ChunkStream): RtmpMessage | undefined {
    const { typeId, payload } = stream;
    this.#giveUp(stream);
    if (typeId === messageTypeId.setChunkSize) {
      this.#declaredChunkSize = parseSetChunkSize(payload);
      this.#chunkSize = Math.min(this.#declaredChunkSize, maxChunkSize);
      return undefined;
    }
    if (typeId === messageTypeId.abort) {
      const aborted = this.#find(parseAbort(payload));
      if (aborted !== undefined) this.#giveUp(aborted);
      return undefined;
    }
    return {
      type: messageTypeOf(typeId),
      typeId,
      timestamp: stream.timestamp,
      messageStreamId: stream.messageStreamId,
      chunkStreamId: stream.id,
      payload,
    };
  }

  /** Ends the message of a chunk stream: it is complete, aborted, or interrupted by a new one. */
  #giveUp(stream: ChunkStream): void {
    this.#partialBytes -= stream.payload.length;
    stream.payload = nothing;
    stream.received = 0;
    stream.isInMessage = false;
  }

  #find(id: number): ChunkStream | undefined {
    if (this.#last?.id === id) return this.#last;
    for (const stream of this.#streams) if (stream.id === id) return stream;
    return undefined;
  }

  #open(id: number): ChunkStream {
    if (this.#streams.length === maxChunkStreams) {
      throw new CodedError(ERR_RTMP_TOO_MANY_CHUNK_STREAMS, `expected at most ${maxChunkStreams} chunk streams`);
    }
    const stream = new ChunkStream(id);
    this.#streams = this.#streams.toSpliced(0, 0, stream);
    return stream;
  }
}

/** What the next header of the same chunk stream may leave out, and the message that is on its way. */
class ChunkStream {
  readonly id: number;
  /** Of the last message, absolute. */
  timestamp = 0;
  /** The timestamp field of the last header that had one, or its extension: absolute in format 0, else a delta. */
  field = 0;
  isExtended = false;
  length = 0;
  typeId = 0;
  messageStreamId = 0;

  isInMessage = false;
  payload: Uint8Array = nothing;
  received = 0;

  constructor(id: number) {
    this.id = id;
  }
}

/** Whether four bytes of timestamp follow a header of format 3; undefined when more bytes are needed to tell. */
function repeatedTimestamp(bytes: Uint8Array, at: number, end: number, stream: ChunkStream): boolean | undefined {
  const count = Math.min(4, end - at);
  // FFmpeg repeats the field, SRS and nginx-rtmp the absolute timestamp.
  if (!startsWith(bytes, at, count, stream.field) && !startsWith(bytes, at, count, stream.timestamp)) return false;
  return count === 4 ? true : undefined;
}

function startsWith(bytes: Uint8Array, at: number, count: number, value: number): boolean {
  for (let i = 0; i < count; i++) if (bytes[at + i] !== ((value >>> (24 - 8 * i)) & 0xff)) return false;
  return true;
}

function requireHistory(stream: ChunkStream | undefined, id: number, format: number): ChunkStream {
  if (stream !== undefined) return stream;
  throw new CodedError(
    ERR_RTMP_CHUNK_ORDER,
    `expected a chunk of format 0 or 1 first on chunk stream ${id}, got format ${format}`,
  );
}

/** A call of set() with a subarray costs about 60 ns, a loop 0.6 ns a byte. */
function copyBytes(from: Uint8Array, at: number, to: Uint8Array, offset: number, count: number): void {
  if (count > 48) {
    to.set(from.subarray(at, at + count), offset);
  } else {
    for (let i = 0; i < count; i++) to[offset + i] = from[at + i] as number;
  }
}

function readU24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

function readU32le(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

const nothing = new Uint8Array(0);

/** Of formats 0 to 3, without the basic header and the extended timestamp: §5.3.1.2. */
const messageHeaderLengths: readonly number[] = [11, 7, 3, 0];

/** Three bytes of basic header, eleven of message header, four of timestamp. */
const maxHeaderLength = 18;

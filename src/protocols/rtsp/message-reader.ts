/**
 * Finds messages and interleaved frames in a stream of bytes that comes in any pieces: RFC 2326 §4, §10.12.
 *
 * What is whole in the input is read in place; only what the input cuts is joined in own memory, which grows with the bytes that
 * have come and never with a length that was declared. The end of a head is looked for once in each byte.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTSP_BODY_TOO_LONG, ERR_RTSP_MESSAGE, ERR_RTSP_TOO_LONG } from "./errors.ts";
import { type InterleavedFrame, interleavedHeaderLength, interleavedMagic } from "./interleaved.ts";
import * as limits from "./limits.ts";
import { parseContentLength, parseHead, type RtspHead, type RtspMessage } from "./message/message.ts";

export interface RtspReaderOptions {
  /** For cameras: bad header lines are skipped, and so are bytes between messages that belong to none. */
  readonly isLenient: boolean;
  /** Where bytes were skipped, only a frame of such a channel is taken for one. */
  readonly isChannel?: (channel: number) => boolean;
}

export class RtspMessageReader {
  readonly #options: RtspReaderOptions;
  #input: Uint8Array = noBytes;
  #at = 0;
  #stage: "start" | "frame" | "head" | "body" = "start";
  /** The beginning of what the input cuts. */
  #carry: Uint8Array = noBytes;
  #carryLength = 0;
  /** Of a head: characters of the line that is being read, without its end. */
  #lineLength = 0;
  #head: RtspHead | undefined;
  #bodyLength = 0;
  #skippedInRow = 0;
  #skippedBytes = 0;
  #itemCount = 0;

  constructor(options: RtspReaderOptions) {
    this.#options = options;
  }

  /** Whether the last input ended inside of a message or frame. */
  get isInside(): boolean {
    return this.#stage !== "start" || this.#carryLength > 0;
  }

  /** Messages and frames so far: while it stands, the one that is being read is the same. */
  get itemCount(): number {
    return this.#itemCount;
  }

  /** Bytes that were in no message. Only for lenient readers. */
  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** Takes the next bytes, which are lent until {@link poll} has returned undefined. */
  handle(bytes: Uint8Array): void {
    this.#input = bytes;
    this.#at = 0;
  }

  /** The next item, or undefined when the input is used up. Errors: the codes of a message; the reader is of no use after one. */
  poll(): RtspMessage | InterleavedFrame | undefined {
    for (;;) {
      if (this.#stage === "start" && !this.#begin()) return this.#release();
      const item = this.#stage === "frame" ? this.#readFrame() : this.#readMessage();
      if (item === undefined) return this.#release();
      this.#stage = "start";
      this.#skippedInRow = 0;
      this.#itemCount += 1;
      return item;
    }
  }

  /** Chooses the stage by the next bytes; false when there are not enough. */
  #begin(): boolean {
    while (this.#at < this.#input.length || this.#carryLength > 0) {
      const first = this.#carryLength > 0 ? (this.#carry[0] as number) : (this.#input[this.#at] as number);
      const isLineEnd = first === 0x0d || first === 0x0a;
      if (this.#carryLength === 0 && isLineEnd) {
        this.#at += 1;
        continue;
      }
      if (!this.#options.isLenient) {
        if (first !== interleavedMagic && !isCapital(first)) throw notRtsp();
        return this.#enter(first === interleavedMagic ? "frame" : "head");
      }
      const verdict = this.#probe();
      if (verdict === "short") {
        this.#keep(this.#input.length - this.#at);
        return false;
      }
      if (verdict !== "none") return this.#enter(verdict);
      this.#skip();
    }
    return false;
  }

  #enter(stage: "frame" | "head"): true {
    this.#stage = stage;
    this.#lineLength = 0;
    // Bytes that were kept for a look have not been searched for line ends: there are none in them.
    if (stage === "head") this.#lineLength = this.#carryLength;
    return true;
  }

  /** Whether a frame or a message begins here. */
  #probe(): "frame" | "head" | "none" | "short" {
    const length = this.#carryLength + this.#input.length - this.#at;
    if (this.#peek(0) === interleavedMagic) {
      if (this.#skippedInRow === 0) return "frame";
      if (length < 2) return "short";
      return this.#options.isChannel?.(this.#peek(1)) === false ? "none" : "frame";
    }
    for (const start of messageStarts) {
      let i = 0;
      while (i < start.length && i < length && this.#peek(i) === start.charCodeAt(i)) i++;
      if (i === start.length) return "head";
      if (i === length) return "short";
    }
    return "none";
  }

  #peek(i: number): number {
    return (i < this.#carryLength ? this.#carry[i] : this.#input[this.#at + i - this.#carryLength]) as number;
  }

  /** Leaves out one byte. */
  #skip(): void {
    if (this.#carryLength > 0) {
      this.#carry.copyWithin(0, 1, this.#carryLength);
      this.#carryLength -= 1;
    } else {
      this.#at += 1;
    }
    this.#skippedInRow += 1;
    this.#skippedBytes += 1;
    if (this.#skippedInRow > limits.maxSkippedBytes) throw notRtsp();
  }

  #readFrame(): InterleavedFrame | undefined {
    if (this.#carryLength === 0) {
      const [input, at] = [this.#input, this.#at];
      const end = frameEnd(input, at);
      if (end <= input.length) {
        this.#at = end;
        const data = input.subarray(at + interleavedHeaderLength, end);
        return { kind: "interleaved", channel: input[at + 1] as number, data };
      }
    }
    if (!this.#fill(interleavedHeaderLength)) return undefined;
    if (!this.#fill(frameEnd(this.#carry, 0))) return undefined;
    const frame = this.#takeCarry();
    return { kind: "interleaved", channel: frame[1] as number, data: frame.subarray(interleavedHeaderLength) };
  }

  #readMessage(): RtspMessage | undefined {
    if (this.#stage === "head") {
      const head = this.#readHead();
      if (head === undefined) return undefined;
      this.#head = head;
      this.#bodyLength = parseContentLength(head.headers);
      if (this.#bodyLength > limits.maxBodyBytes) {
        throw new CodedError(
          ERR_RTSP_BODY_TOO_LONG,
          `expected a body of at most ${limits.maxBodyBytes} bytes, got ${this.#bodyLength}`,
        );
      }
      this.#stage = "body";
    }
    const body = this.#readBody();
    const head = this.#head;
    if (body === undefined || head === undefined) return undefined;
    this.#head = undefined;
    return { ...head, body };
  }

  /** The head whose error this is, as far as it could be read: for the answer's CSeq. */
  get failedHead(): RtspHead | undefined {
    return this.#head;
  }

  #readHead(): RtspHead | undefined {
    const input = this.#input;
    let lineLength = this.#lineLength;
    for (let at = this.#at; at < input.length; at++) {
      const byte = input[at];
      if (byte === 0x0d) continue;
      if (byte !== 0x0a) {
        lineLength += 1;
      } else if (lineLength > 0) {
        lineLength = 0;
      } else {
        return this.#parseHead(at + 1);
      }
    }
    this.#lineLength = lineLength;
    this.#keep(input.length - this.#at);
    if (this.#carryLength > limits.maxHeadBytes) throw headTooLong();
    return undefined;
  }

  #parseHead(end: number): RtspHead {
    const length = this.#carryLength + end - this.#at;
    if (length > limits.maxHeadBytes) throw headTooLong();
    let bytes = this.#input.subarray(this.#at, end);
    if (this.#carryLength > 0) {
      this.#keep(bytes.length);
      bytes = this.#takeCarry();
    } else {
      this.#at = end;
    }
    return parseHead(decoder.decode(bytes), this.#options.isLenient);
  }

  #readBody(): Uint8Array | undefined {
    const length = this.#bodyLength;
    if (length === 0) return noBytes;
    if (this.#carryLength === 0 && this.#input.length - this.#at >= length) {
      const body = this.#input.slice(this.#at, this.#at + length);
      this.#at += length;
      return body;
    }
    return this.#fill(length) ? this.#takeCarry() : undefined;
  }

  /** Moves input to the carry until it holds `length` bytes; false when the input ends before. */
  #fill(length: number): boolean {
    if (this.#carryLength < length) this.#keep(Math.min(length - this.#carryLength, this.#input.length - this.#at));
    return this.#carryLength >= length;
  }

  #keep(count: number): void {
    const length = this.#carryLength + count;
    if (length > this.#carry.length) {
      const bigger = new Uint8Array(Math.max(length, this.#carry.length * 2, initialCarryBytes));
      bigger.set(this.#carry.subarray(0, this.#carryLength));
      this.#carry = bigger;
    }
    this.#carry.set(this.#input.subarray(this.#at, this.#at + count), this.#carryLength);
    this.#carryLength = length;
    this.#at += count;
  }

  /** Hands the carry's memory on. */
  #takeCarry(): Uint8Array {
    const taken = this.#carry.subarray(0, this.#carryLength);
    this.#carry = noBytes;
    this.#carryLength = 0;
    return taken;
  }

  #release(): undefined {
    this.#input = noBytes;
    this.#at = 0;
    return undefined;
  }
}

/** Where the frame at `at` ends; beyond the bytes when its header is not all there. */
function frameEnd(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < interleavedHeaderLength) return Number.POSITIVE_INFINITY;
  return at + interleavedHeaderLength + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function notRtsp(): CodedError {
  return new CodedError(ERR_RTSP_MESSAGE, "expected an RTSP message or an interleaved frame, got other bytes");
}

function headTooLong(): CodedError {
  return new CodedError(ERR_RTSP_TOO_LONG, `expected start line and headers in ${limits.maxHeadBytes} bytes`);
}

const noBytes = new Uint8Array(0);
const decoder = new TextDecoder();

/** An ordinary packet; most cuts are within one. */
const initialCarryBytes = 2_048;

/** What a server says first: an answer, or one of the requests that it may make of a client. */
const messageStarts = [
  "RTSP/",
  "OPTIONS ",
  "GET_PARAMETER ",
  "SET_PARAMETER ",
  "ANNOUNCE ",
  "REDIRECT ",
  "TEARDOWN ",
  "PLAY_NOTIFY ",
];

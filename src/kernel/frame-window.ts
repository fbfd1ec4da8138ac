/**
 * The newest frames of a stream: the current GOP and a little slack behind it. Subscribers hold sequence numbers.
 *
 * It is a table of numbers beside pieces of memory with the frames' bytes, not a list of frames: thousands of publishers keep
 * hundreds of frames each, and most of them nobody ever asks for. A frame becomes an object when somebody does.
 *
 * It serves what egress logs can't: in-process subscribers, `replay()`, and the first subscriber of a wire format, whose log
 * is made from it.
 */

import type { Frame, Track, TrackFormat } from "./frame.ts";
import { type FramePiece, FramePieces } from "./frame-pieces.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export interface FrameWindowLimits {
  readonly maxBytes: number;
  readonly maxFrames: number;
  readonly slackBytes: number;
  readonly slackFrames: number;
}

export class FrameWindow {
  readonly #limits: FrameWindowLimits;
  readonly #budget: MemoryBudget;
  readonly #pieces: FramePieces;
  /** A ring, which grows by doubling: {@link columns} of each frame. */
  #numbers = new Float64Array(initialFrames * columnCount);
  #capacity = initialFrames;
  /** The tracks and formats that frames have, by their number: a few, and the list begins anew when it is long. */
  #origins: Origin[] = [];
  /** Where the bytes are, oldest first; the last one takes the next frame's, while they fit. Pieces are numbered from the first ever. */
  readonly #held: FramePiece[] = [];
  #firstPiece = 0;
  /** A ring as well, of what somebody has asked for. */
  #frames: (Frame | undefined)[] | undefined;
  #first = 0;
  #next = 0;
  #byteLength = 0;
  /** Bytes of the frames before the newest random access point; all of them when there is none. */
  #slackByteLength = 0;
  /** Sequence numbers of the random access points in the window, oldest first. */
  readonly #randomAccess: number[] = [];

  constructor(limits: FrameWindowLimits, budget: MemoryBudget, pieces: FramePieces = new FramePieces()) {
    this.#limits = limits;
    this.#budget = budget;
    this.#pieces = pieces;
  }

  /** The oldest frame's sequence number. */
  get firstSequence(): number {
    return this.#first;
  }

  /** The number the next frame gets. */
  get nextSequence(): number {
    return this.#next;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get frameCount(): number {
    return this.#next - this.#first;
  }

  /** Sequence number of the newest frame at which a subscriber may start, or -1. */
  get newestRandomAccess(): number {
    return this.#randomAccess.at(-1) ?? -1;
  }

  /** Likewise the oldest one still here, or -1. */
  get oldestRandomAccess(): number {
    return this.#randomAccess[0] ?? -1;
  }

  /** The first one at or behind `sequence`, or -1. */
  randomAccessFrom(sequence: number): number {
    return this.#randomAccess.find((candidate) => candidate >= sequence) ?? -1;
  }

  /** The frame, or undefined when it is gone or not there yet. Whoever has it may keep it. */
  get(sequence: number): Frame | undefined {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    const at = sequence % this.#capacity;
    this.#frames ??= new Array(this.#capacity);
    this.#frames[at] ??= this.#frameAt(at);
    return this.#frames[at];
  }

  /** Appends a copy, and lets go of what is beyond the current GOP, the slack and the limits. */
  push(frame: Frame, isRandomAccess: boolean): void {
    const { length } = frame.data;
    // When the memory is used up, the window keeps what it can: the newest frame always.
    while (!this.#budget.hasRoom(length) && this.frameCount > 0) this.#dropFirst();
    if (this.frameCount === this.#capacity) this.#grow();
    this.#write((this.#next % this.#capacity) * columnCount, frame, this.#pieceFor(length));
    if (isRandomAccess) {
      this.#randomAccess.push(this.#next);
      this.#slackByteLength = this.#byteLength;
    }
    this.#next++;
    this.#byteLength += length;
    if (this.#randomAccess.length === 0) this.#slackByteLength = this.#byteLength;
    this.#budget.reserve(length);
    this.#trim();
  }

  clear(): void {
    while (this.frameCount > 0) this.#dropFirst();
    this.#releasePieces(0);
  }

  #trim(): void {
    const { maxBytes, maxFrames, slackBytes, slackFrames } = this.#limits;
    while (this.frameCount > 1) {
      const isTooMuch = this.#byteLength > maxBytes || this.frameCount > maxFrames;
      const gopStart = this.#randomAccess.at(-1) ?? this.#next;
      const isBeyondSlack = gopStart - this.#first > slackFrames || this.#slackByteLength > slackBytes;
      if (!isTooMuch && !isBeyondSlack) return;
      this.#dropFirst();
    }
  }

  #dropFirst(): void {
    const at = this.#first % this.#capacity;
    const row = at * columnCount;
    const length = this.#numbers[row + columns.length] as number;
    this.#pieceAt(row).frameCount--;
    this.#releasePieces(1);
    if (this.#frames !== undefined) this.#frames[at] = undefined;
    const isNewestRandomAccess = this.newestRandomAccess === this.#first;
    if (this.#randomAccess[0] === this.#first) this.#randomAccess.shift();
    this.#first++;
    this.#byteLength -= length;
    this.#slackByteLength = isNewestRandomAccess ? this.#byteLength : this.#slackByteLength - length;
    this.#budget.release(length);
  }

  #write(row: number, { track, format, ptsTicks, dtsTicks, isKey, data }: Frame, piece: FramePiece): void {
    const numbers = this.#numbers;
    numbers[row + columns.ptsTicks] = ptsTicks;
    numbers[row + columns.dtsTicks] = dtsTicks;
    numbers[row + columns.isKey] = isKey ? 1 : 0;
    numbers[row + columns.origin] = this.#originOf(track, format);
    numbers[row + columns.piece] = this.#firstPiece + this.#held.length - 1;
    numbers[row + columns.offset] = piece.usedBytes;
    numbers[row + columns.length] = data.length;
    piece.bytes.set(data, piece.usedBytes);
    piece.usedBytes += data.length;
    piece.frameCount++;
  }

  /** A frame of this window for somebody else. */
  #frameAt(at: number): Frame {
    const row = at * columnCount;
    const piece = this.#pieceAt(row);
    piece.isLent = true;
    const number = (column: keyof typeof columns): number => this.#numbers[row + columns[column]] as number;
    const { track, format } = this.#origins[number("origin")] as Origin;
    const offset = number("offset");
    return {
      type: "frame",
      track,
      format,
      ptsTicks: number("ptsTicks"),
      dtsTicks: number("dtsTicks"),
      isKey: number("isKey") === 1,
      data: piece.bytes.subarray(offset, offset + number("length")),
    };
  }

  #pieceAt(row: number): FramePiece {
    return this.#held[(this.#numbers[row + columns.piece] as number) - this.#firstPiece] as FramePiece;
  }

  #pieceFor(length: number): FramePiece {
    const current = this.#held.at(-1);
    if (current !== undefined && current.usedBytes + length <= current.bytes.length) return current;
    const piece = this.#pieces.take(length, this.#byteLength < manyBytes ? "small" : "large");
    this.#held.push(piece);
    return piece;
  }

  /** Gives back the oldest pieces that have no frames any more, but for the last `kept`. */
  #releasePieces(kept: number): void {
    while (this.#held.length > kept && this.#held[0]?.frameCount === 0) {
      this.#pieces.release(this.#held.shift() as FramePiece);
      this.#firstPiece++;
    }
  }

  #originOf(track: Track, format: TrackFormat): number {
    const origins = this.#origins;
    for (let i = origins.length - 1; i >= 0; i--) {
      if (origins[i]?.track === track && origins[i]?.format === format) return i;
    }
    if (origins.length >= maxOrigins) this.#renumberOrigins();
    return this.#origins.push({ track, format }) - 1;
  }

  /** A publisher that changes its configuration with every key frame: those that are gone are let go of. */
  #renumberOrigins(): void {
    const old = this.#origins;
    this.#origins = [];
    for (let sequence = this.#first; sequence < this.#next; sequence++) {
      const at = (sequence % this.#capacity) * columnCount + columns.origin;
      const origin = old[this.#numbers[at] as number] as Origin;
      const known = this.#origins.indexOf(origin);
      this.#numbers[at] = known >= 0 ? known : this.#origins.push(origin) - 1;
    }
  }

  #grow(): void {
    const capacity = 2 * this.#capacity;
    const numbers = new Float64Array(capacity * columnCount);
    const frames = this.#frames && new Array<Frame | undefined>(capacity);
    for (let sequence = this.#first; sequence < this.#next; sequence++) {
      const from = sequence % this.#capacity;
      const to = sequence % capacity;
      numbers.set(this.#numbers.subarray(from * columnCount, (from + 1) * columnCount), to * columnCount);
      if (frames !== undefined) frames[to] = this.#frames?.[from];
    }
    this.#numbers = numbers;
    this.#frames = frames;
    this.#capacity = capacity;
  }
}

/** What many frames have in common. */
interface Origin {
  readonly track: Track;
  readonly format: TrackFormat;
}

const initialFrames = 64;
/** From here on a window takes large pieces. */
const manyBytes = 1_048_576;
/** More than a stream has tracks; only then is it asked which formats are still in use. */
const maxOrigins = 32;

/** What is kept of a frame as numbers: its time, its origin, and where its bytes are. */
const columns = { ptsTicks: 0, dtsTicks: 1, isKey: 2, origin: 3, piece: 4, offset: 5, length: 6 } as const;
const columnCount = 7;

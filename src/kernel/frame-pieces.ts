/**
 * Memory that the frames of windows are kept in, many to a piece. A piece is used again when its frames have left their window, so
 * that a publisher leaves nothing behind for the garbage collector: collecting what publishers bring cost as much as reading it.
 *
 * A piece that somebody else has seen a frame of is not used again: that frame's bytes are theirs for as long as they want.
 */

import { maxFreePieceBytes } from "./limits.ts";

/** Frames of one window, one behind the other. */
export class FramePiece {
  readonly bytes: Uint8Array;
  usedBytes = 0;
  /** Those that are still in the window. */
  frameCount = 0;
  /** Whether one of them was given to somebody. */
  isLent = false;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }
}

/** The pieces that no window uses at the moment. One for each engine. */
export class FramePieces {
  readonly #free: Record<PieceSize, FramePiece[]> = { small: [], large: [] };
  #freeBytes = 0;

  /** What waits to be used again. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A piece with room for `length` bytes. */
  take(length: number, size: PieceSize): FramePiece {
    if (length > pieceBytes[size]) return new FramePiece(length);
    const piece = this.#free[size].pop();
    if (piece === undefined) return new FramePiece(pieceBytes[size]);
    this.#freeBytes -= piece.bytes.length;
    return piece;
  }

  /** The piece has no frames any more. */
  release(piece: FramePiece): void {
    const { length } = piece.bytes;
    const size = length === pieceBytes.small ? "small" : "large";
    if (piece.isLent || length !== pieceBytes[size] || this.#freeBytes + length > maxFreePieceBytes) return;
    piece.usedBytes = 0;
    this.#free[size].push(piece);
    this.#freeBytes += length;
  }
}

export type PieceSize = keyof typeof pieceBytes;

/** Half a second of 1 Mb/s, and of 4 Mb/s, whose frames of 20 KB would leave much of a small one unused. */
const pieceBytes = { small: 65_536, large: 262_144 } as const;

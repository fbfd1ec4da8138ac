/** Decoded frames compared: what a player showed against what was published. */

import { expect } from "vitest";

export interface SameFramesOptions {
  /** Where in the source the player may have started: the indexes of its key frames. Anywhere when undefined. */
  readonly starts?: readonly number[];
  /** Frames at the end that this peer is known to lose. */
  readonly missingAtEnd?: number;
}

/** `got` is `source` from one of its starts to its end: nothing changed, nothing left out, nothing twice. */
export function expectSameFrames(
  what: string,
  got: readonly string[],
  source: readonly string[],
  options: SameFramesOptions = {},
): void {
  expect(got.length, `${what}: anything at all`).toBeGreaterThan(0);
  const start = source.indexOf(got[0]!);
  expect(start, `${what}: its first frame is one of the source`).toBeGreaterThanOrEqual(0);
  if (options.starts !== undefined) {
    expect(options.starts, `${what}: starts at frame ${start}, which is a key frame`).toContain(start);
  }
  const end = source.length - (options.missingAtEnd ?? 0);
  const expected = source.slice(start, Math.max(end, start + got.length));
  expect(got, `${what}: from frame ${start} on, all of the source`).toEqual(expected);
}

/** Every `gop`-th index below `count`. */
export function keyFrameIndexes(count: number, gop: number): number[] {
  return Array.from({ length: Math.ceil(count / gop) }, (_, index) => index * gop);
}

/** The level of a VP9 stream that does not tell it: VP9 bitstream specification Annex A. */

/** Ten times the lowest level that a picture of this size fits into; frame and bit rate may ask for a higher one. */
export function vp9LevelOfSize(width: number, height: number): number {
  return sizes.find(([, maxPixels]) => width * height <= maxPixels)?.[0] ?? highestLevel;
}

const highestLevel = 62;

/** Level and max luma picture size; of levels with the same size the first. */
const sizes: readonly (readonly [level: number, maxPixels: number])[] = [
  [10, 36_864],
  [11, 73_728],
  [20, 122_880],
  [21, 245_760],
  [30, 552_960],
  [31, 983_040],
  [40, 2_228_224],
  [50, 8_912_896],
  [60, 35_651_584],
];

/** Checks of single values from a bitstream, each with the field's name in its standard. */

import { CodedError } from "../bytes/coded-error.ts";
import { ERR_CODEC_LIMIT } from "./errors.ts";
import { maxPictureSide, maxPlausibleFps } from "./limits.ts";

/** Returns `value`, or throws ERR_CODEC_LIMIT when it is above `limit`. */
export function atMost(value: number, limit: number, field: string): number {
  if (value > limit) throw new CodedError(ERR_CODEC_LIMIT, `${field} is ${value}, expected at most ${limit}`);
  return value;
}

/** Returns `value`, or throws ERR_CODEC_LIMIT when it is outside `least` to `limit`. */
export function within(value: number, least: number, limit: number, field: string): number {
  if (value < least || value > limit) {
    throw new CodedError(ERR_CODEC_LIMIT, `${field} is ${value}, expected ${least} to ${limit}`);
  }
  return value;
}

/** A width or height in pixels that somebody will allocate. */
export function pictureSide(pixels: number, field: string): number {
  return within(pixels, 1, maxPictureSide, field);
}

/** Frames per second from `timeScale / unitsPerFrame`; undefined when the bitstream says nothing or nonsense. */
export function framesPerSecond(timeScale: number, unitsPerFrame: number): number | undefined {
  if (timeScale === 0 || unitsPerFrame === 0) return undefined;
  const fps = timeScale / unitsPerFrame;
  return fps > maxPlausibleFps ? undefined : fps;
}

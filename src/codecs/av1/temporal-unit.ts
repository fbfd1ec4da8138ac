/** What a server asks of an AV1 temporal unit (§7.5) that came as one frame. */

import { obuFrame, obuFrameHeader, obuSequenceHeader, obuTemporalDelimiter, parseObus } from "./obu.ts";

/**
 * True when the first frame of the unit is a shown key frame (§5.9.2). With the sequence header, which is in the track's
 * configuration, a decoder can start there (§7.6.1).
 */
export function isAv1KeyFrame(unit: Uint8Array): boolean {
  let reducedHeader = false;
  for (const { type, payload } of parseObus(unit)) {
    const first = payload[0];
    if (first === undefined) continue;
    if (type === obuSequenceHeader) reducedHeader = (first & reducedStillPictureFlag) !== 0;
    if (type === obuFrame || type === obuFrameHeader) {
      return reducedHeader || beginsAv1KeyFrame(first);
    }
  }
  return false;
}

/** Whether a frame header with this first byte is of a shown key frame, unless the sequence is of still pictures. */
export function beginsAv1KeyFrame(first: number): boolean {
  return (first & shownKeyFrameMask) === shownKeyFrame;
}

/** The unit without the temporal delimiter at its start, as frames are kept: a view, the same one when there is none. */
export function trimTemporalDelimiter(unit: Uint8Array): Uint8Array {
  for (const { type, bytes } of parseObus(unit)) {
    return type === obuTemporalDelimiter ? unit.subarray(bytes.length) : unit;
  }
  return unit;
}

const reducedStillPictureFlag = 0x08; // behind seq_profile (3 bits) and still_picture
const shownKeyFrameMask = 0xf0; // show_existing_frame 1, frame_type 2, show_frame 1
const shownKeyFrame = 0x10; // an existing frame isn't shown, KEY_FRAME is 0, show_frame

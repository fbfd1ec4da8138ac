/**
 * Descriptions that many players were given, each kept once: with its tracks one takes 2.4 KB, more than all else that a player keeps.
 * They are made anew for each DESCRIBE, which costs nothing that lasts, so there is nothing here that could be out of date.
 */

import type { RtspDescription } from "../../bridges/rtsp-egress.ts";

export class SharedDescriptions {
  /** By stream and text, those used last at the end. */
  readonly #known = new Map<string, RtspDescription>();

  /** The one that says the same of this stream, if there is one, else this one. */
  share(stream: string, made: RtspDescription): RtspDescription {
    // The text and the SSRCs say everything of a description but why something is left out.
    const key = [stream, ...made.tracks.map(({ ssrc }) => ssrc), ...made.leftOut, made.sdp].join("\n");
    const shared = this.#known.get(key) ?? made;
    this.#known.delete(key);
    this.#known.set(key, shared);
    if (this.#known.size > maxDescriptions) this.#known.delete(this.#known.keys().next().value as string);
    return shared;
  }
}

/** Streams that are being joined by more than one at a time; some 3 KB each. */
const maxDescriptions = 200;

/**
 * Descriptions that many players ask for, each made and kept once: making one leaves 50 KB of garbage, and with its tracks it takes
 * 1.7 KB, where all else that a player keeps is 2.3.
 */

import {
  describeStream,
  type RtpIdentity,
  type RtspDescription,
  type RtspSelection,
} from "../../bridges/rtsp-egress.ts";
import { equalBytes } from "../../bytes/equal-bytes.ts";
import type { StreamView } from "../../kernel/egress.ts";
import type { Track, TrackKind } from "../../kernel/frame.ts";

export class SharedDescriptions {
  readonly #identityOf: (stream: string, kind: TrackKind, number: number) => RtpIdentity;
  /** By stream and selection, those asked for last at the end. */
  readonly #known = new Map<string, { readonly tracks: readonly Track[]; readonly description: RtspDescription }>();

  constructor(identityOf: (stream: string, kind: TrackKind, number: number) => RtpIdentity) {
    this.#identityOf = identityOf;
  }

  /** The same object for as long as the stream's tracks are the same. Errors: those of {@link describeStream}. */
  describe(view: Pick<StreamView, "name" | "tracks">, selection: RtspSelection): RtspDescription {
    const { key: stream } = view.name;
    const key = `${selection.wantsVideo} ${selection.wantsAudio} ${stream}`;
    let known = this.#known.get(key);
    this.#known.delete(key);
    if (known === undefined || !areSame(known.tracks, view.tracks)) {
      const description = describeStream(view, selection, (kind, number) => this.#identityOf(stream, kind, number));
      // A track's format is that of its newest frame.
      known = { tracks: view.tracks.map(({ kind, number, format }) => ({ kind, number, format })), description };
    }
    this.#known.set(key, known);
    if (this.#known.size > maxDescriptions) this.#known.delete(this.#known.keys().next().value as string);
    return known.description;
  }
}

/** In all that a description is made of. From another thread the same tracks come as other objects. */
function areSame(tracks: readonly Track[], others: readonly Track[]): boolean {
  return tracks.length === others.length && tracks.every((track, i) => isSame(track, others[i] as Track));
}

function isSame(track: Track, other: Track): boolean {
  if (track.kind !== other.kind || track.number !== other.number) return false;
  const [a, b] = [track.format, other.format];
  if (a === b) return true;
  const isSameSound = a.sampleRate === b.sampleRate && a.channels === b.channels;
  return a.codec === b.codec && isSameSound && equalBytes(a.config, b.config);
}

/** Streams that are being joined by more than one at a time; some 3 KB each. */
const maxDescriptions = 200;

/** What was described to a player or announced by a publisher: the address that others hang on, and the tracks' controls. */

import { maxTracks } from "./limits.ts";
import { isSameTarget, isTrackTarget, parseRequestTarget, type RequestTarget } from "./url.ts";

export interface Presentation {
  readonly role: "play" | "record";
  readonly target: RequestTarget;
  /** `a=control` of each track. */
  readonly controls: readonly (string | undefined)[];
}

/** `a=control` of the tracks in descriptions of ours. */
export function trackControl(trackIndex: number): string {
  return `trackID=${trackIndex}`;
}

/** Of the first so many tracks; the same for all sessions. */
export function trackControls(trackCount: number): readonly string[] {
  return controlsByCount[trackCount] ?? controlsOf(trackCount);
}

function controlsOf(trackCount: number): readonly string[] {
  return Array.from({ length: trackCount }, (_, i) => trackControl(i));
}

/** The track that a SETUP is for; -1: none. Who sets up the presentation itself means its only track, or its first. */
export function findTrack({ target: base, controls }: Presentation, target: RequestTarget): number {
  const found = controls.findIndex((control) => control !== undefined && isTrackTarget(target, base, control));
  return found < 0 && controls.length > 0 && isSameTarget(target, base) ? 0 : found;
}

/** What PLAY, PAUSE or RECORD at `url` would be about. */
export function findScope(presentation: Presentation, url: string): "aggregate" | "track" | undefined {
  const target = parseRequestTarget(url);
  if (isSameTarget(target, presentation.target)) return "aggregate";
  const isTrack = presentation.controls.some(
    (control) => control !== undefined && isTrackTarget(target, presentation.target, control),
  );
  return isTrack ? "track" : undefined;
}

/** The presentation that a SETUP without DESCRIBE is about: the address without the track in the form of {@link trackControl}. */
export function presentationTarget({ path, query }: RequestTarget): RequestTarget {
  const track = /(?:^|\/)trackID=[0-9]{1,3}$/;
  return track.test(query) ? { path, query: query.replace(track, "") } : { path: path.replace(track, ""), query };
}

const controlsByCount: readonly (readonly string[])[] = Array.from({ length: maxTracks + 1 }, (_, i) => controlsOf(i));

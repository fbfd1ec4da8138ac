/**
 * The one grammar of stream names, decided once at the edge: authorisation, routing and file names all act on its result.
 *
 * `app/name`, where `name` may have further segments. A segment is one or more of letters, digits, `.`, `_`, `-`, and is
 * neither `.` nor `..`. Nothing is repaired and nothing is unescaped: a spelling that is not canonical is refused, because
 * two spellings of one stream are how access rules are walked around.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { ERR_STREAM_NAME } from "./errors.ts";
import { maxNameLength, maxNameSegmentLength } from "./limits.ts";

/** A checked name. Only {@link parseStreamName} makes one. */
export interface StreamName {
  /** `app/name`, canonical. */
  readonly key: string;
  /** The first segment. */
  readonly app: string;
  /** Everything behind the first slash. */
  readonly name: string;
}

const segmentPattern = /^[A-Za-z0-9._-]+$/;

/** Checks `text` (without leading slash) against the grammar; throws `ERR_STREAM_NAME`. */
export function parseStreamName(text: string): StreamName {
  if (text.length > maxNameLength) throw refused(`has ${text.length} characters, at most ${maxNameLength} are allowed`);
  const segments = text.split("/");
  if (segments.length < 2) throw refused("has no slash: an application and a name are wanted, such as live/cam");
  for (const segment of segments) {
    if (segment === "") throw refused("has an empty segment");
    if (segment === "." || segment === "..") throw refused("has a segment that is . or ..");
    if (segment.length > maxNameSegmentLength) {
      throw refused(`has a segment of ${segment.length} characters, at most ${maxNameSegmentLength} are allowed`);
    }
    if (!segmentPattern.test(segment)) throw refused("has characters other than letters, digits, . _ - and /");
  }
  const app = segments[0] as string;
  return { key: text, app, name: text.slice(app.length + 1) };
}

function refused(why: string): CodedError {
  return new CodedError(ERR_STREAM_NAME, `the stream name ${why}`);
}

/**
 * Session descriptions (SDP, RFC 8866) as RTSP and WebRTC need them. Strict in what is written, and in how much is read;
 * otherwise what can't be read is passed over, because cameras send much that is wrong and that nobody needs. Whoever needs a
 * value finds it undefined, and says so.
 *
 * Every value that is read is a word or a number of known form: no text of a peer comes into an answer by way of this.
 */

import { assert } from "../../bytes/assert.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  type Group,
  type Origin,
  parseGroup,
  parseOrigin,
  writeConnection,
  writeGroup,
  writeOrigin,
} from "./attributes.ts";
import { ERR_SDP_LIMIT, ERR_SDP_SYNTAX } from "./errors.ts";
import { maxMediaSections, maxSdpLength, maxSdpLines } from "./limits.ts";
import {
  type MediaDescription,
  parseMediaDescription,
  plainShared,
  type SdpLine,
  SharedCollector,
  type SharedDescription,
  splitAttribute,
  writeMediaDescription,
  writeShared,
} from "./media-description.ts";

export interface SessionDescription extends SharedDescription {
  /** `plainSession.origin` when it can't be read. */
  readonly origin: Origin;
  /** "-" when there is none. */
  readonly name: string;
  /** Of RTSP: an address of the whole, or "*". */
  readonly control: string | undefined;
  /** a=group: BUNDLE and others. */
  readonly groups: readonly Group<string>[];
  readonly isIceLite: boolean;
  readonly media: readonly MediaDescription[];
}

/** To be spread and filled in: what is not said there is absent. */
export const plainSession: SessionDescription = {
  ...plainShared,
  origin: {
    username: "-",
    sessionId: "0",
    sessionVersion: "0",
    connection: { version: 4, address: "127.0.0.1", ttl: undefined },
  },
  name: "-",
  control: undefined,
  groups: [],
  isIceLite: false,
  media: [],
};

/**
 * Parses a description, or a piece of one as trickle ICE sends it (RFC 8840). Sections inherit what stands before the first.
 * Errors: ERR_SDP_SYNTAX, ERR_SDP_LIMIT.
 */
export function parseSessionDescription(text: string): SessionDescription {
  const lines = splitLines(text);
  const starts = lines.flatMap(([type], index) => (type === "m" ? [index] : []));
  if (starts.length > maxMediaSections) {
    throw new CodedError(
      ERR_SDP_LIMIT,
      `the session description has ${starts.length} media sections, at most ${maxMediaSections} are read`,
    );
  }
  const session = parseSessionLines(lines.slice(0, starts[0]));
  const media = starts.map((start, index) => {
    const [, mediaLine] = lines[start] as SdpLine;
    return parseMediaDescription(mediaLine, lines.slice(start + 1, starts[index + 1]), session);
  });
  return { ...session, media };
}

export function writeSessionDescription(session: SessionDescription): string {
  const lines: SdpLine[] = [
    ["v", "0"],
    ["o", writeOrigin(session.origin)],
    ["s", session.name],
  ];
  if (session.connection !== undefined) lines.push(["c", writeConnection(session.connection)]);
  lines.push(["t", "0 0"]);
  if (session.isIceLite) lines.push(["a", "ice-lite"]);
  for (const group of session.groups) lines.push(["a", `group:${writeGroup(group)}`]);
  if (session.control !== undefined) lines.push(["a", `control:${session.control}`]);
  lines.push(...writeShared(session));
  for (const media of session.media) lines.push(...writeMediaDescription(media));
  let text = "";
  for (const [type, value] of lines) {
    assert(!controlCharacter.test(value), `a value of the session description (${type}=) has a line break in it`);
    text += `${type}=${value}\r\n`;
  }
  return text;
}

function parseSessionLines(lines: readonly SdpLine[]): SessionDescription {
  const shared = new SharedCollector();
  const groups: Group<string>[] = [];
  let origin: Origin | undefined;
  let name: string | undefined;
  let control: string | undefined;
  let isIceLite = false;
  for (const line of lines) {
    const [type, value] = line;
    if (type === "v" && value !== "0") {
      throw new CodedError(ERR_SDP_SYNTAX, `expected version 0 of SDP, ${value.slice(0, 20)} came`);
    }
    if (type === "o") origin ??= parseOrigin(value);
    if (type === "s" && value !== "") name ??= value;
    if (shared.take(line) || type !== "a") continue;
    const attribute = splitAttribute(value);
    if (attribute.name === "control" && attribute.value !== "") control ??= attribute.value;
    if (attribute.name === "ice-lite") isIceLite = true;
    if (attribute.name === "group") {
      const group = parseGroup(attribute.value);
      if (group !== undefined) groups.push(group);
    }
  }
  return {
    ...shared.finish(plainShared),
    origin: origin ?? plainSession.origin,
    name: name ?? plainSession.name,
    control,
    groups,
    isIceLite,
    media: [],
  };
}

/** Empty lines, lines that are none of SDP, and those with control characters are left out. Some cameras end with a NUL. */
function splitLines(text: string): SdpLine[] {
  if (text.length > maxSdpLength) {
    throw new CodedError(
      ERR_SDP_LIMIT,
      `the session description has ${text.length} characters, at most ${maxSdpLength} are read`,
    );
  }
  const lines: SdpLine[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line[1] !== "=" || !/^[a-z]/.test(line) || controlCharacter.test(line)) continue;
    lines.push([line.slice(0, 1), line.slice(2).trim()]);
    if (lines.length > maxSdpLines) {
      throw new CodedError(ERR_SDP_LIMIT, `the session description has more than ${maxSdpLines} lines`);
    }
  }
  if (lines.length === 0) {
    throw new CodedError(ERR_SDP_SYNTAX, "expected a session description (v=0 …), not one line of one came");
  }
  return lines;
}

const controlCharacter = /\p{Cc}/u;

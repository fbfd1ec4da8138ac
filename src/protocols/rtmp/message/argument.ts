/** Typed reading of command arguments: a wrong type is the peer's error, with the argument's name in it. */

import { CodedError } from "../../../bytes/coded-error.ts";
import type { AmfValue } from "../../../formats/amf/amf-value.ts";
import { ERR_RTMP_COMMAND_ARGUMENT } from "../errors.ts";
import { maxNameBytes, maxQueryBytes } from "../limits.ts";
import { splitQuery } from "../url.ts";

/** A string of at most `maxBytes` in UTF-8. `what` names it in the error. Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function requireText(value: AmfValue, what: string, maxBytes: number): string {
  if (typeof value !== "string") {
    throw new CodedError(
      ERR_RTMP_COMMAND_ARGUMENT,
      `expected ${what} as a string, got a value of type ${typeOf(value)}`,
    );
  }
  // No character of a JavaScript string has less than one byte, so long ones need not be encoded to be refused.
  const lengthBytes = value.length > maxBytes ? value.length : utf8.encode(value).length;
  if (lengthBytes > maxBytes) {
    throw new CodedError(
      ERR_RTMP_COMMAND_ARGUMENT,
      `expected ${what} of at most ${maxBytes} bytes, got ${lengthBytes}`,
    );
  }
  return value;
}

/** A path and the query behind its first "?", both bounded. Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function requirePathAndQuery(value: AmfValue, what: string): { path: string; query: string } {
  const { path, query } = splitQuery(requireText(value, what, maxNameBytes + 1 + maxQueryBytes));
  requireText(path, what, maxNameBytes);
  requireText(query, `the query of ${what}`, maxQueryBytes);
  return { path, query };
}

/** A peer's text in a message for people: short, and one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 32 ? `${text.slice(0, 32)}…` : text);
}

function typeOf(value: AmfValue): string {
  return value === null ? "null" : typeof value;
}

const utf8 = new TextEncoder();

/** Lists in header values: items between separators, `name=value` and `name="value"` in them. RFC 2326 §15, RFC 7235 §2.1. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_TOO_LONG } from "../errors.ts";
import { maxParameters } from "../limits.ts";
import { hasControls } from "./headers.ts";

/** Items between `separator`s that stand outside of quotes; trimmed, empty ones left out. Errors: ERR_RTSP_TOO_LONG. */
export function splitList(text: string, separator: "," | ";"): string[] {
  const items: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i <= text.length; i++) {
    const character = text[i];
    if (isQuoted && character === "\\") i++;
    else if (character === '"') isQuoted = !isQuoted;
    if (i < text.length && (isQuoted || character !== separator)) continue;
    const item = text.slice(start, i).trim();
    start = i + 1;
    if (item === "") continue;
    items.push(item);
    if (items.length > maxParameters) {
      throw new CodedError(ERR_RTSP_TOO_LONG, `expected at most ${maxParameters} items in one header`);
    }
  }
  return items;
}

/** Splits `name=value`; the name in lower case, the value without its quotes; undefined when there is no "=". */
export function splitParameter(item: string): { name: string; value: string | undefined } {
  const equals = item.indexOf("=");
  if (equals < 0) return { name: item.toLowerCase(), value: undefined };
  return { name: item.slice(0, equals).trim().toLowerCase(), value: unquote(item.slice(equals + 1).trim()) };
}

/** A quoted string; control characters of foreign text are left out. */
export function quote(text: string): string {
  const plain = hasControls(text) ? Array.from(text, (each) => (hasControls(each) ? "" : each)).join("") : text;
  return `"${plain.replace(/["\\]/g, "\\$&")}"`;
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  const end = value.length > 1 && value.endsWith('"') ? -1 : value.length;
  return value.slice(1, end).replace(/\\(.)/g, "$1");
}

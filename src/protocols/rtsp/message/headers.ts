/**
 * The headers of one message: RFC 2326 §12, RFC 7826 §5.2. Names are case-insensitive, may repeat, and keep their order.
 *
 * A line that is folded, has no colon, or a name that is no token is refused, and so is every control character: what two
 * programs read differently is how one smuggles a header past the other. Cameras are allowed lines without a colon and a space
 * before it (`isLenient`).
 */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_MESSAGE, ERR_RTSP_TOO_LONG } from "../errors.ts";
import { maxHeaders } from "../limits.ts";

/** Name and value, as they are written. */
export type RtspHeader = readonly [name: string, value: string];

export class RtspHeaders {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  constructor(headers: Iterable<RtspHeader> = []) {
    for (const [name, value] of headers) this.add(name, value);
  }

  add(name: string, value: string): void {
    this.#names.push(name.toLowerCase());
    this.#values.push(value);
  }

  /** The first value of `name`, which is in lower case. */
  get(name: string): string | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#values[at];
  }

  getAll(name: string): string[] {
    return this.#values.filter((_, i) => this.#names[i] === name);
  }

  /** In order, names in lower case. */
  *[Symbol.iterator](): Generator<RtspHeader> {
    for (const [i, name] of this.#names.entries()) yield [name, this.#values[i] as string];
  }
}

/** Reads lines up to the end of `text`, which has no empty line. Errors: ERR_RTSP_MESSAGE, ERR_RTSP_TOO_LONG. */
export function parseHeaders(lines: readonly string[], isLenient: boolean): RtspHeaders {
  if (lines.length > maxHeaders) {
    throw new CodedError(ERR_RTSP_TOO_LONG, `expected at most ${maxHeaders} headers, got ${lines.length}`);
  }
  const headers = new RtspHeaders();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = isLenient ? line.slice(0, Math.max(colon, 0)).trim() : line.slice(0, Math.max(colon, 0));
    if (!token.test(name)) {
      if (isLenient) continue;
      throw new CodedError(ERR_RTSP_MESSAGE, `expected "Name: value" on one line, got ${quoted(line)}`);
    }
    const value = line.slice(colon + 1).trim();
    if (control.test(value)) {
      throw new CodedError(ERR_RTSP_MESSAGE, `expected no control character in ${name}, got ${quoted(value)}`);
    }
    headers.add(name, value);
  }
  return headers;
}

/** Foreign text in an error message: short, and without control characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** Whether `text` has a character that would end a line of a message, or worse. A tab is none. */
export function hasControls(text: string): boolean {
  return control.test(text);
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/;

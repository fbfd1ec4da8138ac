/** Session: RFC 2326 §12.37. Only an answer may have a timeout, but Larix sends it back. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_HEADER } from "../errors.ts";
import { quoted } from "./headers.ts";
import { splitList, splitParameter } from "./parameters.ts";

export interface SessionHeader {
  readonly id: string;
  /** Undefined when it is not said, or not as a number of seconds above 0. */
  readonly timeoutSeconds: number | undefined;
}

/** Errors: ERR_RTSP_HEADER. */
export function parseSession(value: string): SessionHeader {
  const [id, parameters] = splitAt(value, value.indexOf(";"));
  if (!/^[\x21-\x7e]{1,256}$/.test(id)) {
    throw new CodedError(ERR_RTSP_HEADER, `expected a session id, got ${quoted(value)}`);
  }
  for (const parameter of splitList(parameters, ";")) {
    const { name, value: text = "" } = splitParameter(parameter);
    if (name === "timeout" && /^[0-9]{1,7}$/.test(text) && Number(text) > 0) {
      return { id, timeoutSeconds: Number(text) };
    }
  }
  return { id, timeoutSeconds: undefined };
}

export function writeSession({ id, timeoutSeconds }: SessionHeader): string {
  return timeoutSeconds === undefined ? id : `${id};timeout=${timeoutSeconds}`;
}

/** What is before and behind `at`; all is before when it is -1. */
function splitAt(text: string, at: number): [string, string] {
  return at < 0 ? [text.trim(), ""] : [text.slice(0, at).trim(), text.slice(at + 1)];
}

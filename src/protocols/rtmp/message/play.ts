/** `play`, RTMP 1.0 §7.2.2.1: stream name, start, duration, reset. */

import type { AmfValue } from "../../../formats/amf/amf-value.ts";
import { requirePathAndQuery } from "./argument.ts";
import type { Command } from "./command.ts";

export interface Play {
  /** As sent, without its query. */
  readonly name: string;
  readonly query: string;
  /** As sent: −2 live or recorded (the default), −1 live only, else a position. Clients differ about the unit (s, ms). */
  readonly start: number;
  /** As sent, −1 (the default): until the end. */
  readonly duration: number;
  /** Whether a playlist is to be flushed. */
  readonly reset: boolean;
}

/** Only the name is judged: what clients put into the others differs too much. Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function parsePlay(command: Command): Play {
  const [name, start, duration, reset] = command.arguments;
  const { path, query } = requirePathAndQuery(name, "the stream name of play");
  return {
    name: path,
    query,
    start: finiteOr(start, -2),
    duration: finiteOr(duration, -1),
    reset: reset !== false && reset !== 0,
  };
}

function finiteOr(value: AmfValue, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

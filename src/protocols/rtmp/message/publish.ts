/** `publish`, RTMP 1.0 §7.2.2.6: stream name, publishing type. */

import { requirePathAndQuery, requireText } from "./argument.ts";
import type { Command } from "./command.ts";

export interface Publish {
  /** As sent, without its query. */
  readonly name: string;
  readonly query: string;
  /** In lower case; "live" when it is missing. Others (record, append) exist. */
  readonly kind: string;
}

/** Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function parsePublish(command: Command): Publish {
  const [name, kind] = command.arguments;
  const { path, query } = requirePathAndQuery(name, "the stream name of publish");
  return { name: path, query, kind: requireText(kind ?? "live", "the type of publish", maxKindBytes).toLowerCase() };
}

const maxKindBytes = 16; // "append" has 6

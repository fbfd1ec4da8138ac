/** What the layers of a configuration have in common: each adds assignments to what lies below it. */

import { nearestName } from "./nearest-name.ts";
import type { Origin } from "./origin.ts";
import { type ProblemList, quoted } from "./problem.ts";
import { options } from "./schema.ts";

/** One layer says what an option shall be. The value is unchecked. */
export interface Assignment {
  readonly key: string;
  readonly raw: unknown;
  readonly origin: Origin;
}

/**
 * The first bytes of a file, at most `maxBytes` + 1 of them (one more shows that it is too large); undefined when there is no
 * such file. Throws what the system says when the file is there and cannot be read.
 */
export type ReadFile = (path: string, maxBytes: number) => Uint8Array | undefined;

/** `"rtmp.prot" is not an option; did you mean rtmp.port?` */
export function unknownOption(key: string, problems: ProblemList): string {
  if (isStreamsKey(key)) return inFileOnly;
  const suggestion = problems.isFull ? undefined : suggestedOption(key);
  return `${quoted(key)} is not an option${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`;
}

/** The option somebody who wrote `key` had in mind: a slip of the finger, or the right name in the wrong section. */
export function suggestedOption(key: string): string | undefined {
  const near = nearestName(key, options.keys());
  if (near !== undefined) return near;
  const name = key.slice(key.lastIndexOf(".") + 1);
  return [...options.keys()].find((candidate) => candidate.endsWith(`.${name}`));
}

/** Whether somebody who wrote `key` had the entries of single streams in mind. */
export function isStreamsKey(key: string): boolean {
  return key === "streams" || key.startsWith("streams.");
}

export const inFileOnly = "[[streams]] entries stand in the file: a list of tables has no form as a text";

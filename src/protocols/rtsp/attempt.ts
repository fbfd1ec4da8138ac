/** What a peer may get wrong without harm: the value of `parse`, or undefined when it throws a CodedError. */

import { CodedError } from "../../bytes/coded-error.ts";

export function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return undefined;
  }
}

/** What the other side of a mistake of ours is told: that there was one. The log has the rest. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_INTERNAL } from "../errors.ts";

export function internalFailure(): CodedError {
  return new CodedError(ERR_INTERNAL, "a mistake of ours ended the connection");
}

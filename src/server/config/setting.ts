/** One option as it is set, for people. */

import type { RawValue } from "./option.ts";
import type { Origin } from "./origin.ts";

/** One option's effective value, as one would write it in the file, and who set it. */
export interface Setting {
  readonly key: string;
  readonly raw: RawValue;
  readonly origin: Origin;
  readonly isSecret: boolean;
}

/** The clocks of this process. */

import type { Clock } from "../kernel/services.ts";

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

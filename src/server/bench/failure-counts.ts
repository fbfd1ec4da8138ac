/** What went wrong, by code: how often, and the first one's sentence. */

import { maxFailureReasons } from "./limits.ts";

export interface FailureReason {
  /** An error code, or the system's name of an error. */
  readonly code: string;
  readonly count: number;
  /** Of the first one. */
  readonly message: string;
}

export class FailureCounts {
  readonly #reasons = new Map<string, { count: number; readonly message: string }>();

  get total(): number {
    let total = 0;
    for (const { count } of this.#reasons.values()) total += count;
    return total;
  }

  get reasons(): readonly FailureReason[] {
    return Array.from(this.#reasons, ([code, { count, message }]) => ({ code, count, message }));
  }

  add(code: string, message: string): void {
    const key = this.#reasons.has(code) || this.#reasons.size < maxFailureReasons ? code : "others";
    const known = this.#reasons.get(key);
    if (known === undefined) this.#reasons.set(key, { count: 1, message });
    else known.count++;
  }

  count(code: string): number {
    return this.#reasons.get(code)?.count ?? 0;
  }
}

/** What writer and readers of the log stress test agree on: an entry is length u32 | number u32 | checksum u32 | payload. */

export const stressHeaderBytes = 12;

/** Memory that a reader is to go on with: of a new log, or of the same one after it has grown. */
export type StressMessage =
  | {
      readonly type: "log" | "growth";
      readonly shared: SharedArrayBuffer;
      readonly capacity: number;
      readonly entryCapacity: number;
    }
  | { readonly type: "end" };

export interface StressReport {
  entryCount: number;
  /** Entries that were said to be intact and were not. */
  corruptCount: number;
  misorderedCount: number;
  lapCount: number;
  growthCount: number;
  logCount: number;
}

/** FNV-1a. */
export function checksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0x811c9dc5;
  for (let i = start; i < end; i++) sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
  return sum >>> 0;
}

/** Marsaglia's xorshift, 32 bits: the same numbers for the same seed. Each call gives one in [0, 2^32). */
export function seededNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

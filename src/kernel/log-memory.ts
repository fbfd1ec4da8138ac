/** One egress log's shared memory, as views: what its writer and its readers on any thread see. */

import { entryRecordBytes, logHeaderBytes } from "./log-layout.ts";

/** The views that reader and writer have of one log's memory. */
export interface LogMemory {
  readonly shared: SharedArrayBuffer;
  readonly words: BigInt64Array;
  /** Positions and times of the entries, two a record of three 64-bit slots. */
  readonly entryNumbers: Float64Array;
  /** Lengths and flags of the entries, at index 4 and 5 of a record's six 32-bit slots. */
  readonly entryWords: Uint32Array;
  readonly ring: Uint8Array;
  readonly capacity: number;
  readonly entryCapacity: number;
}

/** Lays the views over a log's memory; also what another thread does with the buffer it was sent. */
export function openLogMemory(shared: SharedArrayBuffer, capacity: number, entryCapacity: number): LogMemory {
  const entryBytes = entryCapacity * entryRecordBytes;
  return {
    shared,
    words: new BigInt64Array(shared, 0, logHeaderBytes / 8),
    entryNumbers: new Float64Array(shared, logHeaderBytes, entryBytes / 8),
    entryWords: new Uint32Array(shared, logHeaderBytes, entryBytes / 4),
    ring: new Uint8Array(shared, logHeaderBytes + entryBytes, capacity),
    capacity,
    entryCapacity,
  };
}

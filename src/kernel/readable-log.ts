/** An egress log as a fan-out sees it, whichever thread writes it. */

import type { LogMemory } from "./log-memory.ts";

export interface ReadableLog {
  /** The memory of now; another one after each growth. */
  readonly memory: LogMemory;
  /** The position behind the newest whole entry, as this thread sees it. */
  readonly tail: number;
  /** Whether its writer runs on another thread: then it may write at any moment, not only between two turns. */
  readonly isForeign: boolean;
  /** Another number when another log has taken this one's place: positions of before mean nothing, cursors start over. */
  readonly generation: number;
  /** No entry will follow. */
  readonly isClosed: boolean;
  /** Calls `ring` once after each frame, or once for several of another thread's, until the returned function is called. */
  addDoorbell(ring: () => void): () => void;
}

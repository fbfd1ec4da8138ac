/** A cursor on an egress log, as whoever opened it sees it: of a connection, or of datagrams. */

import type { LagLimits } from "../kernel/cursor-table.ts";

export interface PlayOptions {
  /** Wait for the next random access point instead of starting at the newest one. */
  readonly isLive: boolean;
  readonly lagLimits: LagLimits;
}

/** Whose play it is. An object and not three functions: there are thousands of them. */
export interface PlayHandler {
  /** Called once, with nothing of the log in flight, when all entries of a finished play have left. */
  handlePlayed(): void;
  handleLag(skippedBytes: number): void;
  /**
   * The cursor lagged too often or stalled, and the play is over. A connection is closed right after; the peers of datagrams stay,
   * for a last word.
   */
  handleEvicted(): void;
}

/** A cursor on an egress log. */
export interface Play {
  /** The log has ended: send what is left, then call {@link PlayHandler.handlePlayed}. */
  finish(): void;
  /** Takes no more entries. What a connection has begun is finished. */
  stop(): void;
  readonly isPaused: boolean;
  /** Takes no entries until resumed; resuming goes on at the newest random access point. */
  pause(isPaused: boolean): void;
}

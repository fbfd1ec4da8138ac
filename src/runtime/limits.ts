/** What both transports keep to. */

/** Cursors of one transport: more than the descriptors of one process; 56 bytes each. */
export const maxCursors = 32_768;

/** How often stalled cursors and connections are looked for. */
export const sweepIntervalMs = 1_000;

/**
 * Connections that wait to be accepted: a herd that comes back while a flush or a collection goes on. As many as Linux allows by
 * default; who finds the queue full tries again after a second, and then after two more.
 */
export const acceptBacklog = 4_096;

/** Control bytes beyond the play's: a peer that has 2 MiB unread asks for things and never reads the answers. */
export const maxQueuedBytes = 2_097_152;

/** The share of a ring that may wait for the next flush: far from the guard, and rare in ordinary streams. */
export const maxUnflushedFraction = 0.25;

/**
 * How long sending may keep everything else waiting: with 20,000 players a flush takes 200 ms, and a player that joins needs two or
 * three turns of the event loop.
 */
export const maxFlushTurnMs = 4;
/** Cursors between two looks at the clock: about 2 ms. */
export const cursorsPerFlush = 256;

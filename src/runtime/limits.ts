/** What both transports keep to. */

/** Cursors of one transport: more than the descriptors of one process; 56 bytes each. */
export const maxCursors = 32_768;

/** How often stalled cursors and connections are looked for. */
export const sweepIntervalMs = 1_000;

/** Connections that wait to be accepted: a thousand encoders that come back at once. */
export const acceptBacklog = 1_024;

/** Control bytes beyond the play's: a peer that has 2 MiB unread asks for things and never reads the answers. */
export const maxQueuedBytes = 2_097_152;

/** The share of a ring that may wait for the next flush: far from the guard, and rare in ordinary streams. */
export const maxUnflushedFraction = 0.25;

/**
 * How long sending may keep everything else waiting: with 20,000 players a flush takes 200 ms, and a player that joins needs three
 * turns of the event loop.
 */
export const maxFlushTurnMs = 20;
/** Cursors between two looks at the clock: about 2 ms. */
export const cursorsPerFlush = 256;

/**
 * How long what comes may wait in its socket: a publisher of 25 Mb/s sends 156 KB meanwhile, which the kernel's receive buffer
 * (128 KiB at first, growing to megabytes as it is read) holds.
 */
export const maxReadIntervalMs = 50;

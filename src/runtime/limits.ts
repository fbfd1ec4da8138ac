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

/** Cursors of one transport that send datagrams: no descriptor bounds them. 56 bytes and some routes each. */
export const maxDatagramPlays = 16_384;

/** Peers of one socket: a player over UDP is one of them on each of its sockets. */
export const maxDatagramPeers = 16_384;

/**
 * What one cursor of packets sends at a time. More than this goes some milliseconds later, so that a key frame fits what lies on
 * the way: a switch has some hundred kilobytes for a port, a receiver's buffer is 208 KiB where nobody asked for more.
 */
export const packetTurnBytes = 65_536;
/** Between two turns of one cursor. With the bytes of a turn: 262 Mb/s for one player, while others have their turn. */
export const packetTurnMs = 2;

/** Asked for in both directions: what 1,000 players of 2 Mb/s get in 16 ms, and as much as Debian's default lets anybody have. */
export const wantedDatagramBufferBytes = 4_194_304;
/** What may wait in the process when the system's buffer is full; packets beyond it are dropped, as a network does. */
export const maxQueuedDatagramBytes = 4_194_304;

/**
 * Where the addon receives one datagram, or what the kernel has put together of several: 64 KiB, and a little so that the slots
 * don't all fall into the same places of a cache.
 */
export const datagramSlotBytes = 66_560;
/** How many of them come in one turn. Untouched memory costs nothing: most touch one page. */
export const datagramSlots = 64;

/**
 * How long what comes may wait in its socket: a publisher of 25 Mb/s sends 156 KB meanwhile, which the kernel's receive buffer
 * (128 KiB at first, growing to megabytes as it is read) holds.
 */
export const maxReadIntervalMs = 50;

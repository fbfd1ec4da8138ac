/**
 * The layout of an egress log in shared memory, declared once. All of it is written by the stream's shard and read by any.
 *
 * ```
 * header  64-bit words, see logWords          one writer: the log's packetizer
 * entries `entryCapacity` records, 24 bytes    position f64 | timeMs f64 | length u32 | flags u32
 * ring    `capacity` bytes, a power of two     the bytes that go on the wire, byte `p` of the log at `p & (capacity - 1)`
 * ```
 *
 * Positions are bytes since the log began and only grow; they stay below 2^53, so JavaScript holds them as numbers and
 * both languages as 64 bits. A record of entry number `n` is at `n % entryCapacity`.
 */

/** Indexes of the 64-bit header words. */
export const logWords = {
  /** Bytes up to here may be being overwritten one capacity below. Stored before the bytes are. */
  tailIntent: 0,
  /**
   * Entries up to here are whole; stored after their bytes are. The tail that readers go by: the last entry's position and
   * length say where its bytes end. (A word for that position could not be read together with this one.)
   */
  entryTail: 1,
  /** The newest random access point: its entry number, or -1. */
  newestRandomAccessEntry: 2,
  /** 1 when a ring twice the size has taken over; this one is never written again. */
  superseded: 3,
  /** The first byte and the first entry that this memory ever held: growing leaves behind what was lapped already. */
  floor: 4,
  floorEntry: 5,
} as const;

export const logHeaderBytes = 64;
export const entryRecordBytes = 24;

/** Where the fields of an entry's record are, in bytes. */
export const entryRecord = { position: 0, timeMs: 8, length: 16, flags: 20 } as const;

/** Flags of an entry. */
export const entryFlags = {
  /** A key frame of the video track a player gets by default, or any frame of a stream without video. */
  key: 1,
  /** A decoder configuration or other description; players that go along get it in its place. */
  config: 2,
  /**
   * Only for cursors that start here: what a player must know before the frames that follow. A cursor that comes from
   * before skips it. So a random access point is whole in itself, and joining and jumping are one and the same.
   */
  preamble: 4,
  /** The last entry of a frame: a good place to stop gathering. */
  endOfFrame: 8,
} as const;

/** Bytes of shared memory for a ring of `capacity` bytes and `entryCapacity` records. */
export function logMemoryBytes(capacity: number, entryCapacity: number): number {
  return logHeaderBytes + entryCapacity * entryRecordBytes + capacity;
}

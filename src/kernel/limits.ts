/** What a stream, its logs and its subscribers may grow to. Each number has its reason; those an operator may change are options. */

export interface EngineLimits {
  /** Streams that have a publisher. 1,000 publishers of 2 Mb/s are more than two cores take in. */
  readonly maxPublishers: number;
  /** Streams in all, idle ones included. */
  readonly maxStreams: number;
  /** First segments of stream names: each may have settings of its own one day, so foreign names must not make many. */
  readonly maxApplications: number;
  /** Tracks of one stream: Enhanced RTMP ladders have up to 6 renditions and a few audio languages. */
  readonly maxTracksPerStream: number;
  /** Bytes of frames that one stream keeps for instant start: a 4K GOP of 10 s at 40 Mb/s is 50 MB. */
  readonly maxWindowBytes: number;
  /** Frames of one stream's window: 60 fps and 50 audio frames for 30 s. */
  readonly maxWindowFrames: number;
  /** The largest ring of one egress log. */
  readonly maxRingBytes: number;
  /** All rings and windows of the process together. */
  readonly memoryBytes: number;
}

export const defaultLimits: EngineLimits = {
  maxPublishers: 1_000,
  maxStreams: 1_000,
  maxApplications: 100,
  maxTracksPerStream: 16,
  maxWindowBytes: 64 * 1024 * 1024,
  maxWindowFrames: 4_096,
  maxRingBytes: 64 * 1024 * 1024,
  memoryBytes: 4 * 1024 * 1024 * 1024,
};

/** A ring starts with this much: a second of 0.5 Mb/s. It doubles as the GOP needs it. */
export const initialRingBytes = 65_536;

/** Entries a new log can index: two seconds of 25 fps video and 44.1 kHz AAC are 136. */
export const initialRingEntries = 256;

/**
 * A ring holds the current GOP, and as much again: so that a player which stands still for as long as a GOP lasts goes on where
 * it was, instead of losing its place.
 */
export const ringGops = 2;

/** The share of a ring that readers keep clear of the writer: positions closer than this to being overwritten count as lapped. */
export const guardFraction = 0.125;

/** Frames the window keeps beyond the current GOP, so that an iterator that is a little behind survives a key frame. */
export const windowSlackFrames = 256;

/** Bytes of that slack: half a megabyte a stream is what an idle stream may cost beside its GOP. */
export const windowSlackBytes = 393_216;

/** Memory that waits for the next frames of whatever stream: what 250 streams of 1 Mb/s let go of with a GOP. */
export const maxFreePieceBytes = 67_108_864;

/** Metadata fields a publisher may set; OBS sends 20. */
export const maxMetadataFields = 64;

/** Length of one metadata key or text; an encoder's name and version fit ten times. */
export const maxMetadataText = 512;

/** Bytes of one segment of a stream name, and of the whole name: file systems stop at 255 a segment. */
export const maxNameSegmentLength = 128;
export const maxNameLength = 256;

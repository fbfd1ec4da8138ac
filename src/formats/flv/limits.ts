/** What a peer or a file may make us hold or walk through while FLV is read. */

/** The length of a tag's body has 24 bits; the longest it can declare is the longest we take. */
export const maxFlvTagBytes = 0xff_ffff;

/** DataOffset is 9 in every file seen; the specification lets it grow in later versions. */
export const maxFlvHeaderBytes = 1024;

/** Tracks in one multitrack tag: OBS sends up to 6 pictures or 6 sounds, and each as a tag of its own. */
export const maxTracksPerTag = 16;

/** ModEx blocks before one packet: one kind is defined, and a packet needs it once. */
export const maxModExPerTag = 8;

/** The greatest nanosecond offset; a whole millisecond belongs to the timestamp (E-RTMP v2, TimestampOffsetNano). */
export const maxNanosecondOffset = 999_999;

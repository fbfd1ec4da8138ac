/** Every way in which FLV data is refused. A read past the end is `ERR_TRUNCATED`, as everywhere. */

/** Not an FLV file: another signature, another version, or a header of an impossible length. */
export const ERR_FLV_HEADER = "ERR_FLV_HEADER";

/** A tag longer than the reader was told to take. */
export const ERR_FLV_TAG_TOO_LONG = "ERR_FLV_TAG_TOO_LONG";

/** An encrypted tag (its filter bit is set); there is no key for it. */
export const ERR_FLV_ENCRYPTED = "ERR_FLV_ENCRYPTED";

/** A codec that this server does not carry. The message names it. */
export const ERR_FLV_CODEC = "ERR_FLV_CODEC";

/** A packet type that the specification does not define, or not at this place. */
export const ERR_FLV_PACKET_TYPE = "ERR_FLV_PACKET_TYPE";

/** A ModEx block that is too short, out of range, or one of too many. */
export const ERR_FLV_MODEX = "ERR_FLV_MODEX";

/** A multitrack form that the specification does not define, or too many tracks in one tag. */
export const ERR_FLV_MULTITRACK = "ERR_FLV_MULTITRACK";

/** Script data that does not begin with a name. */
export const ERR_FLV_SCRIPT = "ERR_FLV_SCRIPT";

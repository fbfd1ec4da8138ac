/** The runtime's error codes. */

/** The native addon is missing or does not fit; the portable transport does the work. */
export const ERR_ADDON_UNAVAILABLE = "ERR_ADDON_UNAVAILABLE";
/** An address can't be listened on. */
export const ERR_LISTEN = "ERR_LISTEN";
/** Another thread of this server has too much to do to take a request. */
export const ERR_SHARD_BUSY = "ERR_SHARD_BUSY";
/** Another thread of this server has ended. */
export const ERR_SHARD_GONE = "ERR_SHARD_GONE";

/** The runtime's error codes. */

/** The native addon is missing or does not fit; the portable transport does the work. */
export const ERR_ADDON_UNAVAILABLE = "ERR_ADDON_UNAVAILABLE";
/** An address can't be listened on. */
export const ERR_LISTEN = "ERR_LISTEN";

/** What can be wrong with RTCP. */

/** A packet, or a part of a compound, that is not as its type says: a version, a length, a count. */
export const ERR_RTCP_PACKET = "ERR_RTCP_PACKET";

/** What can be wrong with a session description. What of it is only unreadable, and not needed, is passed over. */

/** Not a session description: no line of one, another version than 0, or an m= line without its four fields. */
export const ERR_SDP_SYNTAX = "ERR_SDP_SYNTAX";

/** More bytes, lines, media sections or payload types than limits.ts accepts. */
export const ERR_SDP_LIMIT = "ERR_SDP_LIMIT";

/** A codec that the server does not carry, or a payload type of which nobody says what it is. */
export const ERR_SDP_CODEC = "ERR_SDP_CODEC";

/** The bridges' error codes. */

/** A frame came before the configuration that its codec needs; nobody could decode it. */
export const ERR_FRAME_WITHOUT_CONFIG = "ERR_FRAME_WITHOUT_CONFIG";
/** The stream has nothing that this player can take. */
export const ERR_CODEC_NOT_RECEIVABLE = "ERR_CODEC_NOT_RECEIVABLE";
/** What a player set up is no longer what the stream has: another publisher came back with other tracks. */
export const ERR_TRACKS_CHANGED = "ERR_TRACKS_CHANGED";
/** A publisher announced nothing that this server can take. */
export const ERR_NOTHING_TO_PUBLISH = "ERR_NOTHING_TO_PUBLISH";

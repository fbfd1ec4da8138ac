/** The bridges' error codes. */

/** A frame came before the configuration that its codec needs; nobody could decode it. */
export const ERR_FRAME_WITHOUT_CONFIG = "ERR_FRAME_WITHOUT_CONFIG";
/** The stream has nothing that this player can take. */
export const ERR_CODEC_NOT_RECEIVABLE = "ERR_CODEC_NOT_RECEIVABLE";
